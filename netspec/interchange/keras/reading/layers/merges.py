"""Layers that join tensors."""

from __future__ import annotations

from math import prod
from typing import Any

from netspec.interchange.keras.reading.problems import Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import reads
from netspec.interchange.reading.sketch import Step
from netspec.language.shape import Shape
from netspec.layers.merge import DIRECTIONS, Add, Average, Concat, Maximum, Merge, Mul
from netspec.layers.norm import L2Norm
from netspec.layers.reshape import Flatten, Reshape, Scale
from netspec.layers.spatial.pool import GlobalAvgPool, GlobalPool

KINDS: dict[str, type[Merge]] = {
    "Add": Add,
    "Multiply": Mul,
    "Maximum": Maximum,
    "Average": Average,
    "Minimum": Maximum,
    "Subtract": Add,
}


@reads(*KINDS)
def merge(site: Site, *values: Value) -> Value:
    return merged(site, site.layer.kind, *values)


def merged(site: Site, kind: str, *values: Value) -> Value:
    """The tensors joined elementwise, as layers of this class do."""
    if not values:
        raise Unreadable("it joins nothing")
    if len(values) == 1:
        return values[0]
    steps, is_first = _alike(site, values)
    largest = max((step.shape for step in steps), key=lambda shape: _order(shape, kind))
    steps = [_fitted(site, step, largest) for step in steps]
    if kind == "Subtract":
        steps = [steps[0], site.add(Scale, steps[1], factor=-1.0, name="")]
    elif kind == "Minimum":
        steps = [site.add(Scale, step, factor=-1.0, name="") for step in steps]
    step = site.add(KINDS[kind], *steps)
    if kind == "Minimum":
        step = site.add(Scale, step, factor=-1.0, name="")
    return _together(values, step, is_first)


def _order(shape: Shape, kind: str) -> tuple[int, int, int]:
    """By what the largest of several shapes is found: the one that the others are broadcast to."""
    numbers = [size for size in shape.sizes if isinstance(size, int)]
    return shape.rank, len(shape.sizes) - len(numbers), prod(numbers)


def _alike(site: Site, values: tuple[Value, ...]) -> tuple[list[Step], bool]:
    """The steps with their axes in one order, and whether that is channels last for channels first in Keras."""
    rank = max(value.rank for value in values)
    is_first = any(value.is_first for value in values) and all(value.rank == rank for value in values)
    return [site.first(value) if is_first else site.plain(value) for value in values], is_first


def _together(values: tuple[Value, ...], step: Step, is_first: bool) -> Value:
    is_unmasked = any(value.is_unmasked for value in values)
    return Value(step, is_first and step.shape.rank > 1, any(value.is_masked for value in values), is_unmasked)


def _fitted(site: Site, step: Step, largest: Shape) -> Step:
    """The step, as a vector where Keras broadcasts a single position to all of them."""
    shape = step.shape
    is_point = shape.rank == largest.rank > 1 and all(size == 1 for size in shape.space)
    if not is_point or shape == largest:
        return step
    if isinstance(step.layer, Reshape) and step.inputs[0].shape.sizes == (shape.channels,):
        return step.inputs[0]
    if isinstance(step.layer, GlobalPool):
        return site.add(type(step.layer), step.inputs[0], name=step.name)
    return site.add(Flatten, step, name="")


@reads("CustomScaleLayer")
def scaled_sum(site: Site, x: Value, y: Value) -> Value:
    """The residual connections of InceptionResNetV2: x + scale * y."""
    steps, is_first = _alike(site, (x, y))
    scaled = site.add(Scale, steps[1], factor=site.number("scale", 1.0), name="")
    return _together((x, y), site.add(Add, steps[0], scaled), is_first)


@reads("Concatenate")
def concatenate(site: Site, *values: Value) -> Value:
    return joined(site, site.get("axis", -1), *values)


def joined(site: Site, axis: Any, *values: Value) -> Value:
    """The tensors joined along an axis of Keras."""
    if not values:
        raise Unreadable("it joins nothing")
    if len(values) == 1:
        return values[0]
    steps, is_first = _alike(site, values)
    rank = steps[0].shape.rank
    if not isinstance(axis, int) or not -rank <= axis <= rank or axis == 0:
        raise Unreadable(f"it joins along axis {axis}")
    axis = (axis - 1 if axis > 0 else axis) % rank
    if is_first:
        axis = (axis - 1) % rank
    along = next((name for name, ranks in DIRECTIONS.items() if ranks.get(rank) == axis), "channels")
    return _together(values, site.add(Concat, *steps, along=along), is_first)


@reads("Dot")
def dot(site: Site, *values: Value) -> Value:
    """Of two vectors: the mean of the products, times their number."""
    axes = site.get("axes", 1)
    axes = axes[0] if isinstance(axes, list) and len(set(axes)) == 1 else axes
    if len(values) != 2 or any(value.rank != 1 for value in values) or axes not in (1, -1):
        raise Unreadable("netspec has products of vectors only")
    steps = [value.step for value in values]
    if site.flag("normalize", False):
        steps = [site.add(L2Norm, step, name="") for step in steps]
    count = steps[0].shape.channels
    if not isinstance(count, int):
        raise Unreadable("it takes vectors of a size that is not known")
    products = site.add(Reshape, site.add(Mul, *steps, name=""), shape=(count, 1), name="")
    return Value(site.add(Scale, site.add(GlobalAvgPool, products, name=""), factor=float(count)))
