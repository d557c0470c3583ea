"""Initializers: those of Flax, with the same numbers, from few compiled programs.

JAX compiles a program for each shape that is drawn, 0.15 to 0.4 seconds each; a deep network has dozens. The numbers of
a tensor do not depend on its shape, and those of a short one are the first of a longer one with the same key (JAX's
partitionable threefry). So they are drawn as one row of one of a few lengths, and truncated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

Initializer: TypeAlias = Callable[..., Any]
"""(key, shape, dtype) -> the initial weights."""

MIN_ROW_LENGTH, FINE_FROM = 2**12, 2**20
"""Rows are a power of four times as long as the shortest one; long ones a power of two, so that less is thrown away."""
CUT = 0.87962566103423978
"""The standard deviation of a normal distribution truncated at two standard deviations."""


def row_length(numbers: int) -> int:
    """The length of the row that this many numbers are cut from."""
    length = MIN_ROW_LENGTH
    while length < numbers:
        length *= 4 if length < FINE_FROM else 2
    return length


def _drawn(
    plain: Initializer, draw: Callable[..., Any], factor: Callable[[Sequence[int]], Any], min_axes: int = 1
) -> Initializer:
    """`plain`, an initializer of Flax that draws numbers and multiplies them by a factor of the shape."""

    def init(key: Any, shape: Sequence[int], dtype: Any = None, **more: Any) -> Any:
        is_known = dtype == jnp.float32 and len(shape) >= min_axes and prod(shape) > 0 and not more
        if not is_known or not _has_prefixes(key):
            return plain(key, shape, dtype, **more)
        row = np.asarray(draw(key, (row_length(prod(shape)),)))
        return jax.device_put(row[: prod(shape)].reshape(shape) * factor(shape))

    return init


def _has_prefixes(key: Any) -> bool:
    """Whether the key is concrete, and of the kind whose draws start with the same numbers whatever their length."""
    if isinstance(key, jax.core.Tracer) or not jax.config.jax_threefry_partitionable:
        return False
    return str(jax.random.key_impl(key)) == "threefry2x32"


def _truncated(key: Any, shape: tuple[int, ...]) -> Any:
    return jax.random.truncated_normal(key, -2, 2, shape, jnp.float32)


def _scaled(name: str, scale: float, fan: str) -> tuple[Callable[[], Initializer], Callable[[], Initializer]]:
    """`NAME_normal` and `NAME_uniform` of Flax, of variance scale / fan; the last axes of a kernel are inputs and
    outputs."""

    def variance(shape: Sequence[int]) -> Any:
        fan_in, fan_out = prod(shape[:-1]), prod(shape) // shape[-2]
        return np.float32(scale / {"fan_in": fan_in, "fan_avg": (fan_in + fan_out) / 2}[fan])

    def normal() -> Initializer:
        plain = getattr(nnx.initializers, f"{name}_normal")()
        return _drawn(plain, _truncated, lambda shape: np.sqrt(variance(shape)) / np.float32(CUT), 2)

    def uniform() -> Initializer:
        plain = getattr(nnx.initializers, f"{name}_uniform")()
        draw = partial(jax.random.uniform, dtype=jnp.float32, minval=-1)
        return _drawn(plain, draw, lambda shape: np.sqrt(np.float32(3) * variance(shape)), 2)

    return normal, uniform


lecun_normal, lecun_uniform = _scaled("lecun", 1, "fan_in")
he_normal, he_uniform = _scaled("he", 2, "fan_in")  # He et al. 2015
glorot_normal, glorot_uniform = _scaled("glorot", 1, "fan_avg")  # Glorot and Bengio 2010


def normal(stddev: float = 0.01) -> Initializer:
    """A normal distribution around zero."""
    plain = nnx.initializers.normal(stddev)
    return _drawn(plain, partial(jax.random.normal, dtype=jnp.float32), lambda _: np.float32(stddev))


def truncated_normal(stddev: float = 0.01) -> Initializer:
    """A normal distribution around zero, truncated at two standard deviations."""
    return _drawn(nnx.initializers.truncated_normal(stddev), _truncated, lambda _: np.float32(stddev))


default = lecun_normal()
"""The default of layers: one object, or no two networks would be equal to JAX."""


def __getattr__(name: str) -> Any:
    """All other initializers are those of Flax."""
    return getattr(nnx.initializers, name)
