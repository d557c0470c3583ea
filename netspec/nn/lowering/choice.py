"""Which way a layer is computed: what is fast on the device at hand, or the plain reference.

The reference is `flax.nnx` and `jax.lax` as everybody writes them. What a lowering changes is the order of the
arithmetic, never its meaning: values and gradients are the same up to rounding (tests/nn). Every choice is made while a
program is traced, from the device, the shapes and the type of the numbers.

The limits that the choices are made by are measured ones; `python -m benchmarks.layers` measures them anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from netspec.language.lowering_families import FAST, REFERENCE, Choice

LOWERINGS = {"fast": FAST, "reference": REFERENCE}
"""`fast`: by device and shapes. `reference`: as Flax does it."""

CONVOLUTIONS_BY = "xla_cpu_experimental_ynn_fusion_type"
ALL_CORES = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
"""An option of XLA, and its value that takes convolutions out of what is left to YNNPACK, which runs those with fewer
than 96 filters on one core."""
TO_ANSWER = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"
"""The value for programs that only answer. Sums are slower then, but are few. Where nothing is kept for a gradient, a
sum left to YNNPACK takes the convolutions that lead to it along: ResNet-18, one image, 17.9 ms instead of 7.3."""
KEPT_BARRIERS = {"xla_disable_hlo_passes": "cse_barrier_expander"}
"""The pass of XLA for CPUs that would take away the barriers that once.py, augmentation and `remat` put in: it would
then find that what is computed again behind one is the same as before, and keep that after all."""

_families: ContextVar[frozenset[str]] = ContextVar("families", default=frozenset(FAST))
_noted: ContextVar[list[Choice] | None] = ContextVar("noted", default=None)


def note(family: str, what: str, how: str, why: str) -> None:
    """Tell who listens what was chosen."""
    listeners = _noted.get()
    if listeners is not None:
        listeners.append(Choice(what, how, why, family))


@contextmanager
def noting() -> Iterator[list[Choice]]:
    """The choices that are made while what is inside is traced, in order."""
    found: list[Choice] = []
    before = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(before)


@contextmanager
def using(lowering: str | Sequence[str]) -> Iterator[None]:
    """Trace what is inside with this lowering; programs that are compiled already stay as they are.

    Args:
        lowering: `fast`, `reference`, or the families (language/lowering_families.py) computed the fast way.

    Raises:
        ValueError: there is no such lowering.
    """
    families = LOWERINGS.get(lowering, (lowering,)) if isinstance(lowering, str) else lowering
    unknown = [name for name in families if name not in FAST]
    if unknown:
        raise ValueError(f"there is no lowering `{unknown[0]}`: use fast, reference, or some of {', '.join(FAST)}")
    before = _families.set(frozenset(families))
    try:
        yield
    finally:
        _families.reset(before)


def is_fast_on_cpu(family: str, *arrays: Any) -> bool:
    """Whether the choice of a family for CPUs is in force for these arrays: it was measured for single precision, and
    holds for double precision, which gradients are checked in."""
    return (
        family in _families.get()
        and jax.default_backend() == "cpu"
        and all(array.dtype in (jnp.float32, jnp.float64) for array in arrays)
    )


def compiler_options(families: Sequence[str] | None = None, *, answers: bool = False) -> dict[str, str]:
    """What XLA is told when it compiles a program: the argument `compiler_options` of `jax.jit`.

    Args:
        families: those that are computed the fast way; by default those in force.
        answers: the program takes no gradient.
    """
    if jax.default_backend() != "cpu":
        return {}
    in_force = _families.get() if families is None else families
    told = {} if answers else dict(KEPT_BARRIERS)
    if "convolution" in in_force and CONVOLUTIONS_BY not in os.environ.get("XLA_FLAGS", "") and _is_known():
        told[CONVOLUTIONS_BY] = TO_ANSWER if answers else ALL_CORES
    return told


@cache
def _is_known() -> bool:
    """Whether this version of XLA has the option; it is an experimental one."""
    try:
        jax.jit(lambda: 0, compiler_options={CONVOLUTIONS_BY: ALL_CORES}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
