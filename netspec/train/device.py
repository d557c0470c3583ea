"""The devices that JAX finds."""

from __future__ import annotations

import jax

DATA_SHARE = 2
"""Examples may take this part of the memory of a device; the rest is for the network and for what it computes."""


def memory_for_data() -> int | None:
    """How many bytes a device with memory of its own has for examples; None where it has none, or does not tell."""
    figures = jax.devices()[0].memory_stats() or {}
    most = figures.get("bytes_limit")
    return (most - figures.get("bytes_in_use", 0)) // DATA_SHARE if most else None


def find_devices() -> str | None:
    """None when JAX finds a device of the kind it was told to use, or what is wrong, in a line."""
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # a plugin that is missing ends in an assertion of JAX
        return (str(error).splitlines() or ["JAX finds no such device"])[0]
    return None
