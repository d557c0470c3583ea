"""Which computation of a layer is used: the one that is fast on the current device, or the plain reference.

The reference is `flax.nnx` and `jax.lax` as usually written. What a lowering changes is the order of the
arithmetic, never its meaning: values and gradients are the same up to rounding (tests/nn). Every choice is made while a
program is traced, from the device, the shapes and the type of the numbers.

The limits are measured ones; `python -m benchmarks.layers` measures them again.
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
FOR_INFERENCE = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"
"""The value for inference. Reductions are slower then, but are few. Where nothing is kept for a gradient, a reduction
left to YNNPACK takes the convolutions that lead to it along: ResNet-18, one image, 17.9 ms instead of 7.3."""
KEPT_BARRIERS = {"xla_disable_hlo_passes": "cse_barrier_expander"}
"""The pass of XLA for CPUs that would remove the barriers of `barriers.py`, augmentation and `remat`: XLA would then
find that what is recomputed after one equals what was computed before it, and keep that after all."""

_families: ContextVar[frozenset[str]] = ContextVar("families", default=frozenset(FAST))
_noted: ContextVar[list[Choice] | None] = ContextVar("noted", default=None)


def note(family: str, what: str, how: str, why: str) -> None:
    """Report a choice to `noting`, if it is active."""
    if (choices := _noted.get()) is not None:
        choices.append(Choice(what, how, why, family))


@contextmanager
def noting() -> Iterator[list[Choice]]:
    """The choices that are made while the body is traced, in order."""
    choices: list[Choice] = []
    before = _noted.set(choices)
    try:
        yield choices
    finally:
        _noted.reset(before)


@contextmanager
def using(lowering: str | Sequence[str]) -> Iterator[None]:
    """Trace the body with this lowering; programs that are already compiled stay as they are.

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


def compiler_options(families: Sequence[str] | None = None, *, inference: bool = False) -> dict[str, str]:
    """The options that XLA compiles a program with: the argument `compiler_options` of `jax.jit`.

    Args:
        families: those that are computed the fast way; by default those in force.
        inference: the program takes no gradient.
    """
    if jax.default_backend() != "cpu":
        return {}
    in_force = _families.get() if families is None else families
    options = {} if inference else dict(KEPT_BARRIERS)
    if "convolution" in in_force and CONVOLUTIONS_BY not in os.environ.get("XLA_FLAGS", "") and _is_known():
        options[CONVOLUTIONS_BY] = FOR_INFERENCE if inference else ALL_CORES
    return options


@cache
def _is_known() -> bool:
    """Whether this version of XLA has the option, which is experimental."""
    try:
        jax.jit(lambda: 0, compiler_options={CONVOLUTIONS_BY: ALL_CORES}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
