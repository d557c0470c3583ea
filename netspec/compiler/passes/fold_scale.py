"""Joins consecutive constant scales and offsets; removes those that change nothing."""

from __future__ import annotations

from dataclasses import replace

from netspec.compiler.ir.graph import Edge, Graph, Node, use_counts
from netspec.compiler.ir.rewrite import reroute, rewrite_blocks
from netspec.layers.reshape import Scale

MIN_FACTOR, MAX_FACTOR = 1e-30, 1e30
"""Products outside are not formed: f32 might hold the results of single layers, and not the product."""


def fold_scale(graph: Graph) -> Graph:
    """Join `scale` layers of which the first is read by the second alone, and leave out `scale(1, 0)`."""
    return rewrite_blocks(graph, _fold)


def _fold(block: Graph) -> Graph:
    counts = use_counts(block)
    nodes = list(block.nodes)
    for index, node in enumerate(nodes):
        before = nodes[node.inputs[0].node] if isinstance(node.operation, Scale) else None
        if before is not None and counts[node.inputs[0].node] == 1:
            nodes[index] = _join(before, node)
    instead: dict[Edge, Edge] = {}
    for index, node in enumerate(nodes):
        if isinstance(node.operation, Scale) and (node.operation.factor, node.operation.offset) == (1, 0):
            edge = node.inputs[0]
            instead[Edge(index)] = instead.get(edge, edge)
    is_same = all(new is old for new, old in zip(nodes, block.nodes, strict=True))
    return block if is_same and not instead else reroute(replace(block, nodes=nodes), instead)


def _join(before: Node, node: Node) -> Node:
    """The second of two scales with the factor and offset of both; the node itself where they cannot join.

    f2 (f1 x + o1) + o2 = f1 f2 x + (f2 o1 + o2)
    """
    first, second = before.operation, node.operation
    if not isinstance(first, Scale) or not isinstance(second, Scale):
        return node
    factor = first.factor * second.factor
    offset = first.offset * second.factor + second.offset
    if not all(number == 0 or MIN_FACTOR < abs(number) < MAX_FACTOR for number in (factor, offset)):
        return node
    return replace(node, operation=second.replace(factor=factor, offset=offset), inputs=before.inputs)
