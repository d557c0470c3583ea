"""For the generation of texts: layers in the form that computes the next steps from what earlier ones have left.

Input: an optimized network, and the input whose steps are generated one after the other. Output: the network in which
each layer that such steps flow through computes some of them at a time; and the layers that cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from netspec.compiler.ir.graph import Edge, Graph, Input, Node
from netspec.language.shape import Shape
from netspec.language.source import Span
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer
from netspec.layers.dense import Dense, Embedding
from netspec.layers.merge import Add, Average, Concat, Maximum, Mul
from netspec.layers.norm import BatchNorm, L2Norm, LayerNorm, RMSNorm
from netspec.layers.reshape import Scale
from netspec.layers.sequence.attention import Attention
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.decoded import Decoded
from netspec.layers.sequence.positions import PositionEmbedding, Rope, Sinusoidal
from netspec.layers.sequence.recurrent import Recurrent
from netspec.layers.sequence.tokens import PaddingMask
from netspec.layers.sequence.unembed import TiedOutput

STEP_BY_STEP = (
    *(ActivationLayer, BatchNorm, Dense, Embedding, L2Norm, LayerNorm, PaddingMask, RMSNorm, Scale, TiedOutput),
)
"""Layers that compute each step by itself."""
MERGES = (Add, Average, Maximum, Mul)


@dataclass(frozen=True)
class Obstacle:
    """A layer that cannot compute the next steps from what earlier ones have left.

    Args:
        layer: as it is written.
        reason: why it cannot, a clause about it.
        reads_later: whether its result at a step depends on later steps, as far as its kind says so.
        span: where it is written.
    """

    layer: str
    reason: str
    reads_later: bool = False
    span: Span | None = None


@dataclass
class DecodeForm:
    """The network that computes the next steps; it gives what the whole network gives only without `obstacles`."""

    graph: Graph
    obstacles: list[Obstacle] = field(default_factory=list)
    carries_positions: bool = False
    """Whether a layer knows positions, or reads the steps before by themselves: then the length of a text matters."""


def for_decoding(network: Graph, target: str) -> DecodeForm:
    """The network with layers that carry over what later steps need, wherever the steps of the input `target` flow."""
    form = DecodeForm(network)
    form.graph, _ = _Rewriter(form).block(network, [node.name == target for node in network.input_nodes])
    return form


class _Rewriter:
    """Rewrites blocks, each once for every combination of inputs in which generated steps flow."""

    def __init__(self, form: DecodeForm) -> None:
        self.form = form
        self.done: dict[tuple[int, tuple[bool, ...]], tuple[Graph, list[bool]]] = {}

    def block(self, block: Graph, flows_in: Sequence[bool]) -> tuple[Graph, list[bool]]:
        """The block, and the outputs in which generated steps flow."""
        key = (id(block), tuple(flows_in))
        if key in self.done:
            return self.done[key]
        flows: dict[Edge, bool] = {}
        nodes: list[Node] = []
        for index, node in enumerate(block.nodes):
            operation, outputs = node.operation, [False] * len(node.shapes)
            if isinstance(operation, Input):
                outputs = [flows_in[block.inputs.index(index)]]
            elif any(flows[edge] for edge in node.reads):
                inputs = [flows[edge] for edge in node.inputs]
                if isinstance(operation, Graph):
                    operation, outputs = self.block(operation, inputs)
                else:
                    operation, outputs = self._layer(operation, node, inputs, block.input_shapes(node)), [True]
            flows.update({Edge(index, port): output for port, output in enumerate(outputs)})
            nodes.append(node if operation is node.operation else replace(node, operation=operation))
        is_same = all(new is old for new, old in zip(nodes, block.nodes, strict=True))
        rewritten = block if is_same else replace(block, nodes=nodes)
        self.done[key] = rewritten, [flows[output.edge] for output in block.outputs]
        return self.done[key]

    def _layer(self, layer: Layer, node: Node, flows: Sequence[bool], shapes: Sequence[Shape]) -> Layer:
        found = _decode(layer, flows, shapes)
        if isinstance(found, Obstacle):
            self.form.obstacles.append(replace(found, span=node.span))
            return layer
        self.form.carries_positions |= isinstance(layer, Attention | PositionEmbedding | Rope | Sinusoidal)
        return found


def _decode(layer: Layer, flows: Sequence[bool], shapes: Sequence[Shape]) -> Layer | Obstacle:
    """The layer for the next steps; `flows` says in which inputs these flow."""
    match layer:
        case Layer(training_only=True) | Layer(is_identity=True):
            return layer
        case Attention():
            return _attention(layer, flows)
        case Bidirectional() | Recurrent(reverse=True):
            return Obstacle(layer.to_source(), "goes through the steps backward, from the last one", reads_later=True)
        case Recurrent(return_="last"):
            return Obstacle(layer.to_source(), "gives one vector for the whole sequence")
        case Recurrent() | Sinusoidal() | Rope():
            return Decoded(layer=layer)
        case PositionEmbedding() if shapes[0].rank == 2:
            return Decoded(layer=layer)
        case Concat(along="channels") if all(flows):
            return layer
        case _ if isinstance(layer, STEP_BY_STEP) and all(flows):
            return layer
        case _ if isinstance(layer, MERGES) and all(f or s.rank == 1 for f, s in zip(flows, shapes, strict=True)):
            return layer
    return Obstacle(layer.to_source(), "is not computed step by step")


def _attention(layer: Attention, flows: Sequence[bool]) -> Layer | Obstacle:
    if layer.causal and all(flows):
        return Decoded(layer=layer)
    if not layer.causal and [*flows] == [True, False]:
        return Decoded(layer=layer)
    if layer.causal:
        return Obstacle(layer.to_source(), "is causal between sequences of which only one is generated")
    return Obstacle(layer.to_source(), "attends to later steps: `causal = true` is missing", reads_later=True)
