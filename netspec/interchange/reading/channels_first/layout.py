"""What all operators share: names of the next steps, and tensors with their axes in the order that a layer needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from math import isfinite
from typing import Any, Concatenate, ParamSpec, TypeVar

from netspec.interchange.reading.channels_first.values import NO_AXIS, Value, axes_of
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.diagnostics import Unplaced
from netspec.language.record import Frozen
from netspec.language.shape import Dim, Shape, Size
from netspec.language.source import Span
from netspec.language.values import Extent
from netspec.language.word import Mismatch, Word
from netspec.layers.base import Layer
from netspec.layers.reshape import Flatten, Permute, Reshape

P = ParamSpec("P")
B = TypeVar("B", bound="Layout")


class CannotSay(Exception):
    """The language cannot say what an operator does; the text is the reason. It becomes `NotInNetspec` (NS571)."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


class AlreadyLost(Exception):
    """A step could not be added, which has been reported."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step


def operator(method: Callable[Concatenate[B, P], Value]) -> Callable[Concatenate[B, P], Value]:
    """A method that adds the steps of an operator: one of something lost is lost, and not reported again."""

    @wraps(method)
    def checked(self: B, /, *args: P.args, **options: P.kwargs) -> Value:
        for given in args:
            for x in given if isinstance(given, list | tuple) else (given,):
                if isinstance(x, Value) and x.is_lost:
                    return x
        try:
            return method(self, *args, **options)
        except AlreadyLost as lost:
            return Value(lost.step, (0,))
        except Unplaced as bad:
            return self.lost(self.what(method.__name__), bad.kind(**bad.fields).message)
        except CannotSay as reason:
            return self.lost(self.what(method.__name__), str(reason), advice=reason.advice)

    return checked


class Place(Frozen):
    """Where in the file the next steps are: a name, the modules around, and a place in the text."""

    name: str = ""
    scope: tuple[str, ...] = ()
    span: Span | None = None


class Layout:
    """Adds steps to a sketch, one operator after the other.

    Args:
        sketch: the network that is built.
    """

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.here = Place()

    @contextmanager
    def place(self, name: str, scope: Sequence[str] = (), span: Span | None = None) -> Iterator[None]:
        """The name, the modules around and the place in the text of the steps that are added inside `with`."""
        before, self.here = self.here, Place(name, tuple(scope), span)
        try:
            yield
        finally:
            self.here = before

    def what(self, word: str) -> str:
        """What messages call the operator that is added."""
        return self.here.name or word

    def lost(self, what: str, reason: str, span: Span | None = None, advice: str = "") -> Value:
        """As `Sketch.lost`."""
        return Value(self.sketch.lost(what, reason, span or self.here.span, advice), (0,))

    def input(
        self, name: str, sizes: Sequence[int | str], *, tokens: int | None = None, axes: Sequence[int] | None = None
    ) -> Value:
        """An input.

        Args:
            name: its name in the file.
            sizes: without the batch, in the order of the other program; a name for one that is not known.
            tokens: for token ids, how many different ones there are.
            axes: axis i is axis `axes[i]` of the input of netspec, counting the batch as axis 0; by default the
                channels of images and volumes are first, and those of sequences last.
        """
        rank = len(sizes) + 1
        if axes is None:
            axes = (0, rank - 1, *range(1, rank - 1)) if rank > 3 and tokens is None else tuple(range(rank))
        own: list[Size] = [0] * len(sizes)
        for axis, size in zip(axes[1:], sizes, strict=True):
            own[axis - 1] = Dim.named(size) if isinstance(size, str) else size
        return Value(self.sketch.input(name, Shape(tuple(own), tokens)), tuple(axes))

    @operator
    def output(self, x: Value, name: str = "") -> Value:
        """What flows out: the tensor as it is, with netspec's order of axes, which `Value.axes` has."""
        x = self.opened(x)
        self.sketch.output(x.step, name)
        return x

    def close(self) -> None:
        """Report what is left of reshapes of sizes that are not known."""
        waiting, seen = [step for _, step in self.sketch.outputs], set[int]()
        while waiting:
            step = waiting.pop()
            if id(step) in seen:
                continue
            seen.add(id(step))
            waiting += step.inputs
            if isinstance(step.layer, Reshape) and not all(isinstance(size, int) for size in step.shape.sizes):
                self.lost(step.name or "reshape", "it reshapes a tensor whose sizes are not known")

    # ---------------------------------------------------------------- steps

    def step(
        self, layer: Layer, *steps: Step, weights: Mapping[str, Any] | None = None, is_helper: bool = False
    ) -> Step:
        """The use of a layer. A helper, such as a `pad` before a convolution, has no name.

        Raises:
            CannotSay: an option has a value that the layer does not take, or a weight another shape.
            AlreadyLost: it does not fit its inputs.
        """
        check_options(layer)
        name, scope, span = self.here.name, self.here.scope, self.here.span
        step = self.sketch.add(layer, *steps, name="" if is_helper else name, scope=scope, weights=weights, span=span)
        if step.is_lost:
            raise AlreadyLost(step)
        _check_weights(step)
        return step

    def after(
        self, x: Value, layer: Layer, weights: Mapping[str, Any] | None = None, *, is_helper: bool = False
    ) -> Value:
        """A layer that leaves the axes as they are."""
        return Value(self.step(layer, x.step, weights=weights, is_helper=is_helper), x.axes, x.blocks)

    # ---------------------------------------------------------------- axes

    def opened(self, x: Value) -> Value:
        """The tensor with its features in the order of the other program.

        Raises:
            CannotSay: it was put together from several.
        """
        return x if x.is_lost or not x.blocks else self._flat(self.unflattened(x)).with_axes(x.axes)

    def unflattened(self, x: Value) -> Value:
        """The tensor that a vector was flattened from.

        Raises:
            CannotSay: it was put together from several.
        """
        if len(x.blocks) != 1:
            raise CannotSay("it mixes the features of several flattened images")
        (block,) = x.blocks
        axes = (0, *(axis + 1 for axis in block.axes))
        if isinstance(x.step.layer, Flatten) and x.step.inputs[0].shape.sizes == block.own_sizes:
            return Value(x.step.inputs[0], axes)
        return Value(self.reshaped(x.step, block.own_sizes), axes)

    def _flat(self, x: Value) -> Value:
        """A vector of all numbers, in the order of the other program."""
        return Value(self.reshaped(self.arrange(x, x.inner).step, (Shape(x.sizes).count,)), (0, 1))

    def arrange(self, x: Value, order: Sequence[int]) -> Value:
        """The tensor with its axes `order` as the axes of the step; all that are not named have size 1.

        Raises:
            CannotSay: that needs a reshape of sizes that are not known.
        """
        x = self.opened(x)
        if x.layout == list(order):
            return x
        step, layout = x.step, x.layout
        if [a for a in layout if a is not None and x.is_large(a)] != [a for a in order if x.is_large(a)]:
            spare = [own for own, axis in enumerate(layout, start=1) if axis is None or axis not in order]
            wanted = [*spare, *(x.axes[axis] for axis in order if x.axes[axis] != NO_AXIS)]
            step = self.step(Permute(order=wanted), step, is_helper=True)
            layout = [layout[own - 1] for own in wanted]
        if layout != list(order):
            step = self.reshaped(step, [x.size(axis) for axis in order])
        return Value(step, axes_of(x.rank, order, x.axes.index(0)))

    def reshaped(self, step: Step, sizes: Sequence[Size]) -> Step:
        """The step with other sizes; without any, it is one number.

        Raises:
            CannotSay: a size is not known.
        """
        sizes = sizes or (1,)
        while step.layer is not None and isinstance(step.layer, Reshape | Flatten):
            if step.shape.sizes == tuple(sizes):
                return step
            step = step.inputs[0]
        if step.shape.sizes == tuple(sizes):
            return step
        if len(sizes) == 1:
            return self.step(Flatten(), step, is_helper=True)
        layer = Reshape(shape=tuple(sizes))
        if all(isinstance(size, int) for size in (*sizes, *step.shape.sizes)):
            return self.step(layer, step, is_helper=True)
        # attention may take the place of this and of what reads it; otherwise `close` reports it
        return Step(layer=layer, inputs=(step,), shape=Shape(tuple(sizes)), name=self.here.name, scope=self.here.scope)

    def as_positions(self, x: Value, axes: Sequence[int]) -> tuple[Value, tuple[int, ...]]:
        """The tensor in an order in which these axes are positions, not channels, and that order.

        Where the last axis is one of them, the tensor gets another one after all, of size 1: the caller cuts it off
        `Value.axes`.
        """
        x = self.opened(x)
        order = [axis for axis in x.layout if axis is not None]
        order = [*(axis for axis in axes if axis not in order), *order]
        if order[-1] in axes:
            x, order = x.with_axes((*x.axes, NO_AXIS)), [*order, x.rank]
        return self.arrange(x, order), tuple(order)

    def channels_last(self, x: Value) -> Value:
        """The tensor with its axis 1 as the last one, the others in their order.

        Raises:
            CannotSay: the batch is not its first axis.
        """
        return self.arrange(with_batch(x), (*range(2, x.rank), 1))


def with_batch(x: Value) -> Value:
    """The tensor, if the batch is its first axis.

    Raises:
        CannotSay: it is not.
    """
    if not x.axes or x.axes[0] != 0:
        raise CannotSay("the batch is not the first axis of its input")
    return x


def check_options(layer: Layer) -> None:
    """Whether the numbers among the options of a layer are within their limits, as the compiler checks later.

    Raises:
        CannotSay: one of them is not.
    """
    _check_word(layer)
    if layer.activation_word is not None:
        _check_word(layer.activation_word)


def _check_word(word: Word) -> None:
    for item in word.options():
        value = getattr(word, item.field)
        if value is None or isinstance(value, bool | str | Word) or value == item.default:
            continue
        if isinstance(value, float) and not isfinite(value):
            raise CannotSay(f"`{item.name}` of `{word.word}` is {value}")
        try:
            item.kind.accept(Extent(value) if isinstance(value, tuple) else value)
        except Mismatch as bad:
            raise CannotSay(f"`{item.name}` of `{word.word}` is {bad.expected}, not {bad.given}") from None


def _check_weights(step: Step) -> None:
    assert step.layer is not None
    shapes = [x.shape for x in step.inputs]
    expected = {**step.layer.parameters(*shapes), **step.layer.state(*shapes)}
    for name, array in step.weights.items():
        if tuple(array.shape) != expected.get(name):
            sizes = "x".join(map(str, array.shape)) or "one number"
            wanted = "x".join(map(str, expected.get(name, ()))) or "one number"
            raise CannotSay(f"its weight `{name}` is {sizes} where {wanted} is needed")
