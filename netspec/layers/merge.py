"""Layers that join several tensors into one."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice
from netspec.language.shape import Dim, Shape, Size
from netspec.language.word import option
from netspec.layers.base import Layer, check_numbers, layer, wrong_rank
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes, call
from netspec.layers.errors.shapes import CannotConcat, UnequalShapes

MAX_TERMS = 100
"""More terms are combined by a function: Python cannot parse an expression of thousands of terms."""

AXES = {
    1: ("features",),
    2: ("lengths", "channels"),
    3: ("heights", "widths", "channels"),
    4: ("depths", "heights", "widths", "channels"),
}


def first_difference(shapes: Shapes, axes: int, besides: int | None = None) -> tuple[int, str] | None:
    """The first input that differs from input 0 in rank or in one of its first axes, and the difference in words.

    The axis `besides` may differ.
    """
    first = shapes[0]
    for index, other in enumerate(shapes[1:], start=1):
        if other.rank != first.rank:
            return index, f"{first.kind} and {other.kind}"
        for axis, (a, b) in enumerate(zip(first.sizes[:axes], other.sizes[:axes], strict=True)):
            if a != b and axis != besides:
                verb = "may differ" if isinstance(a, Dim) or isinstance(b, Dim) else "differ"
                name = AXES[first.rank][axis] if first.rank in AXES else f"sizes of axis {axis}"
                return index, f"the {name} {verb}, {a} and {b}"
    return None


def _join(shapes: Shapes) -> str:
    *most, last = map(str, shapes)
    return f"{', '.join(most)} and {last}" if most else last


def _is_nearly(a: Size, b: Size) -> bool:
    """Whether two sizes differ by less than a stride of 2 would cause: an odd size was halved and doubled again, or
    unpadded convolutions have removed rows."""
    return isinstance(a, int) and isinstance(b, int) and 3 * abs(a - b) <= max(a, b)


def _advise_space(first: Shape, other: Shape) -> str:
    """How to make the spatial sizes of two tensors of equal rank match."""
    if first.rank > 2 and all(_is_nearly(a, b) for a, b in zip(first.space, other.space, strict=True)):
        fitting = "use `pad = same` and input sizes that every stride and pool divides"
        return f"{fitting}, or put `resize` after the smaller one"
    return "use the same strides, pools and padding in all branches"


# ---------------------------------------------------------------- elementwise


class Merge(Layer):
    """Base class of elementwise merges; vectors are broadcast over the positions of the other tensors."""

    input_count: ClassVar[tuple[int, int | None]] = (2, None)
    takes_gates: ClassVar[bool] = False
    """A single channel is broadcast over all channels, too."""

    def infer(self, *inputs: Shape) -> Shape:
        check_numbers(self, *inputs)
        largest = self._largest(inputs)
        for index, shape in enumerate(inputs):
            if not self._fits(shape, inputs[largest]):
                raise self._misfit(inputs, largest, index)
        return inputs[largest]

    def _largest(self, inputs: Shapes) -> int:
        """The index of the input that has the output shape, if all are compatible."""
        rank = max(shape.rank for shape in inputs)
        of_rank = [i for i, shape in enumerate(inputs) if shape.rank == rank]
        return next((i for i in of_rank if not (self.takes_gates and inputs[i].channels == 1)), of_rank[0])

    def _fits(self, shape: Shape, result: Shape) -> bool:
        broadcasts_space = shape.rank == 1 or shape.space == result.space
        broadcasts_channels = shape.channels == result.channels or (self.takes_gates and shape.channels == 1)
        return broadcasts_space and broadcasts_channels

    def _misfit(self, inputs: Shapes, largest: int, index: int) -> Unplaced:
        result, other = inputs[largest], inputs[index]
        pair = (result, other) if largest < index else (other, result)
        difference = first_difference(pair, result.rank)
        assert difference is not None
        axis = difference[1]
        if other.rank == 1 < result.rank:
            axis = f"a vector of {other.channels} and {result.kind} with {result.channels} channels"
        advice = self._advise(*pair)
        return Unplaced(
            UnequalShapes, at_input=index or largest, word=self.word, shapes=_join(inputs), axis=axis, advice=advice
        )

    def _advise(self, first: Shape, other: Shape) -> str:
        """How to make two tensors compatible."""
        if 1 in (first.rank, other.rank) and first.rank != other.rank:
            channels = max(first, other, key=lambda shape: shape.rank).channels
            advice = f"end the vector with `dense({channels})`, and it is broadcast to every position"
            return f"{advice}; or make a vector of the other with `gap` or `flatten`"
        if first.rank != other.rank:
            return "use tensors of the same rank: `gap` or `flatten` turns an image into a vector"
        if first.space != other.space:
            point = next((s for s in (first, other) if all(size == 1 for size in s.space)), None)
            if point is not None:
                return f"`flatten` the {point} first: a vector is broadcast to every position"
            return _advise_space(first, other)
        noun = AXES.get(first.rank, AXES[4])[-1]
        gate = ", or one of them with a single channel" if self.takes_gates else ""
        return f"let all end with {first.channels} {noun}{gate}"

    def fitted(self, tensors: Names, shapes: Shapes) -> list[Code]:
        """The tensors, with axes of length 1 inserted into vectors for broadcasting."""
        rank = max(shape.rank for shape in shapes)
        axes = tuple(range(1, rank)) if rank > 2 else 1
        return [
            call("jnp.expand_dims", tensor, axes) if shape.rank < rank else tensor
            for tensor, shape in zip(tensors, shapes, strict=True)
        ]


@layer("add")
class Add(Merge):
    """Adds tensors elementwise; `a + b` is short for it.

    A vector with as many features as the others have channels is added at every position.

    Shape: equal shapes -> the same; H x W x C | C -> H x W x C
    Formula: y = x1 + x2 + …
    Example: (dense(8) | dense(8)) -> add
    Reference: He et al. 2015, arXiv:1512.03385, for shortcuts.
    """

    aliases = ("sum", "plus")

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        terms = self.fitted(tensors, shapes)
        return PythonCall("+", tuple(terms)) if len(terms) <= MAX_TERMS else call("sum", terms)


@layer("mul")
class Mul(Merge):
    """Multiplies tensors elementwise; vectors and single channels act as gates.

    A vector with as many features as the others have channels multiplies every position, as in squeeze-and-excite. A
    tensor with a single channel, such as the map of an attention gate, multiplies every channel.

    Shape: equal shapes -> the same; H x W x C | C -> H x W x C; H x W x C | H x W x 1 -> H x W x C
    Formula: y = x1 * x2 * …
    Example: (identity | dense(1, sigmoid)) -> mul
    Reference: Hu, Shen and Sun 2017, Squeeze-and-excitation networks, arXiv:1709.01507.
    """

    aliases = ("multiply", "product", "times", "gate")

    takes_gates = True

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        factors = self.fitted(tensors, shapes)
        if len(factors) > MAX_TERMS:
            return call("nn.product", *factors)
        return PythonCall("*", tuple(factors))


@layer("max")
class Maximum(Merge):
    """The elementwise maximum of several tensors (maxout).

    A vector with as many features as the others have channels is compared at every position.

    Shape: equal shapes -> the same; H x W x C | C -> H x W x C
    Formula: y = max(x1, x2, …)
    Example: (dense(8) | dense(8)) -> max
    Reference: Goodfellow et al. 2013, Maxout networks, arXiv:1302.4389.
    """

    aliases = ("maximum", "maxout")

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        given = self.fitted(tensors, shapes)
        return call("jnp.maximum" if len(given) == 2 else "nn.maximum", *given)


@layer("average")
class Average(Merge):
    """The elementwise mean of several tensors.

    A vector with as many features as the others have channels counts at every position.

    Shape: equal shapes -> the same; H x W x C | C -> H x W x C
    Formula: y = (x1 + … + xn) / n
    Example: (dense(8) | dense(8)) -> average
    Reference: Larsson, Maire and Shakhnarovich 2016, FractalNet, arXiv:1605.07648.
    """

    aliases = ("mean", "avg")

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("nn.average", *self.fitted(tensors, shapes))


# ---------------------------------------------------------------- concatenation

DIRECTIONS = {
    "channels": {1: 0, 2: 1, 3: 2, 4: 3},
    "length": {2: 0},
    "height": {3: 0, 4: 1},
    "width": {3: 1, 4: 2},
    "depth": {4: 0},
}
"""The axes that tensors of each rank can be joined along."""


@layer("concat")
class Concat(Layer):
    """Concatenates tensors along the channels, or along the axis given by `along`; all other sizes must be equal.

    `along = length` appends one sequence to the other, `along = height` puts one image below the other.

    Shape: H x W x C1 | H x W x C2 -> H x W x C1 + C2; along = length: T1 x C | T2 x C -> T1 + T2 x C
    Formula: y[i, c] = x1[i, c] for c < C1, else x2[i, c - C1]
    Example: (conv(8, 1x1) | conv(8, 3x3)) -> concat
    Reference: Szegedy et al. 2014, Going deeper with convolutions, arXiv:1409.4842.
    """

    aliases = ("Concatenate", "cat", "stack")

    along: str = option(
        Choice(tuple(DIRECTIONS)), "the axis to join along", default="channels", aliases=("axis", "dim")
    )

    input_count = (2, None)

    def infer(self, *inputs: Shape) -> Shape:
        check_numbers(self, *inputs)
        first = inputs[0]
        axis = self._axis(first)
        mismatch = first_difference(inputs, first.rank, besides=axis)
        if mismatch is not None:
            index, difference = mismatch
            shapes, advice = _join(inputs), self._advise(first, inputs[index], axis)
            raise Unplaced(
                CannotConcat,
                at_input=index,
                word=self.word,
                along=self.along,
                shapes=shapes,
                axis=difference,
                advice=advice,
            )
        total: Size = 0
        for shape in inputs:
            total = total + shape.sizes[axis]
        return Shape((*first.sizes[:axis], total, *first.sizes[axis + 1 :]))

    def _axis(self, shape: Shape) -> int:
        """The index of the axis to concatenate along.

        Raises:
            Unplaced: such a tensor has no axis of that name.
        """
        axes = DIRECTIONS[self.along]
        if shape.rank in axes:
            return axes[shape.rank]
        if self.along == "channels":
            return shape.rank - 1
        wants = {"length": "a sequence", "depth": "a volume"}.get(self.along, "an image or a volume")
        own = [name for name, ranks in DIRECTIONS.items() if shape.rank in ranks]
        advice = f"{shape.kind} is joined along its {' or its '.join(reversed(own))}"
        raise wrong_rank(self, shape, wants, advice, option="along")

    def _advise(self, first: Shape, other: Shape, along: int) -> str:
        """How to make two tensors compatible."""
        if first.rank != other.rank:
            return "use tensors of the same rank: `gap` or `flatten` turns an image into a vector"
        if first.channels != other.channels and along != first.rank - 1:
            return f"let all end with {first.channels} channels"
        if self.along != "channels":
            return f"only the {self.along} may differ: {_advise_space(first, other)}"
        return _advise_space(first, other)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        axis = -1 if self.along == "channels" else self._axis(shapes[0]) + 1
        return call("jnp.concatenate", list(tensors), axis=axis)
