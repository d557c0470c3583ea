"""Operators that change the axes of a tensor, cut it or join it."""

from __future__ import annotations

from typing import Any

from netspec.interchange.onnx.reading.constants import BATCH, _axes, slices, split_sizes
from netspec.interchange.onnx.reading.graph import Node
from netspec.interchange.onnx.reading.network import Network
from netspec.interchange.onnx.reading.operators.reshaping import file_sizes
from netspec.interchange.onnx.reading.table import reads
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np


def axes_of(network: Network, node: Node, place: int = 1) -> tuple[int, ...] | None:
    return _axes(node, [None, *(network.constant(node, i) for i in range(1, len(node.inputs)))], place)


@reads("Flatten")
def flatten(network: Network, node: Node) -> Value:
    x = network.tensor(node)
    axis = node.attributes.get("axis", 1)
    axis = axis + x.rank if axis < 0 else axis
    if axis != 1:
        raise CannotSay("it makes one axis of the batch and others")
    return network.builder.flatten(x)


@reads("Transpose")
def transpose(network: Network, node: Node) -> Value:
    x = network.tensor(node)
    return network.builder.transpose(x, node.attributes.get("perm", list(reversed(range(x.rank)))))


@reads("Squeeze")
def squeeze(network: Network, node: Node) -> Value:
    return network.builder.squeeze(network.tensor(node), axes_of(network, node))


@reads("Unsqueeze")
def unsqueeze(network: Network, node: Node) -> Value:
    return network.builder.unsqueeze(network.tensor(node), axes_of(network, node) or ())


@reads("Concat")
def concat(network: Network, node: Node) -> Value:
    xs = [network.get(name) for name in node.inputs]
    if any(isinstance(x, np.ndarray) for x in xs):
        return _with_token(network, node, xs)
    return network.builder.concat([network.made(x) for x in xs], node.attributes["axis"])


def _with_token(network: Network, node: Node, xs: list[Any]) -> Value:
    """A constant before a sequence is a class token."""
    if len(xs) == 2 and isinstance(xs[0], np.ndarray) and node.attributes["axis"] in (1, -2) and xs[0].ndim == 3:
        token = xs[0][:1]
        if token.shape[:2] == (1, 1) and np.all(xs[0] == token):
            return network.builder.class_token(network.made(xs[1]), token.reshape(-1))
    raise CannotSay("it joins a tensor and constants")


@reads("Pad")
def pad(network: Network, node: Node) -> Value:
    x = network.tensor(node)
    get = node.attributes.get
    value: Any
    if "pads" in node.attributes:
        amounts, value, axes = list(get("pads", ())), get("value", 0.0), list(range(x.rank))
    else:
        numbers, value = network.constant(node, 1), network.constant(node, 2)
        given = network.constant(node, 3)
        axes = list(range(x.rank)) if given is None else [int(a) % x.rank for a in given.reshape(-1)]
        amounts = [] if numbers is None else numbers.reshape(-1).tolist()
        value = 0.0 if value is None else float(value.reshape(-1)[0])
    count = len(amounts) // 2
    pairs = dict(zip(axes, zip(amounts[:count], amounts[count:], strict=True), strict=True))
    if any(pairs.get(0, (0, 0))):
        raise CannotSay("it pads the batch")
    margins = [(int(a), int(b)) for a, b in (pairs.get(axis, (0, 0)) for axis in x.inner)]
    return network.builder.pad(x, margins, get("mode", "constant"), value)


@reads("Slice")
def slice_(network: Network, node: Node) -> Value:
    x = network.tensor(node)
    inputs = [None, *(network.constant(node, i) for i in range(1, len(node.inputs)))]
    margins = dict.fromkeys(x.inner, (0, 0))
    for axis, start, end, step in slices(node, inputs, x.rank):
        if step != 1:
            raise CannotSay(f"it takes every position of {step}" if step > 0 else "it reverses an axis")
        if x.axes[axis] == 0:
            if start == 0 and end >= 2**31 - 1:
                continue
            raise CannotSay("it cuts the batch")
        margins[axis] = _cut(x.size(axis), start, end)
    return network.builder.pad(x, list(margins.values()))


def _cut(size: Any, start: int, end: int) -> tuple[int, int]:
    """What a slice cuts off, as negative padding."""
    if isinstance(size, int):
        first, last, _ = slice(start, end).indices(size)
        if last <= first:
            raise CannotSay("nothing is left of its input")
        return -first, last - size
    if start < 0 or 0 <= end < 2**31 - 1:
        raise CannotSay("it slices an axis whose size is not known")
    return -start, min(end, 0) if end < 0 else 0


@reads("Split")
def split(network: Network, node: Node) -> list[Value]:
    x = network.tensor(node)
    axis = node.attributes.get("axis", 0) % x.rank
    size = None if x.axes[axis] == 0 else x.size(axis)
    if not isinstance(size, int):
        raise CannotSay("it splits the batch" if size is None else "it splits an axis whose size is not known")
    inputs = [None, network.constant(node, 1)] if len(node.inputs) > 1 else [None]
    found, start = [], 0
    for part in split_sizes(node, inputs, size):
        found.append(network.builder.slice(x, axis, start, start + part))
        start += part
    return found


@reads("Gather")
def gather(network: Network, node: Node) -> Value:
    axis = node.attributes.get("axis", 0)
    if network.is_constant(node, 0):
        return _embedding(network, node, axis)
    x, indices = network.tensor(node), network.constant(node, 1)
    if indices is None or indices.size != 1:
        raise CannotSay("it picks several positions")
    y = network.builder.select(x, axis % x.rank, int(indices.reshape(-1)[0]))
    return y if y.is_lost or indices.ndim == 0 else network.builder.unsqueeze(y, [axis % x.rank])


def _embedding(network: Network, node: Node, axis: int) -> Value:
    table, ids = network.get(node.inputs[0]), network.tensor(node, 1)
    if axis != 0 or table.ndim != 2 or not ids.step.shape.is_tokens:
        raise CannotSay("what it looks up is not a table of vectors, or not by token ids")
    y = network.builder.embedding(ids, table=table)
    if not y.is_lost:
        network.tables.setdefault(node.inputs[0], y.step)
    return y


@reads("ReduceMean", "ReduceMax")
def reduce(network: Network, node: Node) -> Value:
    x, axes = network.tensor(node), _reduced(network, node)
    if axes is None:
        return x
    keep = bool(node.attributes.get("keepdims", 1))
    if node.kind == "ReduceMean":
        return network.builder.mean(x, axes, keep)
    return network.builder.maximum_along(x, axes, keep)


def _reduced(network: Network, node: Node) -> tuple[int, ...] | None:
    """The axes that are reduced: without any, all of them, or none at all.

    Raises:
        CannotSay: the batch is among them.
    """
    axes = axes_of(network, node)
    if axes:
        return axes
    if node.attributes.get("noop_with_empty_axes", 0):
        return None
    raise CannotSay("it reduces all axes, and mixes examples")


@reads("ReduceSum")
def reduce_sum(network: Network, node: Node) -> Value:
    x, axes = network.tensor(node), _reduced(network, node)
    if axes is None:
        return x
    if any(x.axes[axis] == 0 for axis in axes):
        raise CannotSay("it mixes examples")
    sizes = [x.size(axis % x.rank) for axis in axes]
    if not all(isinstance(size, int) for size in sizes):
        raise CannotSay("it sums an axis whose size is not known")
    y = network.builder.mean(x, axes, bool(node.attributes.get("keepdims", 1)))
    return network.builder.scale(y, float(np.prod([int(str(size)) for size in sizes])), 0.0)


MERGES = ("Add", "Sub", "Mul", "Div")


@reads("Expand")
def expand(network: Network, node: Node) -> Value:
    """A tensor with the sizes that it has already; others are broadcast where they meet a tensor of that size."""
    x, sizes = network.tensor(node), network.get(node.inputs[1])
    wanted = sizes.reshape(-1).tolist() if isinstance(sizes, np.ndarray) else None
    old = file_sizes(x)
    is_same = (
        wanted is not None
        and len(wanted) <= len(old)
        and all(
            new in (1, -1, size) or (size == BATCH and new == network.batch)
            for new, size in zip(reversed(wanted), reversed(old), strict=False)
        )
    )
    readers = [reader for output in node.outputs for reader in network.graph.readers.get(output, ())]
    is_output = any(output in network.graph.outputs for output in node.outputs)
    if not is_same and (is_output or any(reader.kind not in MERGES for reader in readers)):
        raise CannotSay("it repeats its input along an axis")
    return x


@reads("DepthToSpace", "SpaceToDepth")
def depth_to_space(network: Network, node: Node) -> Value:
    b, x, block = network.builder, network.tensor(node), node.attributes["blocksize"]
    c, h, w = (int(str(size)) for size in x.sizes)
    if node.kind == "SpaceToDepth":
        order = (0, 3, 5, 1, 2, 4) if node.attributes.get("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
        y = b.transpose(b.reshape(x, (c, h // block, block, w // block, block)), order)
        return b.reshape(y, (c * block * block, h // block, w // block))
    depth = c // block**2
    if node.attributes.get("mode", "DCR") == "DCR":
        y = b.transpose(b.reshape(x, (block, block, depth, h, w)), (0, 3, 4, 1, 5, 2))
    else:
        y = b.transpose(b.reshape(x, (depth, block, block, h, w)), (0, 1, 4, 2, 5, 3))
    return b.reshape(y, (depth, h * block, w * block))
