"""Sketches of specs: what a reader would make of their networks, without names of layers and blocks."""

from __future__ import annotations

from netspec.compiler.ir.graph import Edge, Graph, Input, prune
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer
from netspec.spec.compilation import Compilation


class Flattened:
    """The layers of a compiled network in a sketch, out of their blocks, activations as layers of their own."""

    def __init__(self, compilation: Compilation, *, splits: bool = True) -> None:
        graph = prune(compilation.network)
        self.sketch = Sketch(compilation.name)
        self.splits = splits
        self.holders: dict[object, object] = {}
        self.first: dict[object, Step] = {}
        feeds = [self.sketch.input(node.name, node.shape) for node in graph.input_nodes]
        outputs = self._open(graph, feeds, ())
        for output, step in zip(graph.outputs, outputs, strict=True):
            self.sketch.output(step, output.name or "")

    def _open(self, graph: Graph, feeds: list[Step], path: tuple[object, ...]) -> list[Step]:
        before = self.holders.get(graph.identity)
        self.holders[graph.identity] = object()
        ends = {Edge(i): feed for i, feed in zip(graph.inputs, feeds, strict=True)}
        for index, node in enumerate(graph.nodes):
            if isinstance(node.operation, Input):
                continue
            inputs = [ends[edge] for edge in node.inputs]
            place: tuple[object, ...] = (*path, node.name)
            if node.shared is not None:
                place = (self.holders[node.shared.owner], node.shared)
            if isinstance(node.operation, Graph):
                made = self._open(node.operation, inputs, place)
            else:
                assert isinstance(node.operation, Layer)
                made = [self._add(node.operation, inputs, place)]
            ends |= {Edge(index, port): step for port, step in enumerate(made)}
        self.holders[graph.identity] = before
        return [ends[output.edge] for output in graph.outputs]

    def _add(self, layer: Layer, inputs: list[Step], place: tuple[object, ...]) -> Step:
        activation = layer.activation_word
        is_split = self.splits and activation is not None and hasattr(layer, "bias") and hasattr(layer, "weights")
        shapes = [step.shape for step in inputs]
        has_weights = bool(layer.parameters(*shapes) or layer.state(*shapes))
        shared = self.first.get(place) if has_weights else None
        plain = layer.replace(name=None, **({"activation": None} if is_split else {})) if layer.options() else layer
        step = self.sketch.add(plain, *inputs, shared=shared)
        self.first.setdefault(place, step)
        if is_split:
            step = self.sketch.add(ActivationLayer(activation=activation), step)
        return step


def sketch_of(compilation: Compilation) -> Sketch:
    """The sketch of a spec."""
    return Flattened(compilation).sketch
