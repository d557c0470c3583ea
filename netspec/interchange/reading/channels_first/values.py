"""The tensors of another program: a step of the sketch, and which of its axes is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.reading.sketch import Step
from netspec.language.lazy import np
from netspec.language.record import Frozen
from netspec.language.shape import Size

NO_AXIS = -1
"""In `Value.axes`: an axis of size 1 that the step does not have."""


class Block(Frozen):
    """How the features of a flattened tensor are ordered.

    `sizes` are those of the tensor in the other program; its axis i is axis `axes[i]` of the tensor that netspec has
    flattened, both counted from 0 without the batch.
    """

    sizes: tuple[int, ...]
    axes: tuple[int, ...]

    @property
    def count(self) -> int:
        """The number of features."""
        return int(np.prod(self.sizes, dtype=np.int64))

    @property
    def own_sizes(self) -> tuple[int, ...]:
        """The sizes in netspec's order."""
        return tuple(self.sizes[self.axes.index(i)] for i in range(len(self.axes)))

    @property
    def order(self) -> Array:
        """Feature i of the other program is feature `order[i]` of netspec."""
        indices: Array = np.arange(self.count).reshape(self.own_sizes).transpose(self.axes).reshape(-1)
        return indices


@dataclass(eq=False)
class Value:
    """A tensor of another program.

    Axis i of the tensor is axis `axes[i]` of the step's tensor, counting the batch as axis 0: `(0, 3, 1, 2)` for an
    image whose channels are first. An axis of size 1 may be missing in the step (`NO_AXIS`), and the step may have axes
    of size 1 that the tensor lacks. `blocks` say how the features of a vector are ordered, where not as in the step.
    """

    step: Step
    axes: tuple[int, ...]
    blocks: tuple[Block, ...] = ()

    @property
    def is_lost(self) -> bool:
        """Whether it could not be read, which has been reported."""
        return self.step.is_lost

    @property
    def rank(self) -> int:
        """The number of axes, with the batch."""
        return len(self.axes)

    def size(self, axis: int) -> Size:
        """The size of an axis of the tensor (not the batch)."""
        own = self.axes[axis]
        return 1 if own == NO_AXIS else self.step.shape.sizes[own - 1]

    @property
    def inner(self) -> tuple[int, ...]:
        """The axes besides the batch."""
        return tuple(axis for axis, own in enumerate(self.axes) if own != 0)

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes besides the batch, in the order of the other program."""
        return tuple(self.size(axis) for axis in self.inner)

    @property
    def layout(self) -> list[int | None]:
        """For each axis of the step, without the batch, the axis of the tensor; None for one that it lacks."""
        found = {own: axis for axis, own in enumerate(self.axes) if own > 0}
        return [found.get(own) for own in range(1, self.step.shape.rank + 1)]

    def is_large(self, axis: int) -> bool:
        """Whether the size of an axis is another one than 1."""
        return self.size(axis) != 1

    @property
    def order(self) -> Array | None:
        """Feature i of a vector of the other program is feature `order[i]` of the step; None: the same."""
        if not self.blocks:
            return None
        starts = accumulate([0, *(block.count for block in self.blocks)])
        parts = [block.order + start for block, start in zip(self.blocks, starts, strict=False)]
        return np.concatenate(parts)

    def with_axes(self, axes: Sequence[int]) -> Value:
        """The same numbers with other axes."""
        return Value(self.step, tuple(axes), self.blocks)


def axes_of(rank: int, order: Sequence[int], batch: int = 0) -> tuple[int, ...]:
    """`Value.axes` of a tensor whose axes `order` are those of the step, one after the other."""
    axes = [NO_AXIS] * rank
    axes[batch] = 0
    for own, axis in enumerate(order, start=1):
        axes[axis] = own
    return tuple(axes)
