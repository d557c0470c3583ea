"""Augmentations that leave the pixels where they are, and those that move them without sampling: flips and crops.

Input: a word, a random key, images. Output: the images as the word varies them.
"""

from __future__ import annotations

from functools import singledispatch
from math import log, prod, sqrt
from typing import Any

import jax
import jax.numpy as jnp

from netspec.data import augmentations as words
from netspec.data.augmentations import Augmentation
from netspec.training.augment.geometry import Images, draw_below, draw_flips, draw_signed


@singledispatch
def vary(word: Augmentation, key: Any, images: Images) -> Images:
    """Images (batch x H x W x C) after a word that is not a map of the plane, or after a single flip."""
    return word.apply(key, images)


@vary.register
def _(word: words.Flip, key: Any, images: Images) -> Images:
    is_upside_down, is_mirrored = draw_flips(word, key, len(images))
    if word.axis != "horizontal":
        images = jnp.where(is_upside_down[:, None, None, None], images[:, ::-1], images)
    if word.axis != "vertical":
        images = jnp.where(is_mirrored[:, None, None, None], images[:, :, ::-1], images)
    return images


@vary.register
def _(word: words.Crop, key: Any, images: Images) -> Images:
    mode = {"black": "constant", "edge": "edge", "mirror": "reflect"}[word.fill]
    around = (word.pad, word.pad)
    framed = jnp.pad(images, ((0, 0), around, around, (0, 0)), mode=mode)
    top, left = draw_below(key, len(images), 2 * word.pad + 1, 2 * word.pad + 1)

    def cut(image: Any, y: Any, x: Any) -> Any:
        return jax.lax.dynamic_slice(image, (y, x, 0), images.shape[1:])

    return jax.vmap(cut)(framed, top, left)


@vary.register
def _(word: words.Cutout, key: Any, images: Images) -> Images:
    count, height, width, _ = images.shape
    row, column = draw_below(key, count, height, width)
    top, left = row - word.size // 2, column - word.size // 2
    hidden = box_mask(top, left, top + word.size, left + word.size, height, width)
    return jnp.where(hidden[..., None], 0.0, images)


@vary.register
def _(word: words.Erase, key: Any, images: Images) -> Images:
    count, height, width, _ = images.shape
    chance, size, form, down, right = jax.random.uniform(key, (5, count))
    area = (word.smallest + (word.largest - word.smallest) * size) * (height * width)
    ratio = jnp.exp(log(0.3) + (log(1 / 0.3) - log(0.3)) * form)
    rows = jnp.minimum(jnp.round(jnp.sqrt(area * ratio)), height)
    columns = jnp.minimum(jnp.round(jnp.sqrt(area / ratio)), width)
    top, left = jnp.floor(down * (height - rows + 1)), jnp.floor(right * (width - columns + 1))
    hidden = box_mask(top, left, top + rows, left + columns, height, width)
    hidden = hidden & (chance < word.chance)[:, None, None]
    return jnp.where(hidden[..., None], 0.0, images)


def _factor(word: Any, key: Any, images: Images) -> Any:
    """For each image a factor around 1."""
    return (1 + draw_signed(key, len(images), word.amount))[:, None, None, None]


def gray_of(images: Images) -> Images:
    """batch x H x W x 1: the perceived brightness (ITU-R BT.601); the mean unless there are three channels."""
    if images.shape[-1] != 3:
        return images.mean(axis=-1, keepdims=True)
    red, green, blue = (images[..., c : c + 1] for c in range(3))
    return 0.299 * red + 0.587 * green + 0.114 * blue


@vary.register
def _(word: words.Brightness, key: Any, images: Images) -> Images:
    return jnp.clip(images * _factor(word, key, images), 0, 1)


@vary.register
def _(word: words.Contrast, key: Any, images: Images) -> Images:
    mean = gray_of(images).mean(axis=(1, 2), keepdims=True)
    return jnp.clip(mean + _factor(word, key, images) * (images - mean), 0, 1)


@vary.register
def _(word: words.Saturation, key: Any, images: Images) -> Images:
    gray = gray_of(images)
    return jnp.clip(gray + _factor(word, key, images) * (images - gray), 0, 1)


@vary.register
def _(word: words.Hue, key: Any, images: Images) -> Images:
    turn = draw_signed(key, len(images), word.amount)[:, None, None]
    return turn_hue(images, turn)


def turn_hue(images: Images, turn: Any) -> Images:
    """Images (… x 3: red, green, blue) with their hue turned by a fraction of the circle; saturation and value stay."""
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    high, low = images.max(axis=-1), images.min(axis=-1)
    span = high - low
    safe = jnp.where(span > 0, span, 1.0)
    hue = jnp.where(
        high == red,
        (green - blue) / safe,
        jnp.where(high == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )

    def channel(begin: float) -> Any:
        """Smith 1978: a channel has the value of the color, less where the hue is far from it."""
        k = begin + hue + 6 * turn
        k = k - 6 * jnp.floor(k / 6)  # `%` is an order of magnitude slower on a CPU
        return high - span * jnp.clip(jnp.minimum(k, 4 - k), 0, 1)

    return jnp.stack([channel(5), channel(3), channel(1)], axis=-1)


@vary.register
def _(word: words.Noise, key: Any, images: Images) -> Images:
    return jnp.clip(images + word.deviation * draw_normal(key, images.shape), 0, 1)


def draw_normal(key: Any, shape: tuple[int, ...]) -> Any:
    """Normal numbers, of which each is one of 65,536 that are equally likely, and none beyond 4.3.

    Two are made of each 32 random bits: `jax.random.normal` makes one, and 64 bits for it, which would be most of what
    noise costs.
    """
    count = prod(shape)
    bits = jax.random.bits(key, (-(-count // 2),))
    halves = jnp.concatenate([bits & 0xFFFF, bits >> 16])[:count]
    numbers = sqrt(2) * jax.lax.erf_inv((halves.astype(jnp.float32) + 0.5) / 0x8000 - 1)
    return jax.lax.optimization_barrier(numbers).reshape(shape)


def box_mask(top: Any, left: Any, bottom: Any, right: Any, height: int, width: int) -> Any:
    """batch x height x width: true from `top` and `left` to just before `bottom` and `right` (each batch)."""
    y, x = jnp.arange(height), jnp.arange(width)
    in_rows = (y >= top[:, None]) & (y < bottom[:, None])
    in_columns = (x >= left[:, None]) & (x < right[:, None])
    return in_rows[:, :, None] & in_columns[:, None, :]
