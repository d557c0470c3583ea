"""An ONNX file as nodes in an order in which they can be computed, and constants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import NotAModel, ReadingNeeds
from netspec.language.diagnostics import CompileError, fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.files.regular_file import check_regular
from netspec.language.lazy import lazy, np
from netspec.storage.array_file import LIMIT

onnx = lazy("onnx")
inliner = lazy("onnx.inliner")
external = lazy("onnx.external_data_helper")
protobuf = lazy("google.protobuf.message")

STANDARD = ("", "ai.onnx")
FLOATS = ("float16", "float64", "bfloat16")
FLOAT_TYPES = (1, 10, 11, 16)
"""`TensorProto.DataType` of float32 and `FLOATS`."""


@dataclass(eq=False)
class Node:
    """An operator: `kind` is its type, with its domain if that is not ONNX itself."""

    kind: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    scopes: str = ""

    @property
    def what(self) -> str:
        """What messages call it."""
        return f"{self.name or next(filter(None, self.outputs), '')} ({self.kind})"


@dataclass(eq=False)
class Graph:
    """The graph of a file.

    `inputs` and `outputs` are names; `sizes` those of inputs and outputs, with names for unknown ones, or None;
    `types` their types. `metadata` are the properties of the file.
    """

    name: str
    opset: int
    nodes: list[Node]
    inputs: list[str]
    outputs: list[str]
    sizes: dict[str, list[int | str] | None]
    types: dict[str, int]
    producer: str
    metadata: Mapping[str, str]
    tensors: dict[str, Any] = field(default_factory=dict)
    folder: str = ""

    def __post_init__(self) -> None:
        self.count()

    def count(self) -> None:
        """Count what reads each tensor."""
        self.uses = Counter(name for node in self.nodes if node.kind != "Shape" for name in node.inputs)
        self.uses.update(self.outputs)
        self.makers = {name: node for node in self.nodes for name in node.outputs}
        self.readers = dict[str, list[Node]]()
        for node in self.nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)

    def array(self, name: str) -> Array:
        """An initializer; floating-point numbers become float32.

        Raises:
            CompileError: it is not as long as its shape says, or in a file that is not there (NS570).
        """
        try:
            return array_of(self.tensors[name], self.folder)
        except (OSError, ValueError, TypeError, onnx.checker.ValidationError) as error:
            path = Path(self.folder) / f"{self.name}.onnx"
            raise _damaged(path, f"`{name}` cannot be read: {error}".splitlines()[0]) from error


def array_of(tensor: Any, folder: str = "") -> Array:
    """A tensor of the file; floating-point numbers become float32."""
    found: Array = onnx.numpy_helper.to_array(tensor, folder)
    return found.astype(np.float32) if found.dtype.name in FLOATS else found


def load(path: Path) -> Graph:
    """The graph of a file.

    Raises:
        CompileError: it is not an ONNX file, or damaged (NS570), or the package is not installed (NS574).
    """
    try:
        _ = onnx.__version__
    except ModuleNotFoundError:
        advice = "pip install 'netspec-compiler[onnx]'"
        raise fail(ReadingNeeds(format="ONNX", package="onnx", advice=advice)) from None
    try:
        check_regular(path, LIMIT)
        proto = onnx.load(path, load_external_data=False)
        if not proto.HasField("graph"):
            raise _damaged(path, "there is no graph inside")
        _check(proto, path)
        if proto.functions:
            proto = inliner.inline_local_functions(proto)
        return _graph(proto, path)
    except (protobuf.DecodeError, OSError, onnx.checker.ValidationError) as error:
        raise _damaged(path, reason_of(error).splitlines()[0]) from error
    except (ValueError, TypeError, RuntimeError, UnicodeDecodeError, AttributeError) as error:
        raise _damaged(path, f"its fields do not fit together ({type(error).__name__})") from error


def _check(proto: Any, path: Path) -> None:
    """Whether every operator has the inputs and attributes of its type.

    Some programs declare outputs without sizes, which the checker does not allow, although nothing needs them.
    """
    tensors = [end for end in proto.graph.output if end.type.WhichOneof("value") in (None, "tensor_type")]
    without = [end for end in tensors if not end.type.tensor_type.HasField("shape")]
    if not without:
        onnx.checker.check_model(str(path))
        return
    for end in without:
        end.type.tensor_type.shape.SetInParent()
    inside = (attribute.t for node in proto.graph.node for attribute in node.attribute)
    if not any(tensor.external_data for tensor in (*proto.graph.initializer, *inside)):
        onnx.checker.check_model(proto)


def _damaged(path: Path, reason: str) -> CompileError:
    advice = "export it again; `onnx.checker.check_model` says more"
    return fail(NotAModel(file=str(path), format="ONNX", reason=reason, advice=advice))


def _graph(proto: Any, path: Path) -> Graph:
    graph = proto.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    opsets = {found.domain: found.version for found in proto.opset_import}
    nodes = _sorted(
        [_node(node, str(path.parent)) for node in graph.node], {*tensors, *(end.name for end in graph.input)}, path
    )
    ends = [*graph.input, *graph.output]
    return Graph(
        path.stem,
        next((opsets[domain] for domain in STANDARD if domain in opsets), 1),
        nodes,
        [end.name for end in graph.input if end.name not in tensors],
        [end.name for end in graph.output],
        {end.name: _sizes(end) for end in ends},
        {end.name: end.type.tensor_type.elem_type for end in ends},
        proto.producer_name,
        {entry.key: entry.value for entry in proto.metadata_props},
        tensors,
        str(path.parent),
    )


def _sizes(end: Any) -> list[int | str] | None:
    """The sizes of an input or output; None where they are not declared."""
    if not end.type.tensor_type.HasField("shape"):
        return None
    dims = end.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") else d.dim_param or f"size_{i}" for i, d in enumerate(dims)]


def _node(node: Any, folder: str) -> Node:
    attributes = {}
    for attribute in node.attribute:
        if attribute.t.external_data:
            external.load_external_data_for_tensor(attribute.t, folder)
        value = onnx.helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        elif isinstance(value, list | tuple):
            value = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value]
        attributes[attribute.name] = value
    domain = "" if node.domain in STANDARD else f"{node.domain}."
    scopes = next((e.value for e in node.metadata_props if e.key == "pkg.torch.onnx.name_scopes"), "")
    kind = f"{domain}{node.op_type}"
    return Node(kind, node.name, list(node.input), list(node.output), attributes, scopes)


def _sorted(nodes: list[Node], known: set[str], path: Path) -> list[Node]:
    """The nodes in an order in which each reads what earlier ones compute.

    Raises:
        CompileError: there is none (NS570).
    """
    known, waiting, found = {"", *known}, nodes, list[Node]()
    while waiting:
        rest = []
        for node in waiting:
            if all(name in known for name in node.inputs):
                known.update(node.outputs)
                found.append(node)
            else:
                rest.append(node)
        if len(rest) == len(waiting):
            missing = next(name for name in rest[0].inputs if name not in known)
            raise _damaged(path, f"{rest[0].what} reads `{missing}`, which nothing before it computes")
        waiting = rest
    return found
