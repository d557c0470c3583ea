"""Writes a network: block by block, each layer by its function in `layers/`.

Input: the graph without what is for training only, and the live module. Output: the operators of the whole network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.compiler.ir.graph import Graph, Node
from netspec.interchange.errors import NotInFormat, Unsupported
from netspec.interchange.onnx.layers import (  # noqa: F401  # these fill the table
    attention,
    convolution,
    dense,
    merges,
    norms,
    pooling,
    recurrent,
    reshaping,
    resizing,
    steps,
)
from netspec.interchange.onnx.layers.activations import activate
from netspec.interchange.onnx.table import LAYERS
from netspec.interchange.onnx.writer import Site, Value, Writer
from netspec.interchange.writing.network import outputs_of
from netspec.language.diagnostics import Problems
from netspec.layers.base import Layer


def write_network(writer: Writer, graph: Graph, module: Any, inputs: Sequence[Value]) -> list[Value]:
    """Write the operators of a network; its outputs, with their heads applied.

    Args:
        writer: what is written to.
        graph: the network.
        module: the live module with its weights.
        inputs: the inputs, in the order of the spec.

    Raises:
        CompileError: ONNX has no operators for some of its layers (NS544); it has all of them.
    """
    problems = Problems()

    def write(node: Node, path: str, own: Any, given: Sequence[Value], mask: Value | None) -> Value:
        return _layer(Site(writer, path, own, None if mask is None else mask.name), node, given, problems)

    outputs = outputs_of(graph, module, inputs, write)
    problems.raise_errors()
    heads = [(output.name or "output", output.head) for output in graph.outputs]
    return [activate(Site(writer, name), head, y) for (name, head), y in zip(heads, outputs, strict=True)]


def _layer(site: Site, node: Node, inputs: Sequence[Value], problems: Problems) -> Value:
    """The output of a layer; of one that ONNX cannot carry, an output of its shape, and a diagnostic at its line."""
    layer = node.operation
    assert isinstance(layer, Layer)
    write = LAYERS.get(type(layer))
    try:
        if write is None:
            raise Unsupported(f"the layer `{node.word}`")
        if (dtype := getattr(layer, "dtype", None)) not in (None, "f32"):
            raise Unsupported(f"`dtype = {dtype}`")
        return activate(site, layer.activation_word, write(site, layer, *inputs))
    except Unsupported as reason:
        problems.add(NotInFormat(span=node.span, format="ONNX", what=str(reason)))
    return Value(f"{site.path}?", node.shape)
