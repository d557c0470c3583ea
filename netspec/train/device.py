"""The devices that JAX finds."""

from __future__ import annotations

import jax


def find_devices() -> str | None:
    """None when JAX finds a device of the kind it was told to use, or what is wrong, in a line."""
    try:
        jax.devices()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return None
