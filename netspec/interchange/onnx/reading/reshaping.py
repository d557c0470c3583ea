"""`Reshape`: which of the new axes has the batch, alone or together with others.

PyTorch joins the batch with the heads of an attention, steps x (batch * heads) x size, and takes them apart again.
"""

from __future__ import annotations

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
from netspec.language.shape import Dim


@dataclass(eq=False)
class Merged(Deferred):
    """A tensor whose batch is joined with the axis after it, as one axis of the file's tensor."""

    value: Value

    @property
    def rank(self) -> int:
        """The number of axes in the file."""
        return self.value.rank - 1

    def transposed(self, network: Network, order: list[int]) -> Merged:
        """With its axes in another order."""
        own = self.axis
        axes = [[own, own + 1] if axis == own else [axis + (axis > own)] for axis in order]
        turned = network.builder.transpose(self.value, [axis for both in axes for axis in both])
        return Merged(self.name, turned)

    @property
    def axis(self) -> int:
        """The joined one."""
        return self.value.axes.index(0)


@reads("Reshape")
def reshape(network: Network, node: Node) -> Any:
    found = network.get(node.inputs[0])
    x = found.value if isinstance(found, Merged) else network.tensor(node)
    given = network.constant(node, 1) if len(node.inputs) > 1 else node.attributes["shape"]
    new: list[Any] = np.asarray(given).reshape(-1).tolist()
    if not node.attributes.get("allowzero", 0):
        old = _file_sizes(found if isinstance(found, Merged) else x)
        new = [old[i] if isinstance(size, int) and size == 0 else size for i, size in enumerate(new)]
    at, sizes = _apart(network, x, new)
    first = Value(x.step, (0, *(own for own in x.axes if own != 0)), x.blocks)
    joined = sizes[at] != 1
    rest = sizes if joined else sizes[:at] + sizes[at + 1 :]
    y = network.builder.reshape(first, rest)
    if y.is_lost:
        return y
    y = y.with_axes((*y.axes[1 : at + 1], 0, *y.axes[at + 1 :]))
    return Merged(node.what, y) if joined else y


def _file_sizes(x: Any) -> list[Any]:
    if isinstance(x, Merged):
        sizes = _file_sizes(x.value)
        return [*sizes[: x.axis], sizes[x.axis] * sizes[x.axis + 1], *sizes[x.axis + 2 :]]
    return [BATCH if own == 0 else x.size(axis) for axis, own in enumerate(x.axes)]


def _apart(network: Network, x: Value, new: list[Any]) -> tuple[int, list[int]]:
    """Which new axis has the batch, and the new sizes without it.

    Raises:
        CannotSay: it is not where the batch was.
    """
    if not all(isinstance(size, int) for size in x.sizes):
        return _with_names(x, new)
    start = x.axes.index(0)
    before = prod(int(str(x.size(axis))) for axis in range(start))
    total = prod(int(str(size)) for size in x.sizes)
    batch = next((size for size in new if isinstance(size, Dim)), None)
    if batch is not None:
        at, sizes = new.index(batch), [_count(size) for size in new]
    else:
        at, sizes = _literal(new, before, total, network.batch)
    known = prod(size for size in sizes if size != -1)
    sizes = [total // known if size == -1 and known else size for size in sizes]
    if prod(sizes[:at]) != before:
        raise CannotSay("it mixes examples")
    return at, sizes


def _count(size: Any) -> int:
    """How many numbers of each example an axis has."""
    if not isinstance(size, Dim):
        return int(size)
    ((names, count),) = size.terms if len(size.terms) == 1 else (((), 0),)
    if names != BATCH.terms[0][0]:
        raise CannotSay("it needs a size that is not known")
    return count


def _literal(new: list[int], before: int, total: int, batch: int | None) -> tuple[int, list[int]]:
    """As `_apart`, for sizes that are numbers: those of a file for batches of a fixed size, or -1."""
    hidden = new.index(-1) if -1 in new else None
    for size in (batch or 1, 1):
        sizes = list(new)
        known = prod(n for n in new if n != -1)
        if hidden is not None:
            if known == 0 or (total * size) % known:
                continue
            sizes[hidden] = total * size // known
        if prod(sizes) != total * size:
            continue
        for at in range(len(sizes)):
            if prod(sizes[:at]) == before and sizes[at] % size == 0:
                return at, [n // size if i == at else n for i, n in enumerate(sizes)]
    if hidden is not None and prod(new[:hidden]) == before and total % prod(n for n in new if n != -1) == 0:
        return hidden, [total // prod(n for n in new if n != -1) if n == -1 else n for n in new]
    raise CannotSay("it mixes examples, or its sizes do not fit")


def _with_names(x: Value, new: list[Any]) -> tuple[int, list[Any]]:
    """As `_apart`, where sizes are not known: each is where it was, or nothing can be said."""
    if new and x.axes[0] == 0 and (new[0] == BATCH or new[0] == -1):
        return 0, [1, *new[1:]]
    raise CannotSay("it reshapes a tensor whose sizes are not known")
