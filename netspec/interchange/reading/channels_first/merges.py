"""Operators that join several tensors into one."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.interchange.reading.channels_first.layout import CannotSay, Layout, operator
from netspec.interchange.reading.channels_first.values import Block, Value
from netspec.layers.merge import DIRECTIONS, Add, Average, Concat, Maximum, Merge, Mul
from netspec.layers.reshape import Scale


class Merges(Layout):
    """Operators that join several tensors into one."""

    @operator
    def add(self, *xs: Value) -> Value:
        """The sum of tensors, elementwise."""
        return self._merged(Add(), xs)

    @operator
    def sub(self, a: Value, b: Value) -> Value:
        """a - b, elementwise."""
        return self._merged(Add(), (a, self.after(b, Scale(factor=-1.0), is_helper=True)))

    @operator
    def mul(self, *xs: Value) -> Value:
        """The product of tensors, elementwise; vectors and single channels are broadcast."""
        return self._merged(Mul(), xs)

    @operator
    def maximum(self, *xs: Value) -> Value:
        """The maximum of tensors, elementwise."""
        return self._merged(Maximum(), xs)

    @operator
    def average(self, *xs: Value) -> Value:
        """The mean of tensors, elementwise."""
        return self._merged(Average(), xs)

    def _merged(self, layer: Merge, xs: Sequence[Value]) -> Value:
        if len(xs) == 1:
            return xs[0]
        fitted = self._fitted(xs, takes_gates=layer.takes_gates)
        largest = max(fitted, key=lambda x: (x.step.shape.rank, x.step.shape.channels != 1))
        return Value(self.step(layer, *(x.step for x in fitted)), largest.axes, largest.blocks)

    def _fitted(self, xs: Sequence[Value], *, takes_gates: bool) -> list[Value]:
        """The tensors with the same order of axes, or as vectors that are broadcast over the positions."""
        rank, batch = xs[0].rank, xs[0].axes.index(0)
        if any(x.rank != rank or x.axes[batch] != 0 for x in xs):
            raise CannotSay("its inputs have different numbers of axes, or the batch at different ones")
        if all(x.blocks == xs[0].blocks for x in xs) and xs[0].blocks:
            return list(xs)
        xs = [self.opened(x) for x in xs]
        large = [{axis for axis in x.inner if x.is_large(axis)} for x in xs]
        union = set().union(*large)
        full = next((x for x, own in zip(xs, large, strict=True) if own == union), None)
        if full is None:
            raise CannotSay("its inputs are broadcast in both directions")
        order = [axis for axis in full.layout if axis is not None]
        vectors = {next(iter(own)) for own in large if own != union and len(own) == 1}
        if len(vectors) > 1:
            raise CannotSay("its inputs are vectors along different axes")
        if vectors:
            order = [*(axis for axis in order if axis not in vectors), *vectors]
        return [self._fit(x, own, union, order, takes_gates) for x, own in zip(xs, large, strict=True)]

    def _fit(self, x: Value, own: set[int], union: set[int], order: list[int], takes_gates: bool) -> Value:
        if own == union:
            return self.arrange(x, order)
        if own == {order[-1]}:
            return self.arrange(x, order[-1:])
        if takes_gates and not own:
            return self.arrange(x, order[-1:])
        if takes_gates and own == union - {order[-1]}:
            return self.arrange(x, order)
        raise CannotSay("netspec does not broadcast its inputs to each other's sizes")

    @operator
    def concat(self, xs: Sequence[Value], axis: int) -> Value:
        """The tensors one after the other along an axis."""
        if len(xs) == 1:
            return xs[0]
        rank, batch = xs[0].rank, xs[0].axes.index(0)
        axis %= rank
        if axis == batch or any(x.rank != rank or x.axes[batch] != 0 for x in xs):
            raise CannotSay("it joins examples" if axis == batch else "its inputs have different numbers of axes")
        if rank == 2 and any(x.blocks for x in xs):
            blocks = [block for x in xs for block in x.blocks or (Block((int(str(x.size(1))),), (0,)),)]
            return Value(self.step(Concat(), *(x.step for x in xs)), (0, 1), tuple(blocks))
        xs = [self.opened(x) for x in xs]
        order = [a for a in max(xs, key=lambda x: x.step.shape.rank).layout if a is not None]
        order = order if axis in order else [axis, *order]
        along = _direction(order, axis)
        if along is None:
            order, along = [*(a for a in order if a != axis), axis], "channels"
        fitted = [self.arrange(x, order) for x in xs]
        return Value(self.step(Concat(along=along), *(x.step for x in fitted)), fitted[0].axes)


def _direction(order: Sequence[int], axis: int) -> str | None:
    """The option `along`; None where there is no word for it."""
    index = order.index(axis)
    if index == len(order) - 1:
        return "channels"
    return next((name for name, ranks in DIRECTIONS.items() if ranks.get(len(order)) == index), None)
