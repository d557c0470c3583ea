"""Which input of a network is generated, and where its next id is predicted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netspec.compiler.ir.graph import Graph, Output
from netspec.compiler.passes.for_decoding import DecodeForm, for_decoding
from netspec.language.diagnostics import fail
from netspec.language.shape import Shape
from netspec.layers.sequence.tokens import PaddingMask
from netspec.runs.generation.errors import NotALanguageModel, ReadsLaterSteps
from netspec.spec.model import Model
from netspec.spec.network_ends import output_name

ADVICE = "a language model is, for instance, `input 128 tokens(65)` … `dense(65, softmax)`, with an output at each step"


@dataclass(frozen=True)
class Ends:
    """The ends of a language model.

    Args:
        target: the input that is generated, step by step.
        sources: the other inputs, which stay the same.
        output: where the next id is predicted.
        vocabulary: the number of ids.
        window: the number of steps that the network was trained on; None for any number.
        banned: ids that are never generated, since they stand for padding.
        form: the network that computes the next steps.
    """

    target: str
    sources: tuple[str, ...]
    output: str
    vocabulary: int
    window: int | None
    banned: tuple[int, ...]
    form: DecodeForm

    @property
    def is_cached(self) -> bool:
        """Whether each layer can compute the next step from what earlier ones have left."""
        return not self.form.obstacles

    @property
    def max_steps(self) -> int | None:
        """The number of steps of one sequence, None for any: a state that is carried along has no limit."""
        return self.window if self.form.carries_positions or not self.is_cached else None


def language_ends(model: Model) -> Ends:
    """The ends of a language model.

    Raises:
        CompileError: it is not one (NS615), or it reads later steps (NS616).
    """
    graph = model.compilation.optimized
    found = [_ends(graph, *pair) for pair in _candidates(graph)]
    if not found:
        raise fail(NotALanguageModel(network=model.name, reason=_reason(graph), advice=ADVICE))
    best = min(found, key=lambda ends: len(ends.form.obstacles))  # of inputs that are alike, the one that is causal
    for obstacle in best.form.obstacles:
        if obstacle.reads_later:
            layer, reason = obstacle.layer, obstacle.reason
            raise fail(ReadsLaterSteps(network=model.name, layer=layer, reason=reason, span=obstacle.span))
    return best


def _candidates(graph: Graph) -> Iterator[tuple[str, Output]]:
    """Inputs of ids, and outputs with a probability for each of these ids at each of their steps."""
    for output in graph.outputs:
        shape = graph.shape_of(output.edge)
        if shape.rank != 2 or output.head is None or output.head.word != "softmax":
            continue
        for node in graph.input_nodes:
            if node.shape.is_tokens and node.shape.sizes == shape.sizes[:1] and node.shape.vocabulary == shape.channels:
                yield node.name, output


def _ends(graph: Graph, target: str, output: Output) -> Ends:
    shapes = {node.name: node.shape for node in graph.input_nodes}
    steps, vocabulary, pad = shapes[target].sizes[0], shapes[target].vocabulary, padding_id(graph, target)
    assert isinstance(vocabulary, int)
    return Ends(
        target,
        tuple(name for name in shapes if name != target),
        output_name(output),
        vocabulary,
        steps if isinstance(steps, int) else None,
        () if pad is None else (pad,),
        for_decoding(graph, target),
    )


def padding_id(graph: Graph, name: str) -> int | None:
    """The id that stands for padding in an input, where layers or losses leave it out."""
    for node in graph.nodes:
        if isinstance(node.operation, PaddingMask) and graph.nodes[node.inputs[0].node].name == name:
            return node.operation.id
    return next((o.padding.id for o in graph.outputs if o.padding is not None and o.padding.input == name), None)


def _reason(graph: Graph) -> str:
    """Why a network is not a language model."""
    tokens = [node.shape for node in graph.input_nodes if node.shape.is_tokens]
    if not tokens:
        return "it takes no token ids"
    heads = [(graph.shape_of(output.edge), output.head) for output in graph.outputs]
    if all(shape.rank == 1 for shape, _ in heads):
        return "it gives one prediction for the whole sequence, not one at each step"
    if not any(head is not None and head.word == "softmax" for _, head in heads):
        return "its output is not the probability of each id: a softmax is missing at the end"
    return f"its output of {_listed([shape for shape, _ in heads])} does not fit its ids, {_listed(tokens)}"


def _listed(shapes: list[Shape]) -> str:
    return " and ".join(map(str, shapes))
