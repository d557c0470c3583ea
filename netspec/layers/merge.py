"""Layers that join several tensors into one."""

from __future__ import annotations

from netspec.layers.base import Code, Layer, Names, PythonCall, PythonName, Shapes, call, layer
from netspec.layers.errors import CannotConcat, Misfit, UnequalShapes
from netspec.shape import Dim, Shape, Size

AXES = {1: ("channels",), 2: ("length", "channels"), 3: ("height", "width", "channels")}


def _axis_name(rank: int, axis: int) -> str:
    return AXES.get(rank, ("depth", "height", "width", "channels"))[axis] if rank <= 4 else f"axis {axis}"


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
    return " and ".join(map(str, shapes))


@layer("add")
class Add(Layer):
    """Adds tensors of equal shape, number by number; `a + b` is short for it.

    Shape: equal shapes -> the same
    Example: (dense(8) | dense(8)) -> add
    """

    many_inputs = True

    def infer(self, *inputs: Shape) -> Shape:
        found = first_difference(inputs, inputs[0].rank)
        if found is not None:
            index, axis = found
            advice = "give both the same sizes; `residual(…)` projects the shortcut where shapes differ"
            raise Misfit(UnequalShapes, input=index, word=self.word, shapes=_spell(inputs), axis=axis, advice=advice)
        return inputs[0]

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return PythonCall("+", tensors)


@layer("concat")
class Concat(Layer):
    """Puts tensors behind each other along the channels; their other sizes are equal.

    Shape: H x W x C1 | H x W x C2 -> H x W x C1 + C2
    Example: (conv(8, 1x1) | conv(8, 3x3)) -> concat
    """

    many_inputs = True

    def infer(self, *inputs: Shape) -> Shape:
        found = first_difference(inputs, inputs[0].rank - 1)
        if found is not None:
            index, axis = found
            advice = "give every branch the same stride and padding, or `flatten` each"
            raise Misfit(CannotConcat, input=index, word=self.word, shapes=_spell(inputs), axis=axis, advice=advice)
        channels: Size = 0
        for shape in inputs:
            channels = channels + shape.channels
        return inputs[0].with_channels(channels)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("jnp.concatenate", list(tensors), axis=-1)
