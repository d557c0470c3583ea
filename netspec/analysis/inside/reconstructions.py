"""What an autoencoder makes of examples: input, output, and the difference.

Input: a model whose output has the shape of its input. Output: a picture of some examples of the test split.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netspec.analysis.inside.inputs import given_inputs, split_inputs
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.grid import Row, Tile, grid_svg
from netspec.runs.model import Model
from netspec.spec.network_ends import output_heads

COUNT = 10
"""Examples that are shown."""
CLIP = 99
"""The percentile of the absolute differences that has the strongest color."""


def reconstructions_svg(model: Model, x: Any, split: str, data: Any) -> str:
    """See `Look.reconstructions`."""
    shapes = [*model.inputs.values(), *model.outputs.values()]
    heads = output_heads(model.compilation.optimized).values()
    if len(shapes) != 2 or shapes[0].sizes != shapes[1].sizes or any(head.activation == "softmax" for head in heads):
        raise ValueError("reconstructions are for a network whose output has the shape of its input")
    if shapes[0].rank not in (1, 3) or (shapes[0].rank == 3 and shapes[0].sizes[2] not in (1, 3)):
        raise ValueError(f"reconstructions are for vectors and images of one or three channels, not {shapes[0]}")
    if x is None:
        inputs = split_inputs(model, split, count=COUNT, is_spread=True, data=data).single.astype(np.float32)
        heading = f"{len(inputs)} examples of the {split} split"
    else:
        inputs = given_inputs(model, x).single[:COUNT].astype(np.float32)
        heading = f"{len(inputs)} inputs"
    outputs = next(iter(model.predictions(inputs).values()))
    sizes = [size for row in model.layers if isinstance(size := row.shape.count, int)]
    bottleneck = f" from {min(sizes)} numbers each" if sizes and min(sizes) < inputs[0].size else ""
    return pairs_svg(f"{model.name}: reconstructions of {heading}{bottleneck}", inputs, outputs)


def pairs_svg(title: str, inputs: Array, outputs: Array) -> str:
    """A picture of inputs, outputs and their differences, with the root mean squared error of each example.

    Args:
        title: what is shown.
        inputs: an array of shape (examples, height, width, channels) or (examples, numbers).
        outputs: of the same shape.
    """
    pairs = [(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(inputs, outputs, strict=True)]
    ends = float(min(a.min() for a, _ in pairs)), float(max(a.max() for a, _ in pairs))
    end = float(np.percentile(np.abs([b - a for a, b in pairs]), CLIP))
    errors = [float(np.sqrt(((b - a) ** 2).mean())) for a, b in pairs]
    rows = [
        Row("input", [Tile(_image(a, ends)) for a, _ in pairs], limits=ends),
        Row("output", [Tile(_image(b, ends)) for _, b in pairs], limits=ends),
        Row(
            f"output - input, with the root mean squared error; the scale ends at the {CLIP}th percentile",
            [Tile(_plain(b - a), f"{error:.4f}") for (a, b), error in zip(pairs, errors, strict=True)],
            signed=True,
            limits=(-end, end),
        ),
    ]
    return grid_svg(title, rows)


def _image(values: Array, ends: tuple[float, float]) -> Array:
    """An example as an image: three channels as colors, a vector as one line."""
    if values.ndim == 3 and values.shape[2] == 3:
        scaled: Array = np.round(255 * np.clip((values - ends[0]) / max(ends[1] - ends[0], 1e-12), 0, 1))
        return scaled.astype(np.uint8)
    return _plain(values)


def _plain(values: Array) -> Array:
    """As one number for each position: of three channels the mean."""
    return values.mean(axis=2) if values.ndim == 3 else values[None]
