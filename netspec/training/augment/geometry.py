"""Augmentations that move images: random maps of the plane, composed, and the sampling of images by them.

Input: words, random keys, images (batch x H x W x C). Output: maps, and images sampled once, bilinearly, by four
gathers: on a CPU that is an order of magnitude faster than the same as products of matrices.
"""

from __future__ import annotations

from functools import singledispatch
from math import radians
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from netspec.data import augmentations as words
from netspec.data.augmentations import Augmentation

Images: TypeAlias = Any
"""batch x H x W x C, float32, from 0 to 1."""

Map: TypeAlias = tuple[Any, Any, Any, Any, Any, Any]
"""(a, b, c, d, u, v), each of the shape batch: the pixel at (y, x) of the new image, counted from
the middle, is taken from (a y + b x + u, c y + d x + v) of the old one."""


@singledispatch
def find_map(word: Augmentation, key: Any, count: int, height: int, width: int) -> Map:
    """A random map for each of `count` images."""
    raise NotImplementedError(f"`{word.word}` is not a map of the plane")


def draw_signed(key: Any, count: int, limit: float) -> Any:
    """`count` numbers from -limit to limit."""
    return jax.random.uniform(key, (count,), minval=-limit, maxval=limit)


def draw_below(key: Any, count: int, *limits: int) -> tuple[Any, ...]:
    """For each limit `count` whole numbers, from 0 to just below it."""
    fractions = jax.random.uniform(key, (len(limits), count))
    return tuple(jnp.floor(part * limit).astype(jnp.int32) for part, limit in zip(fractions, limits, strict=True))


@find_map.register
def _(word: words.Rotate, key: Any, count: int, height: int, width: int) -> Map:
    angle = draw_signed(key, count, radians(word.degrees))
    zero = jnp.zeros(count)
    return jnp.cos(angle), -jnp.sin(angle), jnp.sin(angle), jnp.cos(angle), zero, zero


@find_map.register
def _(word: words.Zoom, key: Any, count: int, height: int, width: int) -> Map:
    factor, zero = 1 + draw_signed(key, count, word.amount), jnp.zeros(count)
    return 1 / factor, zero, zero, 1 / factor, zero, zero


@find_map.register
def _(word: words.Shift, key: Any, count: int, height: int, width: int) -> Map:
    down, right = jax.random.uniform(key, (2, count), minval=-word.amount, maxval=word.amount)
    one, zero = jnp.ones(count), jnp.zeros(count)
    return one, zero, zero, one, -down * height, -right * width


@find_map.register
def _(word: words.Shear, key: Any, count: int, height: int, width: int) -> Map:
    one, zero = jnp.ones(count), jnp.zeros(count)
    return one, zero, -jnp.tan(draw_signed(key, count, radians(word.degrees))), one, zero, zero


def draw_flips(word: words.Flip, key: Any, count: int) -> tuple[Any, Any]:
    """Which images are turned upside down, and which are mirrored left and right."""
    is_vertical, is_horizontal = jax.random.uniform(key, (2, count)) < word.chance
    return is_vertical & (word.axis != "horizontal"), is_horizontal & (word.axis != "vertical")


@find_map.register
def _(word: words.Flip, key: Any, count: int, height: int, width: int) -> Map:
    is_upside_down, is_mirrored = draw_flips(word, key, count)
    zero = jnp.zeros(count)
    return jnp.where(is_upside_down, -1.0, 1.0), zero, zero, jnp.where(is_mirrored, -1.0, 1.0), zero, zero


def follow(first: Map, second: Map) -> Map:
    """The map of an image that goes through `first` and then through `second`."""
    a, b, c, d, u, v = first
    e, f, g, h, s, t = second
    return (
        a * e + b * g,
        a * f + b * h,
        c * e + d * g,
        c * f + d * h,
        a * s + b * t + u,
        c * s + d * t + v,
    )


def sample(images: Images, plane: Map, fill: str) -> Images:
    """Images (batch x H x W x C) at the positions of a map, bilinearly between the four pixels around each."""
    count, height, width, channels = images.shape
    rows, columns = _positions(plane, height, width, fill)
    top, left = jnp.floor(rows), jnp.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    # With a black frame of one pixel before and two after, no position needs a check.
    framed = jnp.pad(images, ((0, 0), (1, 2), (1, 2), (0, 0))).reshape(-1, channels)
    line = width + 3
    corner = (jnp.arange(count) * ((height + 3) * line))[:, None, None]
    corner = corner + (top.astype(jnp.int32) + 1) * line + left.astype(jnp.int32) + 1
    above = take(framed, corner) * (1 - right) + take(framed, corner + 1) * right
    below = take(framed, corner + line) * (1 - right) + take(framed, corner + line + 1) * right
    return above * (1 - down) + below * down


def sample_nearest(images: Images, plane: Map, fill: str) -> Images:
    """The same at the nearest pixel, for numbers that have no mean, such as class ids."""
    count, height, width, channels = images.shape
    row, column = (jnp.floor(x + 0.5).astype(jnp.int32) + 1 for x in _positions(plane, height, width, fill))
    framed = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(-1, channels)
    line = width + 2
    return take(framed, (jnp.arange(count) * ((height + 2) * line))[:, None, None] + row * line + column)


def _positions(plane: Map, height: int, width: int, fill: str) -> tuple[Any, Any]:
    """From which row and column each pixel is taken (batch x height x width), between pixels."""
    a, b, c, d, u, v = (numbers[:, None, None] for numbers in plane)
    y = (jnp.arange(height) - (height - 1) / 2)[:, None]
    x = jnp.arange(width) - (width - 1) / 2
    rows = _inside(a * y + b * x + u + (height - 1) / 2, height, fill)
    columns = _inside(c * y + d * x + v + (width - 1) / 2, width, fill)
    return rows, columns


def _inside(position: Any, size: int, fill: str) -> Any:
    """Positions along an axis, moved to where there are pixels: up to one beyond for black, where the frame is."""
    if fill == "black":
        return jnp.clip(position, -1, size)
    if fill == "mirror" and size > 1:
        period = 2 * (size - 1)
        position = jnp.abs((position + (size - 1)) % period - (size - 1))
    return jnp.clip(position, 0, size - 1)


def take(x: Any, positions: Any) -> Any:
    """Rows of `x` at positions that are known to be inside."""
    return x.at[positions].get(mode="promise_in_bounds")
