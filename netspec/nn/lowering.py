"""Which way a layer is computed: what is fast on the device at hand, or the plain reference.

The reference is `flax.nnx` and `jax.lax` as everybody writes them. What a lowering changes is the order of the
arithmetic, never its meaning: values and gradients are the same up to rounding (tests/nn). Every choice is made while a
program is traced, from the device, the shapes and the type of the numbers.

The limits that the choices are made by are measured ones; `python -m benchmarks.layers` measures them anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp

LOWERINGS = ("fast", "reference")
"""`fast`: by device and shapes. `reference`: as Flax does it."""

_chosen: ContextVar[str] = ContextVar("lowering", default="fast")


@contextmanager
def using(name: str) -> Iterator[None]:
    """Trace what is inside with this lowering; programs that are compiled already stay as they are.

    Args:
        name: one of `LOWERINGS`.

    Raises:
        ValueError: there is no such lowering.
    """
    if name not in LOWERINGS:
        raise ValueError(f"there is no lowering `{name}`: use {' or '.join(LOWERINGS)}")
    before = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(before)


def is_fast_on_cpu(*arrays: Any) -> bool:
    """Whether choices for CPUs are in force for these arrays: they were measured for single precision, and hold for
    double precision, which gradients are checked in."""
    return (
        _chosen.get() == "fast"
        and jax.default_backend() == "cpu"
        and all(array.dtype in (jnp.float32, jnp.float64) for array in arrays)
    )
