"""The inputs and outputs of a file, and a session of ONNX Runtime that takes and gives them as netspec has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import Refused
from netspec.interchange.formats import Runner
from netspec.interchange.onnx.reading.graph import FLOAT_TYPES, Graph, Node
from netspec.interchange.onnx.reading.names import identifier
from netspec.interchange.onnx.reading.network import Network
from netspec.interchange.reading.channels_first.values import NO_AXIS, Value
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.lazy import lazy, np

onnxruntime = lazy("onnxruntime")

INTEGERS = (2, 3, 4, 5, 6, 7, 12, 13)
"""`TensorProto.DataType` of integers."""
WINDOWS = ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LRN", "Resize")
PASSING = {
    *("Sub", "Div", "Mul", "Add", "Cast", "Identity", "Where", "IsNaN", "Pad", "Relu", "Clip", "BatchNormalization"),
    *("Slice", "Concat", "Split", "Unsqueeze"),
}
"""Operators that keep the meaning of the axes."""


def open_inputs(network: Network) -> dict[str, tuple[str, Value]]:
    """The inputs that the network reads: name in the sketch and tensor, by name in the file."""
    graph, found = network.graph, dict[str, tuple[str, Value]]()
    used = [name for name in graph.inputs if graph.uses[name]]
    sizes_of = {name: graph.sizes.get(name) for name in used}
    firsts = {sizes[0] for sizes in sizes_of.values() if sizes and isinstance(sizes[0], int)}
    network.batch = next(iter(firsts)) if len(firsts) == 1 else None
    for name in used:
        value = _opened(network, name, sizes_of[name])
        network.found[name] = value
        if not value.is_lost:
            found[name] = (name, value)
    return found


def _opened(network: Network, name: str, sizes: list[int | str] | None) -> Value:
    graph = network.graph
    if not sizes:
        reason = "its sizes are not declared" if sizes is None else "it has no axes, and so no batch"
        return network.builder.lost(f"{name} (input)", reason)
    inner = [size if isinstance(size, int) else identifier(size) for size in sizes[1:]]
    if any(isinstance(size, int) and size < 1 for size in inner):
        return network.builder.lost(f"{name} (input)", "one of its sizes is 0")
    if graph.types[name] in INTEGERS:
        vocabulary = _vocabulary(network, name)
        if vocabulary is not None:
            return network.builder.input(name, inner, tokens=vocabulary)
    if graph.types[name] not in FLOAT_TYPES:
        reason, advice = "its numbers are integers, or of another type that is not floating-point", "cast them outside"
        return network.builder.lost(f"{name} (input)", reason, advice=advice)
    if not inner:  # one number for each example
        return network.builder.input(name, [1]).with_axes((0,))
    return network.builder.input(name, inner, axes=_axes(graph, name, len(sizes)))


def _vocabulary(network: Network, name: str) -> int | None:
    """The number of ids of an input: the rows of the table in which they are looked up."""
    graph, waiting, seen = network.graph, [name], {name}
    while waiting:
        for node in graph.readers.get(waiting.pop(), ()):
            table = graph.tensors.get(node.inputs[0]) if node.kind == "Gather" and node.inputs[1] in seen else None
            if table is not None and len(table.dims) == 2:
                return int(table.dims[0])
            if node.kind in ("Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"):
                fresh = [output for output in node.outputs if output not in seen]
                seen.update(fresh)
                waiting += fresh
    return None


def _axes(graph: Graph, name: str, rank: int) -> tuple[int, ...] | None:
    """Where the channels of an input are, by the first operator that tells; None for the usual place."""
    waiting, seen = [name], {name}
    first = (0, rank - 1, *range(1, rank - 1))
    while waiting:
        for node in graph.readers.get(waiting.pop(0), ()):
            if node.kind == "Transpose":
                return tuple(range(rank)) if _moves_channels(node, rank) else None
            if node.kind in WINDOWS:
                return first
            if node.kind == "MatMul":
                return tuple(range(rank))
            if node.kind in PASSING:
                fresh = [output for output in node.outputs if output not in seen]
                seen.update(fresh)
                waiting += fresh
    return None


def _moves_channels(node: Node, rank: int) -> bool:
    """Whether a transpose puts the last axis first."""
    return list(node.attributes.get("perm", ())) == [0, rank - 1, *range(1, rank - 1)]


# ---------------------------------------------------------------- the program


def runner(
    path: Path, graph: Graph, inputs: dict[str, tuple[str, Value]], outputs: dict[str, tuple[str, Value]]
) -> Runner:
    """A session of ONNX Runtime.

    Raises:
        CompileError: it refuses the file (NS547).
        ModuleNotFoundError: it is not installed.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its classes have no common base
        raise fail(Refused(tool="ONNX Runtime", reason=reason_of(error))) from error
    given = {found.name: found for found in session.get_inputs()}
    batch = next((sizes[0] for name in inputs if (sizes := graph.sizes[name]) and isinstance(sizes[0], int)), None)

    def run(arrays: Mapping[str, Array]) -> dict[str, Array]:
        feeds = {n: _given(arrays[own], value, given[n].type) for n, (own, value) in inputs.items() if own in arrays}
        feeds |= {name: _empty(found) for name, found in given.items() if name not in {*feeds, *graph.tensors}}
        count = len(next(iter(arrays.values())))
        try:
            parts = [session.run(list(outputs), part) for part in _batches(feeds, inputs, count, batch)]
        except Exception as error:  # its classes have no common base
            raise fail(Refused(tool="ONNX Runtime", reason=reason_of(error))) from error
        joined = [np.concatenate(found)[:count] for found in zip(*parts, strict=True)]
        return {own: _own(y, value) for y, (own, value) in zip(joined, outputs.values(), strict=True)}

    return run


def _empty(found: Any) -> Array:
    """An input that the network does not read, but the program wants."""
    return np.zeros([size if isinstance(size, int) else 1 for size in found.shape], _dtype(found.type))


def _dtype(kind: str) -> str:
    name = kind.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64"}.get(name, name)


def _batches(
    feeds: Mapping[str, Array], inputs: Mapping[str, Any], count: int, batch: int | None
) -> list[dict[str, Array]]:
    """The inputs in batches of a fixed size, the last one filled up with its first examples."""
    if batch is None:
        return [dict(feeds)]
    rows = np.arange(-(-count // batch) * batch) % count
    return [
        {name: x[rows[start : start + batch]] if name in inputs else x for name, x in feeds.items()}
        for start in range(0, len(rows), batch)
    ]


def _given(x: Array, value: Value, kind: str) -> Array:
    """An input as the file has it."""
    order = [own for own in value.axes if own != NO_AXIS]
    if x.ndim > len(order):
        x = x.reshape(x.shape[: len(order)])
    return np.ascontiguousarray(x.transpose(order), _dtype(kind))


def _own(y: Array, value: Value) -> Array:
    """An output as netspec has it."""
    order = [axis for axis in value.layout if axis is not None]
    rest = [axis for axis in range(y.ndim) if axis not in order]
    turned = y.transpose(*rest, *order)
    sizes = [turned.shape[len(rest) + order.index(a)] if a is not None else 1 for a in value.layout]
    return np.asarray(turned.reshape(-1, *sizes), np.float32)
