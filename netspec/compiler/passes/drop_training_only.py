"""For inference: removes dropout, noise and identities, which do nothing there."""

from __future__ import annotations

from netspec.compiler.ir.graph import Edge, Graph
from netspec.compiler.ir.rewrite import reroute, rewrite_blocks
from netspec.layers.base import Layer


def drop_training_only(graph: Graph) -> Graph:
    """Drop layers that return their input at inference, and blocks of nothing else."""
    return rewrite_blocks(graph, _drop)


def _drop(block: Graph) -> Graph:
    instead: dict[Edge, Edge] = {}
    for index, node in enumerate(block.nodes):
        for port, source in enumerate(_passed_on(node.operation)):
            edge = node.inputs[source]
            instead[Edge(index, port)] = instead.get(edge, edge)
    return reroute(block, instead) if instead else block


def _passed_on(operation: object) -> list[int]:
    """For each result, the input that it is; an empty list for what computes something."""
    if isinstance(operation, Layer):
        return [0] if operation.training_only or operation.is_identity else []
    if isinstance(operation, Graph) and all(output.edge.node in operation.inputs for output in operation.outputs):
        return [operation.inputs.index(output.edge.node) for output in operation.outputs]
    return []
