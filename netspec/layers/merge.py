"""Layers that join several tensors into one."""

from __future__ import annotations

from netspec.layers.base import Code, Layer, Names, PythonCall, PythonName, Shapes, call, check_numbers, layer
from netspec.layers.errors import CannotConcat, Misfit, UnequalShapes
from netspec.shape import Dim, Shape, Size

MOST_TERMS = 100
"""More of them are added by `sum`: Python cannot read an expression of thousands of terms."""

AXES = {
    1: ("features",),
    2: ("lengths", "channels"),
    3: ("heights", "widths", "channels"),
    4: ("depths", "heights", "widths", "channels"),
}


def _axis_name(rank: int, axis: int) -> str:
    return AXES[rank][axis] if rank in AXES else f"sizes of axis {axis}"


def first_difference(shapes: tuple[Shape, ...], axes: int) -> tuple[int, str] | None:
    """The first input that differs from input 0 in rank or in one of its first axes, and how, in words."""
    first = shapes[0]
    for index, other in enumerate(shapes[1:], start=1):
        if other.rank != first.rank:
            return index, f"{first.kind} and {other.kind}"
        for axis, (a, b) in enumerate(zip(first.sizes[:axes], other.sizes[:axes], strict=True)):
            if a != b:
                verb = "may differ" if isinstance(a, Dim) or isinstance(b, Dim) else "differ"
                return index, f"the {_axis_name(first.rank, axis)} {verb}, {a} and {b}"
    return None


def _spell(shapes: tuple[Shape, ...]) -> str:
    *most, last = map(str, shapes)
    return f"{', '.join(most)} and {last}" if most else last


def _advise(first: Shape, other: Shape) -> str:
    """How to make two tensors fit for an addition."""
    if first.rank != other.rank:
        return "bring both to one form: `gap` or `flatten` makes a vector of an image"
    if first.space != other.space:
        return "use the same strides, pools and padding on both sides, or `residual(…)`, which projects the shortcut"
    noun = AXES.get(first.rank, AXES[4])[-1]
    return f"let both end with {first.channels} {noun}, or write `residual(…)`, which projects the shortcut"


@layer("add")
class Add(Layer):
    """Adds tensors of equal shape, number by number; `a + b` is short for it.

    Shape: equal shapes -> the same
    Example: (dense(8) | dense(8)) -> add
    """

    elsewhere = ("sum", "plus")

    input_count = (2, None)

    def infer(self, *inputs: Shape) -> Shape:
        check_numbers(self, *inputs)
        found = first_difference(inputs, inputs[0].rank)
        if found is not None:
            index, axis = found
            advice = _advise(inputs[0], inputs[index])
            raise Misfit(UnequalShapes, input=index, word=self.word, shapes=_spell(inputs), axis=axis, advice=advice)
        return inputs[0]

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return PythonCall("+", tensors) if len(tensors) <= MOST_TERMS else call("sum", list(tensors))


@layer("concat")
class Concat(Layer):
    """Puts tensors behind each other along the channels; their other sizes are equal.

    Shape: H x W x C1 | H x W x C2 -> H x W x C1 + C2
    Example: (conv(8, 1x1) | conv(8, 3x3)) -> concat
    """

    elsewhere = ("Concatenate", "cat", "stack")

    input_count = (2, None)

    def infer(self, *inputs: Shape) -> Shape:
        check_numbers(self, *inputs)
        found = first_difference(inputs, inputs[0].rank - 1)
        if found is not None:
            index, axis = found
            advice = "give every branch the same stride and padding, or `flatten` each"
            if inputs[0].rank != inputs[index].rank:
                advice = "bring all to one form: `gap` or `flatten` makes a vector of an image"
            raise Misfit(CannotConcat, input=index, word=self.word, shapes=_spell(inputs), axis=axis, advice=advice)
        channels: Size = 0
        for shape in inputs:
            channels = channels + shape.channels
        return inputs[0].with_channels(channels)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("jnp.concatenate", list(tensors), axis=-1)
