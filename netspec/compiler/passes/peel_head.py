"""A softmax or sigmoid at the very end becomes the head of its output, so that the loss can work on logits."""

from __future__ import annotations

from dataclasses import replace

from netspec.compiler.ir.graph import Edge, Graph, Node, Output, prune, use_counts
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
    index = output.edge.node
    node = nodes[index]
    if isinstance(node.operation, Graph):
        return _peel_block(nodes, node, output)
    if not isinstance(node.operation, Layer):
        return output
    head = node.operation.activation_word
    if head is None or not head.is_head:
        return output
    if isinstance(node.operation, ActivationLayer):
        return replace(output, edge=node.inputs[0], head=head)
    bare = node.operation.replace(activation=None)
    nodes[index] = replace(node, operation=bare)
    return replace(output, head=head)


def _peel_block(nodes: list[Node], node: Node, output: Output) -> Output:
    assert isinstance(node.operation, Graph)
    if len(node.operation.outputs) != 1:
        return output
    inner = peel_head(node.operation)
    head = inner.outputs[0].head
    if head is None:
        return output
    inner.outputs[0] = replace(inner.outputs[0], head=None)
    nodes[output.edge.node] = replace(node, operation=inner)
    return Output(output.name, Edge(output.edge.node, output.edge.port), head)
