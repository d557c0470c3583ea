"""What the network ends in, for the checks of data and for the recipe: read off the graph after the passes."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.compiler.ir.graph import Graph, Input, Node, Output
from netspec.data.checks.heads import Head
from netspec.language.shape import Shape
from netspec.language.source import Span
from netspec.layers.reshape import Flatten, Reshape
from netspec.training.losses import LossWord, loss_for
from netspec.training.output_head import HeadInfo


def output_name(output: Output) -> str:
    """The name of an output; a single unnamed one is called `output`."""
    return output.name or "output"


def data_heads(graph: Graph, losses: Sequence[LossWord] | None = None) -> dict[str, Head]:
    """The ends of an optimised graph, as the checks of data want them, with the losses that are asked for."""
    input_span = next((node.span for node in graph.input_nodes if node.span is not None), None)
    found = {}
    for output in graph.outputs:
        shape = graph.shape_of(output.edge)
        units = shape.channels if shape.sizes else 1
        activation = output.head.word if output.head is not None else None
        loss = loss_for(output_name(output), losses)
        found[output_name(output)] = Head(
            units=units if isinstance(units, int) else 0,
            activation=activation,  # type: ignore[arg-type]  # heads are softmax and sigmoid
            per_step=shape.rank > 1,
            input_span=input_span,
            head_span=graph.nodes[output.edge.node].span,
            answering=loss.answering if loss is not None else "answers",
            reshaped_by=_reshaped_by(graph.nodes[output.edge.node]),
        )
    return found


def _reshaped_by(node: Node) -> str | None:
    """The layer as it is written, where it only gives numbers another shape."""
    if not isinstance(node.operation, Flatten | Reshape):
        return None
    return node.span.text if node.span is not None and "\n" not in node.span.text else node.word


def recipe_heads(graph: Graph) -> dict[str, HeadInfo]:
    """The ends of an optimised graph, as losses and metrics want them; unknown sizes count as 1 place."""
    found = {}
    for output in graph.outputs:
        node = graph.nodes[output.edge.node]
        shape = tuple(size if isinstance(size, int) else 1 for size in graph.shape_of(output.edge).sizes)
        activation = output.head.word if output.head is not None else "linear"
        word = "input" if isinstance(node.operation, Input) else node.word
        is_open = shape != graph.shape_of(output.edge).sizes
        found[output_name(output)] = HeadInfo(shape, activation, word, output.padding, node.span, is_open=is_open)
    return found


def input_shapes(graph: Graph) -> dict[str, Shape]:
    """The shape of one example of each input, by name."""
    return {node.name: node.shape for node in graph.input_nodes}


def self_scaling_inputs(graph: Graph) -> set[str]:
    """The inputs that go into a `batchnorm` and nowhere else: the network normalises them itself."""
    found = set()
    for index in graph.inputs:
        readers = [node for node in graph.nodes if any(edge.node == index for edge in node.inputs)]
        if readers and all(node.word == "batchnorm" for node in readers):
            found.add(graph.nodes[index].name)
    return found


def input_spans(graph: Graph) -> dict[str, Span]:
    """Where each input is declared."""
    return {node.name: node.span for node in graph.input_nodes if node.span is not None}
