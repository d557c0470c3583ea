"""The walk through a network that a format writes layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from netspec.compiler.ir.graph import Edge, Graph, Node
from netspec.layers.base import Layer

V = TypeVar("V")


class WriteLayer(Protocol[V]):
    """Takes a node, its path, its live module with its weights (None without), its inputs and the mask of its padded
    steps; returns its output."""

    def __call__(self, node: Node, path: str, own: Any, given: Sequence[V], mask: V | None) -> V: ...


def outputs_of(graph: Graph, module: Any, inputs: Sequence[V], write: WriteLayer[V], path: str = "") -> list[V]:
    """The outputs of a network or a block, whose layers are written in their order, blocks inside of it as well.

    Args:
        graph: the network or the block.
        module: the live module.
        inputs: what stands for each input.
        write: writes a layer.
        path: the names of the blocks around it, with slashes.
    """
    values = {Edge(index): value for index, value in zip(graph.inputs, inputs, strict=True)}
    for index, node in enumerate(graph.nodes):
        if index in graph.inputs:
            continue
        given = [values[edge] for edge in node.inputs]
        inner = f"{path}/{node.name}" if path else node.name
        if isinstance(node.operation, Graph):
            made = outputs_of(node.operation, getattr(module, node.name), given, write, inner)
        else:
            assert isinstance(node.operation, Layer)
            has_module = node.operation.module(*graph.input_shapes(node)) is not None
            own = getattr(module, node.name) if has_module else None
            made = [write(node, inner, own, given, None if node.mask is None else values[node.mask])]
        values |= {Edge(index, port): value for port, value in enumerate(made)}
    return [values[output.edge] for output in graph.outputs]
