"""The settings `normalize` and `missing`, computed on the training examples.

Input: the training inputs and the settings. Output: a `Normalization` for each input that changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TypeAlias

from netspec.data.dataset.dataset import Fill
from netspec.data.dataset.lazy_rows import Column, in_memory, min_max
from netspec.data.dataset.options import Scaling
from netspec.data.errors.files import CannotNormalize
from netspec.data.transforms.normalization import IMAGENET, Normalization, measure, measure_fill, measure_range
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.shape import Shape

Scale: TypeAlias = str | tuple[tuple[float, ...], tuple[float, ...]]
"""The setting `normalize`: a word, or means and standard deviations."""


def scaling_problem(inputs: Mapping[str, Shape], scale: Scale) -> Unplaced | None:
    """Mistakes that shapes show: all inputs are ids, or the given statistics do not fit an input."""
    if scale == "none":
        return None
    numbers = {name: shape for name, shape in inputs.items() if not shape.is_tokens}
    if inputs and not numbers:
        return _cannot(scale, next(iter(inputs)), "token ids")
    for name, shape in numbers.items():
        width = shape.channels if shape.rank else 1
        if scale == "imagenet" and (shape.rank != 3 or width != 3):
            return _cannot(scale, name, f"examples of {shape}", "channels")
        if not isinstance(scale, str) and isinstance(width, int) and len(scale[0]) not in (1, width):
            return _cannot(scale, name, f"{width} features or channels", "width", width)
    return None


def find_scaling(
    inputs: Mapping[str, Column],
    scale: Scale,
    fill: Mapping[str, Fill | tuple[Fill | None, ...]],
    by_feature: Mapping[str, tuple[str | None, ...]] | None = None,
) -> dict[str, Normalization]:
    """How each input is filled and normalized; token ids are not changed. `by_feature` says by input how each of its
    features is normalized (None: by `scale`).

    Raises:
        Unplaced: all inputs are ids, or the given statistics do not fit an input.
    """
    numbers = {name: array for name, array in inputs.items() if array.dtype.kind == "f"}
    shapes = {name: Shape(x.shape[1:], None if name in numbers else 0) for name, x in inputs.items()}
    if (bad := scaling_problem(shapes, scale)) is not None:
        raise bad
    scales = {}
    for name, array in numbers.items():
        filling = measure_fill(in_memory(array), fill[name]) if name in fill else None
        single = (by_feature or {}).get(name, ())
        if scale == "none" and filling is None and not single:
            continue
        if filling is not None:
            array = np.where(np.isnan(in_memory(array)), np.array(filling, array.dtype), array)
        measured = _measured(array, scale, name)
        for how in {how for how in single if how is not None}:
            other, chosen = _measured(array, how, name), [one == how for one in single]
            measured = measured.replace(
                mean=_chosen(chosen, other.mean, measured.mean), std=_chosen(chosen, other.std, measured.std)
            )
        scales[name] = measured.replace(fill=filling, double=array.dtype == np.float64)
    return scales


def _chosen(is_first: list[bool], first: tuple[float, ...], second: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(a if is_a else b for is_a, a, b in zip(is_first, first, second, strict=True))


def _cannot(scale: Scale, name: str, what: str, case: str = "", width: int = 0) -> Unplaced:
    cannot = partial(Unplaced, CannotNormalize, option="normalize", scale=Scaling().to_source(scale))
    return cannot(input=name, what=what, case=case, width=width)


def _measured(array: Column, scale: Scale, name: str) -> Normalization:
    """Raises Unplaced when the given statistics are not for such an array."""
    width = array.shape[-1]
    if scale == "standard":
        return measure(array)
    if scale == "unit":
        return measure_range(array)
    if scale == "none":
        return Normalization((0.0,) * width, (1.0,) * width)
    if scale == "imagenet":
        low, high = (float(f(limit)) for f, limit in zip((min, max), min_max(array), strict=True))
        if low < 0 or high > 1:
            raise _cannot(scale, name, f"numbers from {low:g} to {high:g}", "range")
        return Normalization(*IMAGENET)
    assert not isinstance(scale, str)
    mean, std = scale
    return Normalization(mean * (width // len(mean)), std * (width // len(std)))
