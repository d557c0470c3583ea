"""For inference: a batchnorm is then a scale and an offset per channel, which the layer before it can absorb.

This removes the batchnorm from the graph; `backend/fold_weights.py` computes the new weights of the layer.
"""

from __future__ import annotations

from dataclasses import replace

from netspec.compiler.ir.graph import Edge, Graph, Node, use_counts
from netspec.compiler.ir.rewrite import reroute, rewrite_blocks
from netspec.layers.activations import Linear
from netspec.layers.base import Layer
from netspec.layers.norm import BatchNorm


def merge_batchnorm(graph: Graph) -> Graph:
    """Merge each batchnorm into the layer before it, if that layer can absorb it and nothing else reads its output.

    The layer gets a bias, and its node remembers the batchnorm under `absorbed`.
    """
    return rewrite_blocks(graph, _merge)


def _merge(block: Graph) -> Graph:
    counts = use_counts(block)
    nodes = list(block.nodes)
    instead: dict[Edge, Edge] = {}
    for index, node in enumerate(nodes):
        is_plain = isinstance(node.operation, BatchNorm) and node.operation.dtype in (None, "f32")
        if not is_plain or node.shared is not None or counts[node.inputs[0].node] > 1:
            continue
        edge = instead.get(node.inputs[0], node.inputs[0])
        before = nodes[edge.node]
        if _can_absorb(before):
            assert isinstance(before.operation, Layer)
            changed = before.operation.replace(bias=True)
            nodes[edge.node] = replace(before, operation=changed, absorbed=(*before.absorbed, node))
            instead[Edge(index)] = edge
    if not instead:
        return block
    # The result of the layer alone no longer exists, nor does its label.
    labels = {name: edge for name, edge in block.labels.items() if edge not in instead.values()}
    return reroute(replace(block, nodes=nodes, labels=labels), instead)


def _can_absorb(node: Node) -> bool:
    """In lower precision the layer rounds before the batchnorm, so that merging would change predictions."""
    layer = node.operation
    if not isinstance(layer, Layer) or layer.output_axis is None or node.shared is not None:
        return False
    has_activation = layer.activation_word is not None and not isinstance(layer.activation_word, Linear)
    return not has_activation and getattr(layer, "dtype", None) in (None, "f32")
