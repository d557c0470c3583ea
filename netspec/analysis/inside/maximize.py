"""Inputs that excite the units of a layer most, by gradient ascent.

Input: a model and a layer. Output: an image for each unit, and how active the unit is for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.analysis.inside.attribution import image_input
from netspec.analysis.inside.heat_maps import image_of
from netspec.analysis.inside.scores import Scores
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.grid import Row, Tile, grid_svg
from netspec.display.text import number_text
from netspec.language.corrections import suggest
from netspec.language.kinds import MAX_SEED
from netspec.runs.arguments import check_type
from netspec.spec.model import Model

MAX_UNITS = 16
STEPS = 128
RATE, DECAY, JITTER = 0.05, 1e-3, 1 / 14
"""The length of a step as a fraction of the range of the pixels, the decay of the image in a step, and how far
it is moved at most, as a fraction of the shorter side."""
BLUR, BLUR_EVERY = 0.25, 4
"""How much of each pixel the blur gives to its neighbors along an axis, and in which steps the image is blurred."""
SIDE = 100.0
NOISE = 0.1
"""The standard deviation of the first image, as a fraction of the range of the pixels."""


@dataclass(frozen=True)
class Maximized:
    """The images that excite some units of a layer.

    Args:
        layer: the name of the layer.
        units: the indices of the units or channels.
        count: how many the layer has.
        names: those of the classes, where the layer gives the scores of classes; otherwise the numbers from 1.
        images: raw, as in the data: (units, height, width, channels).
        activations: of each unit for its image: of feature maps the mean over all positions, of a layer before a
            softmax or sigmoid the score.
    """

    layer: str
    units: Sequence[int]
    count: int
    names: Sequence[str]
    images: Array
    activations: Array


def maximize(
    model: Model, layer: str | None = None, *, units: Sequence[int] | int = MAX_UNITS, steps: int = STEPS, seed: int = 0
) -> Maximized:
    """Inputs that excite units most: gradient ascent on the pixels (Erhan et al. 2009, Visualizing higher-layer
    features of a deep network). As in Olah, Mordvintsev and Schubert 2017, Feature visualization, the image is moved by
    some pixels in each step; it decays and is blurred as well, and stays in the range of the training data.

    Args:
        model: a trained model.
        layer: its name as in `netspec show`; None: the last one, which gives the scores of classes.
        units: the indices of units or channels, or how many, from the first one on.
        steps: of the ascent.
        seed: of the first images and of the moves; equal seeds give equal images.

    Raises:
        ValueError: the input is not one image, there is no such layer or unit, or `steps` is not positive.
    """
    return maximize_of(Scores(model), layer, units, steps, seed)


def maximize_of(scores: Scores, layer: str | None, units: Sequence[int] | int, steps: int, seed: int) -> Maximized:
    """See `maximize`."""
    model = scores.model
    name, _ = image_input(model)
    shapes, ends = scores.result_shapes(), output_layers(model)
    layer = next(iter(ends)) if layer is None else layer
    if layer not in shapes:
        raise ValueError(f"no layer `{layer}`: {suggest(layer, shapes, what='layers')}")
    check_type("units", units, (int, Sequence), "how many units, or a list of their indices")
    check_type("steps", steps, (int, np.integer), "a positive integer")
    check_type("seed", seed, (int, np.integer), "an integer")
    if steps < 1:
        raise ValueError(f"`steps` is a positive integer, not {steps}")
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"`seed` is from 0 to {MAX_SEED:,}, not {seed}")
    count = shapes[layer][-1]
    chosen = [*range(min(units, count))] if isinstance(units, int) else [*units]
    if not chosen or not all(isinstance(unit, int | np.integer) and 0 <= unit < count for unit in chosen):
        raise ValueError(f"`{layer}` has {count} units, with indices from 0 to {count - 1}")
    images, activations = _Ascent(scores, layer, np.array(chosen), *_limits(model, name)).run(steps, seed)
    scale = model.normalization.get(name)
    raw = np.asarray(images if scale is None else scale.invert(images), np.float32)
    classes = [unit.name for unit in scores.units() if unit.output == ends.get(layer) and unit.sign > 0]
    names = [classes[unit] if len(classes) == count else str(unit + 1) for unit in chosen]
    return Maximized(layer, chosen, count, names, raw, activations)


@dataclass(frozen=True)
class _Ascent:
    """The ascent for all units at the same time: each image belongs to one of them. `low` and `high` are the limits of
    each normalized pixel."""

    scores: Scores
    layer: str
    units: Array
    low: Array
    high: Array

    def excitement(self, images: Any) -> Any:
        """How active each unit is for its image."""
        values = self.scores.result(self.layer, images)
        own = jnp.take_along_axis(values, self.units.reshape(-1, *[1] * (values.ndim - 1)), axis=-1)
        return own.reshape(len(self.units), -1).mean(axis=1)

    def run(self, steps: int, seed: int) -> tuple[Array, Array]:
        """The images after some steps, and the activations."""
        shape = (len(self.units), *self.low.shape)
        span, middle = self.high - self.low, (self.low + self.high) / 2
        jitter = int(JITTER * min(shape[1:3]))
        start, key = jax.random.split(jax.random.key(seed))
        first = jnp.clip(middle + NOISE * span * jax.random.normal(start, shape), self.low, self.high)
        gradient = jax.grad(lambda images: self.excitement(images).sum())

        def step(number: Any, images: Any) -> Any:
            own = jax.random.fold_in(key, number)
            moves = jax.random.randint(own, (2,), -jitter, jitter + 1)
            slopes = jnp.roll(gradient(jnp.roll(images, moves, (1, 2))), -moves, (1, 2))
            size = jnp.sqrt(jnp.square(slopes).mean(axis=(1, 2, 3), keepdims=True))
            # a unit that is not active has no slope: noise, until it is
            noise = jax.random.normal(jax.random.fold_in(own, 1), shape)
            way = jnp.where(size > 0, slopes / jnp.maximum(size, 1e-30), noise)
            moved = middle + (1 - DECAY) * (images - middle) + RATE * span * way
            blurred = jnp.where(number % BLUR_EVERY == BLUR_EVERY - 1, _blur(moved), moved)
            # the last steps sharpen what was found
            return jnp.clip(jnp.where(number < steps - BLUR_EVERY, blurred, moved), self.low, self.high)

        def ascend(images: Any) -> tuple[Any, Any]:
            last = jax.lax.fori_loop(0, steps, step, images)
            return last, self.excitement(last)

        images, activations = jax.jit(ascend)(first)
        return np.asarray(images), np.asarray(activations)


def _blur(images: Any) -> Any:
    """Each pixel with a part of its neighbors, along both axes."""
    for axis in (1, 2):
        before, after = (jnp.roll(images, move, axis) for move in (1, -1))
        images = (1 - BLUR) * images + BLUR / 2 * (before + after)
    return images


def _limits(model: Model, name: str) -> tuple[Array, Array]:
    """The smallest and the largest number of the training set as images, normalized; 0 and 1 without a training set."""
    ranges = model.preprocessing.ranges if model.preprocessing is not None else {}
    shape = (1, *(size for size in model.inputs[name].sizes if isinstance(size, int)))
    low, high = (model.normalized(np.full(shape, end, np.float32))[0][0] for end in ranges.get(name, (0.0, 1.0)))
    return np.asarray(low, np.float32), np.asarray(high, np.float32)


def output_layers(model: Model) -> dict[str, str]:
    """The names of the outputs by the layers that give them."""
    graph = model.compilation.optimized
    return {graph.nodes[output.edge.node].name: output.name or "output" for output in graph.outputs}


def _reached(scores: Scores, layer: str) -> str:
    """What `Maximized.activations` are in the layer."""
    head = scores.heads.get(output_layers(scores.model).get(layer, ""))
    if head is not None and head.activation in ("softmax", "sigmoid"):
        return f"its logit, the score before the {head.activation}"
    return "its activation" if len(scores.result_shapes()[layer]) == 1 else "its mean activation"


def maximize_svg(scores: Scores, layer: str | None, units: Sequence[int] | int, steps: int, seed: int) -> str:
    """The images as a grid, each with the name of its unit and the activation; see `maximize`."""
    found = maximize_of(scores, layer, units, steps, seed)
    name, _ = image_input(scores.model)
    tiles = []
    for image, unit, activation in zip(found.images, found.names, found.activations.tolist(), strict=True):
        pixels = image_of(scores.model, name, image) if image.shape[-1] == 3 else image.mean(axis=-1)
        text = f"{activation:#.3g}" if 0.001 <= abs(activation) < 1000 else number_text(activation, 3)
        tiles.append(Tile(pixels, f"{unit}: {text}"))
    what = "units" if len(scores.result_shapes()[found.layer]) == 1 else "channels"
    heading = f"{found.count} {what}" if len(tiles) == found.count else f"{len(tiles)} of {found.count} {what}"
    heading += f", each with {_reached(scores, found.layer)}"
    title = f"{scores.model.name}: inputs that excite {found.layer} most, by gradient ascent"
    return grid_svg(title, [Row(heading, tiles, side=SIDE)])
