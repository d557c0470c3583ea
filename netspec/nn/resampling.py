"""Convolutions, pools and resizing: what Flax lacks or does differently.

As in `helpers`, each function and class is self-contained, or uses others of these files by their plain names.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def adaptive_pool(x: Any, shape: Any, reduce: Any) -> Any:
    """`reduce` over `shape` windows: along an axis, window i of n is [floor(i * size / n), ceil((i + 1) * size / n)),
    so that they cover the axis, and overlap where they must."""
    for axis, count in enumerate(shape, start=1):
        size = x.shape[axis]
        bounds = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
        parts = [reduce(jax.lax.slice_in_dim(x, *bound, axis=axis), axis=axis) for bound in bounds]
        x = jnp.stack(parts, axis=axis)
    return x


def upsample(x: Any, factors: Any, method: str = "nearest") -> Any:
    """Repeats every position `factors` times along its axis, or interpolates as many."""
    if method != "nearest":
        return resize(x, [size * factor for size, factor in zip(x.shape[1:-1], factors, strict=True)], method)
    for axis, factor in enumerate(factors, start=1):
        x = jnp.repeat(x, factor, axis=axis)
    return x


def resize(x: Any, shape: Any, method: str = "bilinear", antialias: bool = False) -> Any:
    """Resizes the axes between batch and channels to `shape`; pixel centers are at half-integers, edges repeat."""
    if method == "bilinear" or (antialias and method != "nearest"):
        return jax.image.resize(x, (x.shape[0], *shape, x.shape[-1]), method, antialias=antialias)
    for axis, size in enumerate(shape, start=1):
        if method == "nearest":
            x = jnp.take(x, (2 * jnp.arange(size) + 1) * x.shape[axis] // (2 * size), axis=axis)
        else:
            x = resize_cubic(x, size, axis)
    return x


def resize_like(x: Any, other: Any, method: str = "bilinear", antialias: bool = False) -> Any:
    """As `resize`, to the size of another tensor."""
    return resize(x, other.shape[1:-1], method, antialias)


def resize_cubic(x: Any, size: int, axis: int) -> Any:
    """Cubic convolution along one axis, with a = -0.75."""
    center = (jnp.arange(size) + 0.5) * (x.shape[axis] / size) - 0.5
    first = jnp.floor(center)
    total = 0.0
    for tap in (-1, 0, 1, 2):
        d = jnp.abs(center - first - tap)
        weight = jnp.where(d <= 1, (1.25 * d - 2.25) * d * d + 1, ((-0.75 * d + 3.75) * d - 6) * d + 3)
        taken = jnp.take(x, jnp.clip(first + tap, 0, x.shape[axis] - 1).astype(int), axis=axis)
        total = total + taken * weight.astype(x.dtype).reshape(-1, *[1] * (x.ndim - axis - 1))
    return total


def crop(x: Any, margins: Any) -> Any:
    """Cuts (before, after) off each axis between batch and channels."""
    for axis, (before, after) in enumerate(margins, start=1):
        x = jax.lax.slice_in_dim(x, before, x.shape[axis] - after, axis=axis)
    return x


def center_crop(x: Any, shape: Any) -> Any:
    """The middle of the axes between batch and channels; where an odd number goes, one more goes at the end."""
    spare = [size - kept for size, kept in zip(x.shape[1:-1], shape, strict=True)]
    return crop(x, [(number // 2, number - number // 2) for number in spare])


def crop_like(x: Any, other: Any) -> Any:
    """The middle of x, in the size of another tensor."""
    return center_crop(x, other.shape[1:-1])
