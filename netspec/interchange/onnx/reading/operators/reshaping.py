"""`Reshape`: which of the new axes has the batch, alone or together with others.

PyTorch joins the batch with the heads of an attention, steps x (batch * heads) x size, and takes them apart again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from netspec.interchange.onnx.reading.constants import BATCH
from netspec.interchange.onnx.reading.graph import Node
from netspec.interchange.onnx.reading.network import Deferred, Network
from netspec.interchange.onnx.reading.table import reads
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np
from netspec.language.record import Frozen
from netspec.language.shape import Dim


@dataclass(eq=False)
class Merged(Deferred):
    """A tensor whose batch is joined with axes beside it, as one axis of the file's tensor.

    `value` has them apart: `count` axes from `start` on.
    """

    value: Value
    start: int
    count: int

    @property
    def groups(self) -> list[list[int]]:
        """For each axis of the file's tensor those of `value`."""
        joined = list(range(self.start, self.start + self.count))
        after = range(self.start + self.count, self.value.rank)
        return [*([axis] for axis in range(self.start)), joined, *([axis] for axis in after)]

    @property
    def sizes(self) -> list[Any]:
        """The sizes in the file."""
        own = file_sizes(self.value)
        return [prod((own[axis] for axis in group), start=1) for group in self.groups]

    def transposed(self, network: Network, order: list[int]) -> Merged:
        """With its axes in another order."""
        groups = self.groups
        turned = network.builder.transpose(self.value, [axis for axis in order for axis in groups[axis]])
        start = sum(len(groups[axis]) for axis in order[: order.index(self.start)])
        return Merged(self.name, turned, start, self.count)


def file_sizes(x: Value) -> list[Any]:
    """The sizes of a tensor, with that of the batch."""
    return [BATCH if own == 0 else x.size(axis) for axis, own in enumerate(x.axes)]


class _Parts(Frozen):
    """New sizes of each example: axis `at` is `first` positions, the batch, and `second` positions, as one axis."""

    sizes: tuple[int, ...]
    at: int
    first: int
    second: int


@reads("Reshape")
def reshape(network: Network, node: Node) -> Any:
    found = network.get(node.inputs[0])
    x = found.value if isinstance(found, Merged) else network.tensor(node)
    given = network.constant(node, 1) if len(node.inputs) > 1 else node.attributes["shape"]
    new: list[Any] = np.asarray(given).reshape(-1).tolist()
    if not node.attributes.get("allowzero", 0):
        old = found.sizes if isinstance(found, Merged) else file_sizes(x)
        new = [old[i] if isinstance(size, int) and size == 0 else size for i, size in enumerate(new)]
    parts = _apart(network, x, new)
    before = [n for n in (parts.first,) if n != 1]
    after = [n for n in (parts.second,) if n != 1]
    place = parts.at + len(before)
    inner = [*parts.sizes[: parts.at], *before, *after, *parts.sizes[parts.at + 1 :]]
    y = network.builder.reshape(Value(x.step, (0, *(own for own in x.axes if own != 0)), x.blocks), inner)
    if y.is_lost:
        return y
    y = y.with_axes((*y.axes[1 : place + 1], 0, *y.axes[place + 1 :]))
    joined = 1 + len(before) + len(after)
    return Merged(node.what, y, parts.at, joined) if joined > 1 else y


def _apart(network: Network, x: Value, new: list[Any]) -> _Parts:
    """Where the batch is in the new sizes.

    Raises:
        CannotSay: it is not where it was in the order of the numbers.
    """
    if not all(isinstance(size, int) for size in x.sizes):
        if new and x.axes[0] == 0 and (new[0] in (BATCH, -1)):
            return _Parts((1, *new[1:]), 0, 1, 1)
        raise CannotSay("it reshapes a tensor whose sizes are not known")
    before = prod(int(str(x.size(axis))) for axis in range(x.axes.index(0)))
    total = prod(int(str(size)) for size in x.sizes)
    for sizes, places in _guesses(new, total, network.batch):
        found = [parts for at in places if (parts := _placed(sizes, at, before)) is not None]
        if found:
            return min(found, key=lambda parts: parts.first * parts.second)
    raise CannotSay("it mixes examples, or its sizes do not fit")


def _guesses(new: list[Any], total: int, batch: int | None) -> list[tuple[list[int], Sequence[int]]]:
    """New sizes of each example, and which of the axes may have the batch."""
    named = [i for i, size in enumerate(new) if isinstance(size, Dim)]
    hidden = new.index(-1) if -1 in new else None
    if named:
        sizes = [_count(size) for size in new]
        return [(_filled(sizes, total), named)] if len(named) == 1 else []
    guesses: list[tuple[list[int], Sequence[int]]] = []
    for size in dict.fromkeys((batch or 1, 1)):
        whole = _filled(new, total * size)
        guesses += [
            ([n // size if i == at else n for i, n in enumerate(whole)], [at])
            for at, n in enumerate(whole)
            if n % size == 0 and prod(whole) == total * size and (batch is not None or hidden is None)
        ]
    if hidden is not None:
        guesses.append((_filled(new, total), [hidden]))
    return guesses


def _filled(sizes: list[int], total: int) -> list[int]:
    """The sizes, with what makes the product `total` instead of -1."""
    known = prod(size for size in sizes if size != -1)
    return [total // known if size == -1 and known else size for size in sizes]


def _placed(sizes: list[int], at: int, before: int) -> _Parts | None:
    """The parts of an axis, where this number of them comes before the batch."""
    outer = prod(sizes[:at])
    if outer < 1 or before % outer or sizes[at] % (first := before // outer):
        return None
    return _Parts(tuple(sizes), at, first, sizes[at] // first)


def _count(size: Any) -> int:
    """How many numbers of each example an axis has."""
    if not isinstance(size, Dim):
        return int(size)
    ((names, count),) = size.terms if len(size.terms) == 1 else (((), 0),)
    if names != BATCH.terms[0][0]:
        raise CannotSay("it needs a size that is not known")
    return count
