"""A softmax or sigmoid at the very end becomes the head of its output, so that the loss can work on logits."""

from __future__ import annotations

from dataclasses import replace

from netspec.compiler.ir.graph import Graph, Node, Output, prune, use_counts
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer


def peel_head(graph: Graph) -> Graph:
    """Move the last activation of each output into `Output.head`, also out of a block at the end.

    Only what nothing else reads is moved; shared layers keep their activation.
    """
    counts = use_counts(graph)
    peeled = replace(graph, nodes=list(graph.nodes), outputs=[])
    for output in graph.outputs:
        alone = counts[output.edge.node] == 1 and graph.nodes[output.edge.node].shared is None
        peeled.outputs.append(_peel(peeled.nodes, output) if alone else output)
    return prune(peeled)


def _peel(nodes: list[Node], output: Output) -> Output:
    """The output without its head; changes `nodes` in place."""
    node = nodes[output.edge.node]
    bare: Layer | Graph
    if isinstance(node.operation, Graph) and len(node.operation.outputs) == 1:
        bare = peel_head(node.operation)
        head = bare.outputs[0].head
        bare.outputs[0] = replace(bare.outputs[0], head=None)
    elif isinstance(node.operation, Layer):
        head = node.operation.activation_word
        if isinstance(node.operation, ActivationLayer) and node.operation.activation.is_head:
            return replace(output, edge=node.inputs[0], head=head)
        bare = node.operation.replace(activation=None) if head is not None and head.is_head else node.operation
    else:
        return output
    if head is None or not head.is_head:
        return output
    nodes[output.edge.node] = replace(node, operation=bare)
    return replace(output, head=head)
