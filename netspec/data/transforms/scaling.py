"""What `normalize` and `missing` ask for, worked out on the training examples.

Comes in: the training inputs and the settings. Goes out: a `Normalization` for each input that changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from netspec.data.dataset.dataset import Fill
from netspec.data.dataset.lazy_rows import Column, in_memory, min_max
from netspec.data.dataset.options import Scaling
from netspec.data.errors.files import CannotNormalize
from netspec.data.transforms.normalization import IMAGENET, Normalization, measure, measure_fill, measure_range
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.shape import Shape

How: TypeAlias = str | tuple[tuple[float, ...], tuple[float, ...]]


def scaling_problem(inputs: Mapping[str, Shape], how: How) -> Unplaced | None:
    """What is wrong by shapes alone: there is no other input than ids, or the figures do not go with one."""
    if how == "none":
        return None
    numbers = {name: shape for name, shape in inputs.items() if not shape.is_tokens}
    if inputs and not numbers:
        return cannot_normalize(how, next(iter(inputs)), "token ids")
    for name, shape in numbers.items():
        width = shape.channels if shape.rank else 1
        if how == "imagenet" and (shape.rank != 3 or width != 3):
            advice = "it is for images of 3 channels: write `normalize = standard`"
            return cannot_normalize(how, name, f"examples of {shape}", advice)
        if not isinstance(how, str) and isinstance(width, int) and len(how[0]) not in (1, width):
            advice = f"give one mean and one std, or {width} of each"
            return cannot_normalize(how, name, f"{width} features or channels", advice)
    return None


def find_scaling(inputs: Mapping[str, Column], how: How, fill: Mapping[str, Fill]) -> dict[str, Normalization]:
    """How each input is filled in and normalized; inputs of token ids stay as they are.

    Raises:
        Unplaced: there is no other input than ids, or the figures that are given do not go with one.
    """
    numbers = {name: array for name, array in inputs.items() if array.dtype == np.float32}
    shapes = {name: Shape(x.shape[1:], None if name in numbers else 0) for name, x in inputs.items()}
    if (bad := scaling_problem(shapes, how)) is not None:
        raise bad
    found = {}
    for name, array in numbers.items():
        filling = measure_fill(in_memory(array), fill[name]) if name in fill else None
        if how == "none" and filling is None:
            continue
        if filling is not None:
            array = np.where(np.isnan(in_memory(array)), np.array(filling, np.float32), array)
        measured = _measured(array, how, name)
        found[name] = Normalization(measured.mean, measured.std, filling)
    return found


def cannot_normalize(how: How, name: str, what: str, advice: str | None = None) -> Unplaced:
    more: dict[str, Any] = {"advice": advice} if advice is not None else {}
    return Unplaced(CannotNormalize, option="normalize", how=Scaling().to_source(how), input=name, what=what, **more)


def _measured(array: Column, how: How, name: str) -> Normalization:
    """Raises Unplaced when the figures that are given are not for such an array."""
    width = array.shape[-1]
    if how == "standard":
        return measure(array)
    if how == "unit":
        return measure_range(array)
    if how == "none":
        return Normalization((0.0,) * width, (1.0,) * width)
    if how == "imagenet":
        low, high = (float(f(found)) for f, found in zip((min, max), min_max(array), strict=True))
        if low < 0 or high > 1:
            advice = "its statistics are for pixels from 0 to 1: write `normalize = standard`"
            raise cannot_normalize(how, name, f"numbers from {low:g} to {high:g}", advice)
        return Normalization(*IMAGENET)
    assert not isinstance(how, str)
    mean, std = how
    return Normalization(mean * (width // len(mean)), std * (width // len(std)))
