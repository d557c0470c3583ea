"""The inputs and outputs of a network, for the checks of data and for the recipe: read off the graph after passes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from netspec.compiler.ir.graph import Graph, Input, Node, Output
from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Facts, Source
from netspec.data.sources.tables.words import TableSource
from netspec.data.transforms.columns import input_name
from netspec.language.shape import Shape
from netspec.language.source import Span
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer
from netspec.layers.reshape import Flatten, Reshape
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Recurrent
from netspec.training.losses import LossWord, loss_for

KEEPS_NUMBERS = (
    "flatten", "reshape", "gap", "mean_pool", "first", "last", "avgpool", "concat", "add", "average", "upsample",
    "crop",
)  # fmt: skip
"""Layers whose output is as large as their inputs are."""


FOR_EACH_STEP = ("dense", "batchnorm", "layernorm", "rmsnorm", "scale")
"""Layers that work on each step of a sequence by itself."""


def output_name(output: Output) -> str:
    """The name of an output; a single unnamed one is called `output`."""
    return output.name or "output"


def target_columns(source: Source | None, facts: Facts | None, outputs: Sequence[str]) -> dict[str, Sequence[str]]:
    """The names of the target columns by output, where the data are a table: as its header has them, or, of a data
    frame, as metrics have them."""
    if isinstance(source, TableSource):
        each: dict[str, Sequence[str]] = {input_name(name): [name] for name in source.target}
        return each if len(outputs) > 1 else {outputs[0]: source.target}
    columns = {name: target.columns for name, target in (facts.targets if facts is not None else {}).items()}
    return dict(zip(outputs, columns.values(), strict=True)) if len(outputs) == len(columns) == 1 else {**columns}


def output_heads(graph: Graph, losses: Sequence[LossWord] | None = None) -> dict[str, OutputHead]:
    """The ends of an optimized graph, by output, in the shape of the targets; `losses` are those of the section
    `train`, None for the ends in the shape of the last layer."""
    heads = {}
    for output in graph.outputs:
        name, node = output_name(output), graph.nodes[output.edge.node]
        loss = loss_for(name, losses)
        steps_from, last_step = _recurrent(graph, output.edge.node)
        heads[name] = OutputHead(
            tuple(size if isinstance(size, int) else None for size in graph.shape_of(output.edge).sizes),
            output.head.word if output.head is not None else "linear",
            "input" if isinstance(node.operation, Input) else node.word,
            padding=output.padding,
            span=node.span,
            kind=loss.output_kind if loss is not None else "predictions",
            reshaped_by=_reshaped_by(node),
            is_unbounded=is_unbounded(graph, output.edge.node),
            steps_from=steps_from,
            last_step=last_step,
        ).of_targets(loss.parts if loss is not None else 1)
    return heads


def is_unbounded(graph: Graph, index: int) -> bool:
    """Whether a node gives any number, above and below 0, by trained weights: a linear layer, or what only moves,
    averages or joins the numbers of such layers."""
    node = graph.nodes[index]
    if isinstance(node.operation, Graph):
        return len(node.operation.outputs) == 1 and is_unbounded(node.operation, node.operation.outputs[0].edge.node)
    if not isinstance(node.operation, Layer):
        return False
    if node.operation.output_axis is not None:
        return node.operation.activation_word is None and not node.operation.is_frozen
    is_passed = node.operation.is_identity or node.operation.training_only or node.word in KEEPS_NUMBERS
    return is_passed and all(is_unbounded(graph, edge.node) for edge in node.inputs)


def _recurrent(graph: Graph, index: int) -> tuple[str, str]:
    """The recurrent layer from which only layers for each step lead to a node, and the same with `return = last`."""
    node = graph.nodes[index]
    while isinstance(node.operation, Layer) and len(node.inputs) == 1:
        layer, written = node.operation, node.span.text if node.span is not None else ""
        inner = layer.layer if isinstance(layer, Bidirectional) else layer
        if isinstance(inner, Recurrent):
            last: Layer = inner.replace(return_="last")
            if inner is not layer:
                last = layer.replace(layer=last)
            is_call = re.fullmatch(r"(bidirectional\()?(lstm|gru|rnn)\([^()]*\)+", written) and "return" not in written
            as_written = re.sub(r"\)+$", lambda end: f", return = last{end[0]}", written)
            return written, as_written if is_call else last.to_source()
        is_for_each = layer.is_identity or layer.training_only or isinstance(layer, ActivationLayer)
        if not is_for_each and node.word not in FOR_EACH_STEP:
            break
        node = graph.nodes[node.inputs[0].node]
    return "", ""


def _reshaped_by(node: Node) -> str | None:
    """The layer as it is written, where it only gives numbers another shape."""
    if not isinstance(node.operation, Flatten | Reshape):
        return None
    return node.span.text if node.span is not None and "\n" not in node.span.text else node.word


def input_shapes(graph: Graph) -> dict[str, Shape]:
    """The shape of one example of each input, by name."""
    return {node.name: node.shape for node in graph.input_nodes}


def self_scaling_inputs(graph: Graph) -> set[str]:
    """The inputs that go into a `batchnorm` and nowhere else: the network normalizes them itself."""
    found = set()
    for index in graph.inputs:
        readers = [node for node in graph.nodes if any(edge.node == index for edge in node.inputs)]
        if readers and all(node.word == "batchnorm" for node in readers):
            found.add(graph.nodes[index].name)
    return found


def input_spans(graph: Graph) -> dict[str, Span]:
    """Where each input is declared."""
    return {node.name: node.span for node in graph.input_nodes if node.span is not None}
