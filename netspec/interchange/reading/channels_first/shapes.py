"""Operators that arrange the axes of a tensor in another way, and reductions of axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from netspec.interchange.reading.channels_first.layout import CannotSay, operator, with_batch
from netspec.interchange.reading.channels_first.spatial import POOLS, Spatial
from netspec.interchange.reading.channels_first.values import NO_AXIS, Block, Value
from netspec.language.shape import Size, product
from netspec.layers.reshape import Permute
from netspec.layers.sequence.steps import First, Last
from netspec.layers.spatial.pool import GlobalAvgPool, GlobalMaxPool


class Shapes(Spatial):
    """Operators that arrange axes in another way. A transpose adds no step: it changes `Value.axes`."""

    @operator
    def transpose(self, x: Value, order: Sequence[int]) -> Value:
        """Axis i of the result is axis `order[i]`; both count the batch."""
        if sorted(order) != list(range(x.rank)):
            raise CannotSay(f"it permutes the axes {list(order)} of a tensor that has {x.rank}")
        return x if list(order) == list(range(x.rank)) else self.opened(x).with_axes([x.axes[a] for a in order])

    @operator
    def squeeze(self, x: Value, axes: Sequence[int] | None = None) -> Value:
        """Without axes of size 1; None: without all of them."""
        if axes is None:
            axes = [axis for axis in x.inner if x.size(axis) == 1]
        gone = {axis % x.rank for axis in axes}
        if any(x.axes[axis] == 0 or x.is_large(axis) for axis in gone):
            raise CannotSay("it removes an axis whose size is not 1")
        return x.with_axes([own for axis, own in enumerate(x.axes) if axis not in gone])

    @operator
    def unsqueeze(self, x: Value, axes: Sequence[int]) -> Value:
        """With new axes of size 1, which are counted in the result."""
        rank = x.rank + len(axes)
        new = {axis % rank for axis in axes}
        rest = iter(x.axes)
        return self.opened(x).with_axes([NO_AXIS if axis in new else next(rest) for axis in range(rank)])

    @operator
    def flatten(self, x: Value, start: int = 1) -> Value:
        """The axes from `start` on as one."""
        return self.reshape(x, [*with_batch(x).sizes[: start - 1], -1])

    @operator
    def reshape(self, x: Value, sizes: Sequence[Size]) -> Value:
        """Other sizes, without the batch, for the same numbers in the same order; one of them may be -1.

        Sizes that are not known stay as they are.
        """
        new = self._new_sizes(with_batch(x), sizes)
        if list(x.sizes) == new:
            return x
        if x.blocks:
            x = self.unflattened(x)
        groups = _groups(x, new)
        layout = [axis for axis in x.layout if axis is not None and x.is_large(axis)]
        whole = [n for n in new if n != 1]
        is_split = any(len(parts) != 1 for _, parts in groups)
        if len(whole) == 1 and len(groups) == 1 and layout != sorted(layout):
            return self._flattened(x, new, layout)
        groups.sort(key=lambda group: max(layout.index(axis) for axis in group[0]))
        wanted = [axis for axes, _ in groups for axis in axes]
        step = x.step
        if wanted != layout:
            spare = [own for own, axis in enumerate(x.layout, start=1) if axis not in wanted]
            step = self.step(Permute(order=[*spare, *(x.axes[axis] for axis in wanted)]), step, is_helper=True)
        placed = [part for _, parts in groups for part in parts]
        if len(placed) > 1 and placed == sorted(placed) and is_split:
            placed = list(range(len(new)))  # axes of size 1 are where the other program has them
        sizes_of: list[Size] = [new[part] for part in placed] or [1]
        if is_split or any(len(axes) > 1 for axes, _ in groups) or step.shape.rank != len(sizes_of):
            step = self.reshaped(step, sizes_of)
        axes = [NO_AXIS] * len(new)
        for own, part in enumerate(placed, start=1):
            axes[part] = own
        return Value(step, (0, *(axes)))

    def _flattened(self, x: Value, new: list[Size], layout: list[int]) -> Value:
        """A vector whose features are in another order than netspec's."""
        axes = sorted(layout)
        block = Block(tuple(int(str(x.size(a))) for a in axes), tuple(layout.index(a) for a in axes))
        step = self.reshaped(x.step, (x.step.shape.count,))
        return Value(step, (0, *(1 if n != 1 else NO_AXIS for n in new)), (block,))

    def _new_sizes(self, x: Value, sizes: Sequence[Size]) -> list[Size]:
        old, found = [n for n in x.sizes if isinstance(n, int)], [n for n in sizes if isinstance(n, int)]
        count = prod(n for n in found if n != -1)
        named = [n for n in x.sizes if not isinstance(n, int)]
        if named != [n for n in sizes if not isinstance(n, int)]:
            raise CannotSay("it reshapes a tensor whose sizes are not known")
        if -1 in found and count and prod(old) % count == 0:
            found[found.index(-1)] = prod(old) // count
        if prod(found) != prod(old) or any(n < 1 for n in found):
            shown = ["x".join(map(str, n)) for n in (old, found)]
            raise CannotSay(f"it reshapes {shown[0]} to {shown[1]}, which mixes examples")
        known = iter(found)
        return [next(known) if isinstance(n, int) else n for n in sizes]

    # ---------------------------------------------------------------- reductions

    @operator
    def mean(self, x: Value, axes: Sequence[int], keepdims: bool = False) -> Value:
        """The mean along axes."""
        return self._reduced(x, "average", axes, keepdims)

    @operator
    def maximum_along(self, x: Value, axes: Sequence[int], keepdims: bool = False) -> Value:
        """The maximum along axes."""
        return self._reduced(x, "max", axes, keepdims)

    def _reduced(self, x: Value, kind: str, axes: Sequence[int], keepdims: bool) -> Value:
        gone = sorted({axis % x.rank for axis in axes})
        if x.axes.index(0) in gone:
            raise CannotSay("it mixes examples")
        large = [axis for axis in x.inner if x.is_large(axis)]
        if [axis for axis in gone if axis in large]:
            x = self._pooled(x, kind, gone, [axis for axis in large if axis not in gone])
        axes_left = [NO_AXIS if axis in gone else own for axis, own in enumerate(x.axes)]
        return x.with_axes([own for axis, own in enumerate(axes_left) if keepdims or axis not in gone])

    def _pooled(self, x: Value, kind: str, gone: list[int], kept: list[int]) -> Value:
        if len(kept) == 1:
            order = [*(axis for axis in x.layout if axis in gone), *kept]
            step = self.arrange(x, order).step
            y = self.step(GlobalAvgPool() if kind == "average" else GlobalMaxPool(), step)
            return Value(y, tuple(0 if x.axes[a] == 0 else 1 if a == kept[0] else NO_AXIS for a in range(x.rank)))
        wide, order_ = self.as_positions(x, gone)
        sizes = [wide.size(axis) if axis in gone else 1 for axis in order_[:-1]]
        window = tuple(size for size in sizes if isinstance(size, int))
        if len(window) < len(sizes):
            raise CannotSay("it reduces an axis whose size is not known")
        pooled = self.after(wide, POOLS[kind](window=window))
        return Value(pooled.step, pooled.axes[: x.rank])

    @operator
    def select(self, x: Value, axis: int, index: int) -> Value:
        """One position along an axis, which the result does not have; negative indices count from the end."""
        axis %= x.rank
        others = [a for a in x.inner if a != axis and x.is_large(a)]
        if index in (0, -1) and len(others) == 1 and x.is_large(axis) and not x.blocks:
            step = self.step(First() if index == 0 else Last(), self.arrange(x, (axis, *others)).step)
            rest = [a for a in range(x.rank) if a != axis]
            return Value(step, tuple(0 if x.axes[a] == 0 else 1 if a in others else NO_AXIS for a in rest))
        part = self.slice(x, axis, index, index + 1 if index != -1 else 2**31)
        return self.squeeze(part, [axis])


def _groups(x: Value, new: Sequence[Size]) -> list[tuple[list[int], list[int]]]:
    """Which axes of a tensor become which of the new ones: runs of both with equal products, without sizes of 1."""
    old = [(axis, x.size(axis)) for axis in x.inner if x.is_large(axis)]
    parts = [(part, size) for part, size in enumerate(new) if size != 1]
    groups: list[tuple[list[int], list[int]]] = []
    while old:
        taken, made = [old.pop(0)], [parts.pop(0)]
        while (a := product(size for _, size in taken)) != (b := product(size for _, size in made)):
            if not (isinstance(a, int) and isinstance(b, int)):
                raise CannotSay("it reshapes a tensor whose sizes are not known")
            if a < b:
                taken.append(old.pop(0))
            else:
                made.append(parts.pop(0))
        groups.append(([axis for axis, _ in taken], [part for part, _ in made]))
    return groups
