"""Residual connections."""

from __future__ import annotations

from typing import Any

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Body, Choice
from netspec.language.shape import Dim, Shape
from netspec.language.values import LayerValue
from netspec.language.word import option
from netspec.layers.base import Apply, Layer, layer
from netspec.layers.dense import Dense
from netspec.layers.errors.shapes import UnequalShapes
from netspec.layers.merge import Add, first_difference
from netspec.layers.spatial.conv import Conv


@layer("residual")
class Residual(Layer):
    """Residual connection: adds the input of a layer to its output.

    If the shapes differ, `project = auto` projects the shortcut by a 1x1 convolution (a `dense` for vectors) without
    bias and with a matching stride; with `project = none` that is an error.

    Shape: any -> the shape of the body
    Formula: y = x + body(x); if the shapes differ, y = project(x) + body(x)
    Example: residual(dense(64, relu) -> dense(64))
    Reference: He et al. 2015, arXiv:1512.03385.
    """

    body: LayerValue = option(Body(), "the layer that the shortcut bypasses", position=0)
    project: str = option(Choice(("auto", "none")), "what to do with the shortcut if the shapes differ", default="auto")

    is_macro = True

    def expand(self, apply: Apply, *tensors: Any) -> Any:
        (tensor,) = tensors
        inner = apply(self.body, tensor)
        before, after = tensor.shape, inner.shape
        if self.project == "none" and before != after:
            raise self._unprojected(before, after)
        if before == after:
            return apply(Add(), tensor, inner)
        return apply(Add(), apply(self._projection(before, after), tensor), inner)

    def _projection(self, before: Shape, after: Shape) -> Layer:
        difference = first_difference((before, after), before.rank)
        assert difference is not None
        if before.rank != after.rank or isinstance(after.channels, Dim):
            raise self._cannot(before, after, difference[1])
        if before.rank == 1:
            return Dense(units=after.channels, bias=False)
        strides = []
        for size, output in zip(before.space, after.space, strict=True):
            stride = 1 if size == output else _stride(size, output)
            if stride is None:
                raise self._cannot(before, after, difference[1])
            strides.append(stride)
        stride_option = strides[0] if len(set(strides)) == 1 else tuple(strides)
        return Conv(filters=after.channels, kernel=1, stride=stride_option, bias=False)

    def _unprojected(self, before: Shape, after: Shape) -> Unplaced:
        difference = first_difference((before, after), before.rank)
        axis = difference[1] if difference is not None else "they differ"
        advice = "remove `project = none`, so that a 1x1 convolution projects the shortcut"
        return Unplaced(
            UnequalShapes, option="project", word=self.word, shapes=f"{before} and {after}", axis=axis, advice=advice
        )

    def _cannot(self, before: Shape, after: Shape, axis: str) -> Unplaced:
        advice = "no stride of a 1x1 convolution turns one into the other; give the body `pad = same`"
        return Unplaced(UnequalShapes, word=self.word, shapes=f"{before} and {after}", axis=axis, advice=advice)


def can_project(before: Shape, after: Shape) -> bool:
    """Whether a 1x1 convolution turns one shape into the other."""
    is_alike = before.rank == after.rank and not isinstance(after.channels, Dim)
    spaces = zip(before.space, after.space, strict=True) if is_alike else ()
    return is_alike and all(size == output or _stride(size, output) is not None for size, output in spaces)


def _stride(size: Any, output: Any) -> int | None:
    """The smallest stride from `size` to `output` with `same` padding; tried up to 8 for symbolic sizes."""
    if isinstance(size, int) and isinstance(output, int):
        stride = -(-size // output)
        return stride if output and -(-size // stride) == output else None
    return next((s for s in range(2, 9) if (size + (s - 1)) // s == output), None)
