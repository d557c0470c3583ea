"""What emitted code needs and Flax lacks.

The sources of those that a standalone model uses are copied into it, so each is self-contained and uses `jax`, `jnp`
and `nn` (Flax NNX) only.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx as nn


class Frozen(nn.Variable[Any]):  # type: ignore[misc]  # Flax is not read by the type checker
    """Weights that are not trained: an optimizer over `nn.Param` ignores them."""


def frozen(module: Any) -> Any:
    """Make every `Param` of a module a `Frozen`; returns the module."""
    for name, value in list(vars(module).items()):
        if isinstance(value, nn.Param):
            setattr(module, name, Frozen(value[...]))
        elif isinstance(value, nn.Module):
            frozen(value)
    return module


def is_reading(x: Any) -> Any:
    """The steps of series that are not padding, which is NaN: batch x T."""
    return ~jnp.isnan(x[..., 0])


def filled_steps(x: Any) -> Any:
    """Series with zeros in the place of padded steps, which are NaN."""
    return jnp.where(jnp.isnan(x), jnp.zeros((), x.dtype), x)


def fixed(values: Any) -> Any:
    """An initializer that gives these numbers, whatever the key; axes of length 1 may be missing in `values`."""

    def init(key: Any, shape: Any, dtype: Any = jnp.float32, **_: Any) -> Any:
        return jnp.asarray(values, dtype).reshape(shape)

    return init


def uniform_between(low: float, high: float) -> Any:
    """An initializer that draws evenly from [low, high)."""

    def init(key: Any, shape: Any, dtype: Any = jnp.float32, **_: Any) -> Any:
        return jax.random.uniform(key, shape, dtype, low, high)

    return init


def flatten(x: Any) -> Any:
    """All numbers of each example in one row: (batch, …) -> (batch, numbers)."""
    return x.reshape(x.shape[0], -1)


def scale(x: Any, factor: float, offset: float) -> Any:
    """x * factor + offset"""
    return x * factor + offset


def product(*tensors: Any) -> Any:
    """Tensors multiplied, number by number."""
    result = tensors[0]
    for tensor in tensors[1:]:
        result = result * tensor
    return result


def maximum(*tensors: Any) -> Any:
    """The largest of tensors, number by number."""
    result = tensors[0]
    for tensor in tensors[1:]:
        result = jnp.maximum(result, tensor)
    return result


def average(*tensors: Any) -> Any:
    """The mean of tensors, number by number."""
    return sum(tensors) / len(tensors)


def mish(x: Any) -> Any:
    """x * tanh(softplus(x))"""
    return x * jnp.tanh(jax.nn.softplus(x))


def step(x: Any) -> Any:
    """1 where x > 0, else 0."""
    return jnp.where(x > 0, 1.0, 0.0).astype(x.dtype)


def ceil_padding(x: Any, window_shape: Any, strides: Any, padding: Any) -> list[tuple[int, int]]:
    """The padding with the rows that a last, partial window lacks; a window that would start in them is left out."""
    pads = []
    for size, k, s, (before, after) in zip(x.shape[1:-1], window_shape, strides, padding, strict=True):
        count = -((k - size - before - after) // s) + 1
        count -= (count - 1) * s >= size + before
        pads.append((before, max(after, (count - 1) * s + k - size - before)))
    return pads


def avg_pool(
    x: Any, window_shape: Any, strides: Any, padding: Any = "VALID", ceil: bool = False, count_include_pad: bool = True
) -> Any:
    """The mean of each window; without `count_include_pad` padding does not count, and what `ceil` adds never does."""
    window, steps = (1, *window_shape, 1), (1, *strides, 1)
    inner = ceil_padding(x, window_shape, strides, padding) if ceil else padding
    pads = inner if isinstance(inner, str) else [(0, 0), *inner, (0, 0)]
    total = jax.lax.reduce_window(x, 0.0, jax.lax.add, window, steps, pads)
    ones = jnp.ones_like(x[:1, ..., :1])
    if count_include_pad and not ceil:
        count = 1
        for size in window_shape:
            count *= size
        return total / count
    if count_include_pad:
        ones = jnp.pad(ones, [(0, 0), *padding, (0, 0)], constant_values=1)
        pads = [(0, high - p) for (_, high), p in zip(pads, [0, *(p for _, p in padding), 0], strict=True)]
    return total / jax.lax.reduce_window(ones, 0.0, jax.lax.add, window, steps, pads)
