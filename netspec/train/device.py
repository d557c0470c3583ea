"""The devices that JAX finds."""

from __future__ import annotations

import jax


def find_devices() -> str | None:
    """None when JAX finds a device of the kind it was told to use, or what is wrong, in a line."""
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # a plugin that is missing ends in an assertion of JAX
        return (str(error).splitlines() or ["JAX finds no such device"])[0]
    return None
