"""Applies single layers to tensors: nodes of the graph are made here, and shape errors get their spans.

Input: a `OneLayer` and tensors of known shape. Output: a tensor, or BAD and a diagnostic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from netspec.compiler.elaborate.builder import Builder, PaddedInput, Tensor, Tensors, as_tuple, one_or_several
from netspec.compiler.elaborate.elaboration import MAX_NODES, Abandon, Elaboration, producer_note
from netspec.compiler.elaborate.join_advice import advise_join, dropped_rows_note, split_outside
from netspec.compiler.elaborate.values import BAD, Block, OneLayer, SharedUse
from netspec.compiler.errors.values import TooLarge
from netspec.compiler.ir.graph import Graph, Input
from netspec.compiler.ir.warnings import PaddingCounts
from netspec.compiler.names.resolution import Resolution
from netspec.language.diagnostics import Fix, Note, Problems, Unplaced
from netspec.language.shape import Shape
from netspec.language.source import Span
from netspec.language.values import LayerValue
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer
from netspec.layers.dense import Dense
from netspec.layers.errors.shapes import CannotConcat, ReshapeCount, UnequalShapes, WrongInputs, WrongRank
from netspec.layers.sequence.tokens import PaddingMask


class LayerApplier(Elaboration):
    """Applies single layers to tensors."""

    def __init__(self, resolution: Resolution, problems: Problems) -> None:
        super().__init__(resolution, problems)
        self.masks: dict[PaddedInput, Tensor] = {}
        self.uses: list[Block] = []
        self.total = 0
        self.built = 0

    def _layer(self, value: OneLayer, layer: Layer, inputs: Any, builder: Builder) -> Any:
        if inputs is BAD:
            return BAD
        tensors: tuple[Any, ...] = as_tuple(inputs)
        if not self._check_count(value, layer, tensors):
            return BAD
        try:
            if layer.borrows:
                return self._borrowing(value, layer, tensors, builder)
            if layer.is_macro:
                return layer.expand(_ApplyInside(self, value, builder), *tensors)
            for extra in layer.before(*(t.shape for t in tensors)):
                tensors = (self._layer(OneLayer(extra, value.span), extra, tensors[0], builder),)
                if tensors[0] is BAD:
                    return BAD
            return self._node(value, layer, tensors, builder)
        except Unplaced as misfit:
            self._report_misfit(misfit, value, tensors)
        except _InnerMistake:
            pass  # a layer inside a macro has reported it
        return BAD

    def _node(self, value: OneLayer, layer: Layer, tensors: tuple[Tensor, ...], builder: Builder) -> Any:
        activation = layer.activation_word
        follower = None
        if activation is not None and activation.has_weights and not isinstance(layer, ActivationLayer):
            follower = ActivationLayer(activation=activation)
            layer = layer.replace(activation=None)
        shape = layer.infer(*(t.shape for t in tensors))
        edges = tuple(builder.edge_of(t) for t in tensors)
        name = layer.name or layer.to_source().partition("(")[0]
        mask = self._mask(layer, tensors)
        mask_edge = None if mask is None else builder.edge_of(mask)
        edge = builder.add(layer, edges, (shape,), span=value.span, name=name, mask=mask_edge)
        self._count(1, value.span)
        result = Tensor(builder, edge, shape, _padding_after(layer, shape, tensors))
        padded = next((t.padded for t in tensors if t.padded is not None), None)
        if layer.reads_mask is None and result.padded is None and padded is not None:
            source = padded.tensor.builder.graph.nodes[padded.tensor.edge.node].name
            word = layer.to_source().partition("(")[0]
            fixes = (Fix(value.span, "mean_pool"),) if value.span is not None and value.span.text == "gap" else ()
            self.report(PaddingCounts(span=value.span, case=layer.word, word=word, input=source, fixes=fixes))
        return result if follower is None else self._layer(OneLayer(follower, value.span), follower, result, builder)

    def _borrowing(self, value: OneLayer, layer: Layer, tensors: tuple[Tensor, ...], builder: Builder) -> Any:
        """A layer that works with the weights of a shared one."""
        use = getattr(layer, layer.borrows)
        shared = use.shared if isinstance(use, SharedUse) else None
        lender = single_layer(shared.operation) if shared and isinstance(shared.operation, Graph) else None
        bound = layer.bind(lender, shared.module.shapes if shared and shared.module else ())
        shape = bound.infer(*(t.shape for t in tensors))
        assert shared is not None
        edges = tuple(builder.edge_of(t) for t in tensors)
        edge = builder.add(bound, edges, (shape,), span=value.span, name=shared.name, shared=shared.module)
        self._count(1, value.span)
        return Tensor(builder, edge, shape, _padding_after(bound, shape, tensors))

    def _mask(self, layer: Layer, tensors: tuple[Tensor, ...]) -> Tensor | None:
        """The mask that a layer reads, made where the input is, once for all that read it."""
        padded = None if layer.reads_mask is None else tensors[layer.reads_mask].padded
        if padded is None:
            return None
        if padded not in self.masks:
            source = padded.tensor
            graph, shape = source.builder.graph, Shape(source.shape.sizes[:1])
            name = f"{graph.nodes[source.edge.node].name}_mask"
            layer = PaddingMask(id=padded.id)
            edge = source.builder.add(layer, (source.edge,), (shape,), span=source.span, name=name)
            graph.labels.setdefault(name, edge)
            self.masks[padded] = Tensor(source.builder, edge, shape)
        return self.masks[padded]

    def _count(self, more: int, span: Span | None) -> None:
        self.total += more
        self.built += 1
        if max(self.total, self.built) > MAX_NODES:
            self.problems.add(TooLarge(span=span, limit=MAX_NODES))
            raise Abandon

    def _check_count(self, value: OneLayer, layer: Layer, tensors: tuple[Tensor, ...]) -> bool:
        minimum, maximum = layer.input_count
        if minimum <= len(tensors) and (maximum is None or len(tensors) <= maximum):
            return True
        got = "one" if len(tensors) == 1 else str(len(tensors))
        if len(tensors) < minimum:
            case, wants = "few", "two or more inputs" if maximum is None else "two inputs"
        else:
            case, wants = "", "one input" if maximum == 1 else "one or two inputs"
        word, shapes = layer.word or value.layer.to_source(), _shapes(tensors)
        text = value.span.text if value.span is not None else ""
        if not case and text.startswith(word) and len(text) <= 60 and "\n" not in text:
            case = "layer"
        fields: dict[str, Any] = {"case": case, "text": text}
        if case != "few" and not self.resolution.inputs:
            fields |= _inputs_of_data(tensors)
        self.report(WrongInputs(span=value.span, word=word, wants=wants, got=got, shapes=shapes, **fields))
        return False

    def _report_misfit(self, misfit: Unplaced, value: OneLayer, tensors: tuple[Tensor, ...]) -> None:
        span = value.places.get(misfit.option or "", value.span)
        sources = [tensors[0], tensors[misfit.at_input]] if len(tensors) > 1 else [_before(tensors[0], value.span)]
        notes = tuple(note for t in {t.span: t for t in sources}.values() for note in producer_note(t))
        origin = value.origins.get(misfit.option or "")
        if origin is not None:
            notes += (origin,)
        elif self.uses and self.uses[-1].name.uses > 1:
            notes += (Note(self.uses[-1].span, f"in this use of `{self.uses[-1].name.name}`"),)
        fields = dict(misfit.fields)
        if misfit.kind in (UnequalShapes, CannotConcat) and len(tensors) > 1 and span is not None:
            notes += dropped_rows_note(tensors)
            if fields.get("along", "channels") == "channels":
                fields["advice"] = advise_join(fields["word"], span, tensors, self._block_at(span)) or fields["advice"]
        if misfit.kind is ReshapeCount and (dense := _dense_of(tensors[0], fields["new_count"])):
            fields |= {"case": "dense", "advice": dense[1], "written": dense[0]}
        if misfit.kind is WrongRank and (advice := _lost_steps(tensors[0])) is not None:
            fields["advice"] = advice
        self.problems.add(misfit.kind(span=span, notes=notes, **fields))

    def _block_at(self, span: Span) -> Block | None:
        """The use of the block in whose `def` a place is."""
        for use in reversed(self.uses):
            place = use.name.define.span if use.name.define is not None else use.span
            if place.source is span.source and place.start <= span.start < place.end:
                return use
        return None


def _lost_steps(tensor: Tensor) -> str | None:
    """For a vector that a layer before it made of a sequence: how its steps are kept."""
    graph = tensor.builder.graph
    node = graph.nodes[tensor.edge.node]
    layer = node.operation
    if tensor.shape.rank != 1 or not isinstance(layer, Layer) or not node.inputs:
        return None
    if [shape.rank for shape in graph.input_shapes(node)] != [2]:
        return None
    if getattr(layer, "return_", "") == "last":
        return f"keep all steps in the layer before it: write `{layer.replace(return_='sequence').to_source()}`"
    return f"remove the `{layer.word}` before it, which leaves no steps"


def _dense_of(tensor: Tensor, units: int) -> tuple[str, str] | None:
    """The `dense` that gives a vector, as it is written, and with other units; None where another layer gives it."""
    graph = tensor.builder.graph
    node = graph.nodes[tensor.edge.node]
    while isinstance(node.operation, ActivationLayer) or (
        isinstance(node.operation, Layer) and node.operation.training_only
    ):
        node = graph.nodes[node.inputs[0].node]
    if not isinstance(node.operation, Dense) or node.shape.rank != 1:
        return None
    written = node.span.text if node.span is not None else ""
    if not written.startswith("dense(") or not written.endswith(")") or "\n" in written:
        return node.operation.to_source(), node.operation.replace(units=units).to_source()
    arguments = split_outside(written[len("dense(") : -1], ",")
    place = next((i for i, text in enumerate(arguments) if re.match(r"units\s*=", text)), 0)
    arguments[place] = f"units = {units}" if place or "=" in arguments[0] else str(units)
    return written, f"dense({', '.join(arguments)})"


def single_layer(graph: Graph) -> Layer | None:
    """The layer of a block that holds nothing else: a shared `embedding(64)` needs no separate class."""
    layers = [(node, node.operation) for node in graph.nodes if isinstance(node.operation, Layer)]
    if len(graph.nodes) != 2 or not layers:
        return None
    node, layer = layers[0]
    return layer if node.mask is None and layer.module(*graph.input_shapes(node)) else None


class _InnerMistake(Exception):
    """A layer inside a macro has failed and reported it."""


class _ApplyInside:
    """What a macro calls to build the layers that it expands into."""

    def __init__(self, applier: LayerApplier, value: OneLayer, builder: Builder) -> None:
        self.applier, self.value, self.builder = applier, value, builder

    def __call__(self, layer: Layer | LayerValue, *inputs: Any) -> Any:
        value = layer if isinstance(layer, LayerValue) else OneLayer(layer, self.value.span)
        result = self.applier.apply(value, one_or_several(inputs), self.builder)
        if isinstance(result, Tensors):  # branches that nothing joins, inside a layer that works with one tensor
            span, word = self.value.places.get("body", self.value.span), self.value.layer.word
            got, shapes = str(len(result.items)), _shapes(result.items)
            wants = "one tensor from its body"
            result = self.applier.report(WrongInputs(span=span, word=word, wants=wants, got=got, shapes=shapes))
        if result is BAD:
            raise _InnerMistake
        return result


def _inputs_of_data(tensors: Sequence[Tensor]) -> dict[str, str]:
    """What is advised where all tensors are inputs that the data name, and some of them token ids, which cannot be
    joined with numbers: fields of `WrongInputs`."""
    nodes = [tensor.builder.graph.nodes[tensor.edge.node] for tensor in tensors]
    others = [f"`{node.name}`" for node in nodes if not node.shape.is_tokens]
    if not all(isinstance(node.operation, Input) for node in nodes) or len(others) in (0, len(nodes)):
        return {}
    pads = [tensor.padded.id if tensor.padded is not None else None for tensor in tensors]
    shapes = [
        str(n.shape) if pad is None else f"{n.shape}"[:-1] + f", pad = {pad})"
        for n, pad in zip(nodes, pads, strict=True)
    ]
    declared = " and ".join(f"`input {n.name}: {shape}`" for n, shape in zip(nodes, shapes, strict=True))
    return {"case": "inputs", "others": " and ".join(others), "declared": declared}


def _shapes(tensors: Iterable[Tensor]) -> str:
    return " and ".join(str(t.shape) for t in tensors)


def _before(tensor: Tensor, span: Span | None) -> Tensor:
    """The tensor itself, or the input of the layers that netspec inserted before the layer at this span."""
    node = tensor.builder.graph.nodes[tensor.edge.node]
    while node.span == span and len(node.inputs) == 1:
        edge = node.inputs[0]
        node = tensor.builder.graph.nodes[edge.node]
        tensor = Tensor(tensor.builder, edge, node.shapes[edge.port])
    return tensor


def _padding_after(layer: Layer, shape: Shape, tensors: tuple[Tensor, ...]) -> PaddedInput | None:
    """The padding of an output: that of the first input with padding, as long as the steps keep their positions.

    The steps of a layer that reads a mask are those of its first input.
    """
    sources = tensors if layer.reads_mask is None else tensors[:1]
    padded = next((t.padded for t in sources if t.padded is not None), None)
    is_sequence = shape.is_tokens or shape.rank > 1
    if padded is None or layer.moves_steps or not is_sequence or shape.sizes[0] != padded.tensor.shape.sizes[0]:
        return None
    return padded
