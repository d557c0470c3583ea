"""Which parts of an image a prediction needs: the probability drops where they are hidden.

Input: a model and images. Output: an array with a number for each pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from netspec.analysis.inside.attribution import Attribution, attribution_of, image_input
from netspec.analysis.inside.inputs import Inputs, given_inputs
from netspec.analysis.inside.scores import Scores, Unit
from netspec.data.dataset.lazy_rows import Array
from netspec.runs.arguments import check_optional
from netspec.spec.model import Model

PARTS, STEPS = 4, 4
"""The default patch is a fourth of the shorter side, and moves by a fourth of its own."""


def occlusion(
    model: Model, x: Any, class_id: int | str | None = None, *, size: int | None = None, step: int | None = None
) -> Array:
    """How much the probability of a class drops where a patch hides a part of an image (Zeiler and Fergus 2014,
    Visualizing and understanding convolutional networks). The patch has the mean color of the image: on a black
    background their gray would not hide something, but add it.

    Args:
        model: a trained model.
        x: images as for `model.predict`.
        class_id: the id or the name of the class; None: the predicted one of each example.
        size: the side of the patch in pixels; None: a fourth of the shorter side of the image.
        step: how many pixels it moves; None: a fourth of its side; at most its side.

    Returns:
        An array of shape (examples, height, width): for each pixel the mean drop over the patches that cover it;
        negative where the probability rises. Where the network gives numbers, how much the number drops.

    Raises:
        ValueError: the input is not one image, the patch does not fit, it would leave out pixels, or there is no such
            class.
        TypeError: `size` or `step` is not an integer.
    """
    drop: Array = occlusion_of(Scores(model), given_inputs(model, x), class_id, size, step).plain
    return drop


def occlusion_of(
    scores: Scores, inputs: Inputs, class_id: int | str | None, size: int | None, step: int | None
) -> Attribution:
    """See `occlusion`."""
    model = scores.model
    name, (height, width) = image_input(model)
    size, step = _patch(min(height, width), size, step)
    logits, _ = scores(inputs)
    units = scores.chosen(logits, class_id)
    raw = np.asarray(inputs.raw[name], np.float32)
    mean = raw.mean(axis=(1, 2), keepdims=True)
    before = _values(model, raw, units)
    drops, covers = np.zeros((len(raw), height, width)), np.zeros((height, width))
    for top, left in _places(height, width, size, step):
        hidden = raw.copy()
        part = np.s_[top : top + size, left : left + size]
        hidden[:, *part] = mean
        drops[:, *part] += (before - _values(model, hidden, units))[:, None, None]
        covers[part] += 1
    pixels = "1 pixel" if step == 1 else f"{step} pixels"
    note = f"a {size}x{size} patch in the mean color of the image, moved by {pixels}"
    return replace(attribution_of(scores, logits, {name: (drops / covers).astype(np.float32)}, units), note=note)


def _patch(side: int, size: int | None, step: int | None) -> tuple[int, int]:
    """The side and the step of the patch: no pixel is left out between two of them."""
    check_optional("size", size, (int, np.integer), "a number of pixels")
    check_optional("step", step, (int, np.integer), "a number of pixels")
    size = max(1, side // PARTS) if size is None else int(size)
    step = max(1, size // STEPS) if step is None else int(step)
    if not 1 <= size <= side:
        raise ValueError(f"the patch is from 1 to {side} pixels, not {size}")
    if not 1 <= step <= size:
        largest = "1 pixel" if size == 1 else f"1 to {size} pixels (its side)"
        raise ValueError(f"the patch moves by {largest}, not by {step}")
    return size, step


def _places(height: int, width: int, size: int, step: int) -> Iterator[tuple[int, int]]:
    """The top left corners of the patches; the last ones end at the edges."""
    tops, lefts = (sorted({*range(0, side - size, step), side - size}) for side in (height, width))
    return ((top, left) for top in tops for left in lefts)


def _values(model: Model, raw: Array, units: list[Unit]) -> Array:
    """The probability of a unit for each example, or its number."""
    found = model.predictions(raw)
    values = [
        float(found[unit.output][i].reshape(-1, found[unit.output].shape[-1])[-1, unit.index])
        for i, unit in enumerate(units)
    ]
    return np.array([1 - v if unit.sign < 0 else v for v, unit in zip(values, units, strict=True)])
