"""Feeds tensors to layer values: this is where nodes of the graph come from, and where shape errors get their places.

Comes in: values (graph/values.py) and a `Builder`. Goes out: tensors of known shape, or BAD and a diagnostic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from netspec.compiler.elaborate.builder import Builder, PaddedInput, Tensor, Tensors
from netspec.compiler.elaborate.evaluate import MOST_NODES, Abandon, Evaluator, Frame, producer_note
from netspec.compiler.elaborate.values import (
    BAD,
    Block,
    Broken,
    Composed,
    OneLayer,
    Parallel,
    Repeated,
    Shared,
    SharedUse,
    Sum,
)
from netspec.compiler.errors.values import CannotChain, SharedShape, TooLarge
from netspec.compiler.ir.graph import Edge, Graph, Output, SharedModule, prune
from netspec.compiler.ir.warnings import PaddingCounts
from netspec.compiler.syntax import tree
from netspec.language.diagnostics import Fix, Note, Problems, Unplaced
from netspec.language.shape import Shape
from netspec.language.source import Span
from netspec.language.values import LayerValue, describe
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer
from netspec.layers.code import PythonName
from netspec.layers.errors.shapes import WrongInputs
from netspec.layers.merge import Add
from netspec.layers.sequence.tokens import PaddingMask


@dataclass(frozen=True)
class _Instance:
    """A block built for certain arguments and shapes, with what it takes from outside.

    `padded` tells for each output which input's padding its steps have.
    """

    graph: Graph
    captured: tuple[Tensor, ...]
    padded: tuple[PaddedInput | None, ...]


class Applier:
    """Feeds tensors to layer values."""

    def __init__(self, problems: Problems, evaluator: Evaluator) -> None:
        self.problems = problems
        self.evaluator = evaluator
        self.instances: dict[Any, _Instance | None] = {}
        self.sizes: dict[int, int] = {}
        self.masks: dict[PaddedInput, Tensor] = {}
        self.uses: list[Block] = []
        self.total = 0
        self.built = 0

    def apply(self, value: LayerValue, inputs: Any, builder: Builder) -> Any:
        """The tensor (or tensors) that come out of a layer; BAD after a mistake."""
        if isinstance(value, Broken):
            return BAD
        with self.evaluator.deeper(value.span):
            return self._apply(value, inputs, builder)

    def _apply(self, value: LayerValue, inputs: Any, builder: Builder) -> Any:
        match value:
            case OneLayer(layer=layer):
                return self._layer(value, layer, inputs, builder)
            case Composed(items=items):
                for item in items:
                    inputs = self.apply(item, inputs, builder)
                return inputs
            case Repeated(inner=inner, count=count):
                for _ in range(count):
                    inputs = self.apply(inner, inputs, builder)
                return inputs
            case Parallel(items=items, span=span):
                branches = [self._branch(item, inputs, builder) for item in items]
                return self.evaluator.side_by_side(branches, span)
            case Sum(items=items, span=span):
                branches = [self._branch(item, inputs, builder) for item in items]
                tensors = self.evaluator.side_by_side(branches, span)
                return self.apply(OneLayer(Add(), span), tensors, builder)
            case Block():
                return self._block(value, inputs, builder)
            case SharedUse(shared=shared, span=span):
                return self._shared(shared, inputs, builder, span)
        raise AssertionError(f"no rule for {type(value).__name__}")

    def _branch(self, item: Any, inputs: Any, builder: Builder) -> Any:
        return self.apply(item, inputs, builder) if isinstance(item, LayerValue) else item

    # ------------------------------------------------------------ single layers

    def _layer(self, value: OneLayer, layer: Layer, inputs: Any, builder: Builder) -> Any:
        if inputs is BAD:
            return BAD
        tensors = inputs.items if isinstance(inputs, Tensors) else (inputs,)
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
        result = Tensor(builder, edge, shape, _padding_behind(layer, shape, tensors))
        if layer.reads_mask is None and result.padded is None:
            self._warn_of_padding(layer, tensors, value.span)
        return result if follower is None else self._layer(OneLayer(follower, value.span), follower, result, builder)

    def _borrowing(self, value: OneLayer, layer: Layer, tensors: tuple[Tensor, ...], builder: Builder) -> Any:
        """A layer that works with the weights of a shared one."""
        use = getattr(layer, layer.borrows)
        shared = use.shared if isinstance(use, SharedUse) else None
        lender = _single_layer(shared.operation) if shared and isinstance(shared.operation, Graph) else None
        bound = layer.bind(lender, shared.module.shapes if shared and shared.module else ())
        shape = bound.infer(*(t.shape for t in tensors))
        assert shared is not None
        edges = tuple(builder.edge_of(t) for t in tensors)
        edge = builder.add(bound, edges, (shape,), span=value.span, name=shared.name, shared=shared.module)
        self._count(1, value.span)
        return Tensor(builder, edge, shape, _padding_behind(bound, shape, tensors))

    def _mask(self, layer: Layer, tensors: tuple[Tensor, ...]) -> Tensor | None:
        """The mask that a layer reads, made where the input is, once for all that read it."""
        padded = None if layer.reads_mask is None else tensors[layer.reads_mask].padded
        if padded is None:
            return None
        if padded not in self.masks:
            source = padded.tensor
            graph, shape = source.builder.graph, source.shape.without_tokens
            name = f"{graph.nodes[source.edge.node].name}_mask"
            layer = PaddingMask(id=padded.id)
            edge = source.builder.add(layer, (source.edge,), (shape,), span=source.span, name=name)
            graph.labels.setdefault(name, edge)
            self.masks[padded] = Tensor(source.builder, edge, shape)
        return self.masks[padded]

    def _warn_of_padding(self, layer: Layer, tensors: tuple[Tensor, ...], span: Span | None) -> None:
        """Padding that ends at a layer which cannot leave it out counts like the rest of a text."""
        padded = next((t.padded for t in tensors if t.padded is not None), None)
        if padded is None:
            return
        source = padded.tensor.builder.graph.nodes[padded.tensor.edge.node].name
        word = layer.to_source().partition("(")[0]
        fixes = (Fix(span, "mean_pool"),) if span is not None and span.text == "gap" else ()
        self.problems.add(PaddingCounts(span=span, case=layer.word, word=word, input=source, fixes=fixes))

    def _count(self, more: int, span: Span | None) -> None:
        self.total += more
        self.built += 1
        if max(self.total, self.built) > MOST_NODES:
            self.problems.add(TooLarge(span=span, limit=MOST_NODES))
            raise Abandon

    def _check_count(self, value: OneLayer, layer: Layer, tensors: tuple[Tensor, ...]) -> bool:
        fewest, most = layer.input_count
        if fewest <= len(tensors) and (most is None or len(tensors) <= most):
            return True
        shapes = " and ".join(str(t.shape) for t in tensors)
        got = "one" if len(tensors) == 1 else str(len(tensors))
        if len(tensors) < fewest:
            case, wants = "few", "two or more tensors" if most is None else "two tensors"
        else:
            case, wants = "", "one tensor" if most == 1 else "one or two tensors"
        self.problems.add(
            WrongInputs(
                span=value.span,
                word=layer.word or value.layer.to_source(),
                wants=wants,
                got=got,
                shapes=shapes,
                case=case,
            )
        )
        return False

    def _report_misfit(self, misfit: Unplaced, value: OneLayer, tensors: tuple[Tensor, ...]) -> None:
        span = value.places.get(misfit.option or "", value.span)
        notes: tuple[Note, ...] = ()
        if len(tensors) > 1:
            pairs = {t.span: t for t in (tensors[0], tensors[misfit.at_input]) if t.span is not None}
            notes = tuple(note for t in pairs.values() for note in producer_note(t))
        else:
            notes = producer_note(_before(tensors[0], value.span))
        origin = value.origins.get(misfit.option or "")
        if origin is not None:
            notes += (origin,)
        elif self.uses and self.uses[-1].name.uses > 1:
            notes += (Note(self.uses[-1].span, f"in this use of `{self.uses[-1].name.name}`"),)
        self.problems.add(misfit.kind(span=span, notes=notes, **misfit.fields))

    # ------------------------------------------------------------ blocks

    def _with_defaults(self, block: Block, inputs: Any) -> Block:
        """A block with all its arguments: a default may ask for what flows in, and for the parameters before it."""
        given = dict(block.arguments)
        frame = Frame(None, inputs)
        for parameter in block.name.parameters:
            value = given.get(parameter.name, self)
            if value is self:
                assert parameter.default is not None
                value = self.evaluator.evaluate(parameter.default, frame)
            frame.values[parameter] = value
        arguments = tuple((parameter.name, value) for parameter, value in frame.values.items())
        return block.replace(arguments=arguments)

    def _block(self, block: Block, inputs: Any, builder: Builder) -> Any:
        block = self._with_defaults(block, inputs)
        if inputs is BAD or any(v is BAD for _, v in block.arguments):
            self._look_for_mistakes(block, builder)
            return BAD
        tensors = inputs.items if isinstance(inputs, Tensors) else (inputs,)
        instance = self._instance(block, tensors, builder)
        if instance is None:
            return BAD
        self._count(self.sizes[id(instance.graph)], block.span)
        return self._use(instance, tensors, builder, block.span, block.name.name)

    def _use(
        self,
        instance: _Instance,
        tensors: tuple[Tensor, ...],
        builder: Builder,
        span: Span | None,
        name: str,
        shared: SharedModule | None = None,
    ) -> Any:
        graph = instance.graph
        single = _single_layer(graph) if shared is not None else None
        shapes = tuple(graph.shape_of(output.edge) for output in graph.outputs)
        edges = tuple(builder.edge_of(t) for t in (*tensors, *instance.captured))
        edge = builder.add(single or graph, edges, shapes, span=span, name=name, shared=shared)
        results = [
            Tensor(builder, Edge(edge.node, port), shape, padded)
            for port, (shape, padded) in enumerate(zip(shapes, instance.padded, strict=True))
        ]
        return results[0] if len(results) == 1 else Tensors(tuple(results))

    def _instance(self, block: Block, tensors: tuple[Tensor, ...], builder: Builder) -> _Instance | None:
        key: Any = (block.name, block.arguments, tuple((t.shape, t.padded) for t in tensors))
        try:
            known = key in self.instances
        except TypeError:  # an argument holds a list, as weights do: such blocks are built at every use
            key, known = object(), False
        if not known:
            self.instances[key] = self._build(block, tensors, builder)
        return self.instances[key]

    def _build(self, block: Block, tensors: tuple[Tensor, ...], outer: Builder) -> _Instance | None:
        inner = Builder(block.name.name, outer)
        inner.graph.arguments = dict(block.arguments)
        inner.graph.span = block.name.span
        inputs = []
        for index, tensor in enumerate(tensors):
            name = "x" if len(tensors) == 1 else f"x{index + 1}"
            edge = inner.add_input(name, tensor.shape, tensor.span)
            inputs.append(Tensor(inner, edge, tensor.shape, tensor.padded))
        total_before, self.total = self.total, 0
        self.uses.append(block)
        try:
            result = self._body(block, inner, inputs[0] if len(inputs) == 1 else Tensors(tuple(inputs)))
        finally:
            self.uses.pop()
        size, self.total = self.total, total_before
        return self._finish(inner, result, size)

    def _finish(self, inner: Builder, result: Any, size: int) -> _Instance | None:
        if result is BAD or not isinstance(result, Tensor | Tensors):
            return None
        items = result.items if isinstance(result, Tensors) else (result,)
        inner.graph.outputs = [Output(None, inner.edge_of(t)) for t in items]
        graph = prune(inner.graph)
        self.sizes[id(graph)] = max(1, size)
        return _Instance(graph, tuple(inner.captured), tuple(t.padded for t in items))

    def _body(self, block: Block, builder: Builder, flowing: Any) -> Any:
        """Evaluate the body of a definition; what flows out."""
        define = block.name.define
        assert define is not None
        frame = Frame(builder, flowing, places=dict(block.places))
        for parameter, (_, value) in zip(block.name.parameters, block.arguments, strict=True):
            frame.values[parameter] = value
        result: Any = BAD
        for statement in define.body:
            if isinstance(statement, tree.Assign | tree.Share):
                self._bind(statement, frame)
            elif isinstance(statement, tree.ExpressionStatement):
                result = self.evaluator.evaluate(statement.value, frame)
        if result is not BAD and not isinstance(result, LayerValue | Tensor | Tensors):
            span = define.body[-1].span
            self.problems.add(CannotChain(span=span, case="block", what=describe(result)))
            return BAD
        return self.apply(result, flowing, builder) if isinstance(result, LayerValue) else result

    def _bind(self, statement: tree.Assign | tree.Share, frame: Frame) -> None:
        symbol = self.evaluator.resolution.names_of_statements[id(statement)]
        value = self.evaluator.evaluate(statement.value, frame)
        if isinstance(statement, tree.Share):
            value = self.evaluator.share(symbol, value, frame)
        frame.values[symbol] = value
        label(frame.builder, symbol.name, value)

    def _look_for_mistakes(self, block: Block, outer: Builder) -> None:
        """Evaluate a body though nothing good flows in, so that its own mistakes are reported in the same run."""
        if (block.name, "looked") not in self.instances:
            self.instances[(block.name, "looked")] = None
            self._body(block, Builder(block.name.name, outer), BAD)

    # ------------------------------------------------------------ shared layers

    def _shared(self, shared: Shared, inputs: Any, builder: Builder, span: Span) -> Any:
        if inputs is BAD:
            return BAD
        tensors = inputs.items if isinstance(inputs, Tensors) else (inputs,)
        shapes = tuple(t.shape for t in tensors)
        instance = self._shared_instance(shared, tensors, builder)
        if instance is None:
            return BAD
        if shared.module is None:
            shared.operation = instance.graph
            shared.module = SharedModule(shared.home.unique(shared.name), shared.home.graph.identity, shapes)
        elif instance.graph is not shared.operation and (
            what_is_shared(instance.graph) != what_is_shared(shared.operation)
        ):
            first = " and ".join(map(str, shared.module.shapes))
            second = " and ".join(map(str, shapes))
            if first == second:
                second += " of which one has padding and the other has none"
            self.problems.add(
                SharedShape(
                    span=span,
                    notes=(Note(shared.span, f"made for {first}"), *producer_note(tensors[0])),
                    name=shared.name,
                    first=first,
                    second=second,
                )
            )
            return BAD
        self._count(1, span)
        return self._use(instance, tensors, builder, span, shared.name, shared.module)

    def _shared_instance(self, shared: Shared, tensors: tuple[Tensor, ...], builder: Builder) -> _Instance | None:
        key = (shared, tuple((t.shape, t.padded) for t in tensors))
        if key not in self.instances:
            inner = Builder(shared.name, builder)
            inputs = [
                Tensor(
                    inner,
                    inner.add_input("x" if len(tensors) == 1 else f"x{i + 1}", t.shape, t.span),
                    t.shape,
                    t.padded,
                )
                for i, t in enumerate(tensors)
            ]
            result = self.apply(shared.inner, inputs[0] if len(inputs) == 1 else Tensors(tuple(inputs)), inner)
            self.instances[key] = self._finish(inner, result, 1)
        return self.instances[key]


def _single_layer(graph: Graph) -> Layer | None:
    """The layer of a block that holds nothing else: a shared `embedding(64)` needs no class of its own."""
    layers = [node for node in graph.nodes if isinstance(node.operation, Layer)]
    if len(graph.nodes) != 2 or not layers or layers[0].operation is None:
        return None
    operation = layers[0].operation
    if layers[0].mask is not None:
        return None
    return operation if isinstance(operation, Layer) and operation.module(*graph.input_shapes(layers[0])) else None


class _InnerMistake(Exception):
    """A layer inside a macro has failed and reported it."""


class _ApplyInside:
    """What a macro calls to build what it stands for."""

    def __init__(self, applier: Applier, value: OneLayer, builder: Builder) -> None:
        self.applier, self.value, self.builder = applier, value, builder

    def __call__(self, layer: Layer | LayerValue, *inputs: Any) -> Any:
        value = layer if isinstance(layer, LayerValue) else OneLayer(layer, self.value.span)
        result = self.applier.apply(value, inputs[0] if len(inputs) == 1 else Tensors(inputs), self.builder)
        if isinstance(result, Tensors):
            self.applier.problems.add(_several(self.value, result))
            result = BAD
        if result is BAD:
            raise _InnerMistake
        return result


def _several(value: OneLayer, found: Tensors) -> WrongInputs:
    """The diagnostic for branches that nothing joins, inside a layer that works with one tensor."""
    return WrongInputs(
        span=value.places.get("body", value.span),
        word=value.layer.word,
        wants="one tensor from its body",
        got=str(len(found.items)),
        shapes=" and ".join(str(t.shape) for t in found.items),
    )


def _before(tensor: Tensor, span: Span | None) -> Tensor:
    """The tensor itself, or what flowed into the layers that netspec has put in front at the same place."""
    node = tensor.builder.graph.nodes[tensor.edge.node]
    while node.span == span and len(node.inputs) == 1:
        edge = node.inputs[0]
        node = tensor.builder.graph.nodes[edge.node]
        tensor = Tensor(tensor.builder, edge, node.shapes[edge.port])
    return tensor


def _padding_behind(layer: Layer, shape: Shape, tensors: tuple[Tensor, ...]) -> PaddedInput | None:
    """Which steps of a result only fill up: those of the first input with padding, while the steps stay in place.

    A layer that reads a mask is done with it; its steps are those of its first input.
    """
    sources = tensors if layer.reads_mask is None else tensors[:1]
    found = next((t.padded for t in sources if t.padded is not None), None)
    is_sequence = shape.is_tokens or shape.rank > 1
    if found is None or layer.moves_steps or not is_sequence or shape.sizes[0] != found.tensor.shape.sizes[0]:
        return None
    return found


def label(builder: Builder | None, name: str, value: Any) -> None:
    """Remember what the author calls a tensor."""
    if isinstance(value, Tensor) and value.builder is builder:
        value.builder.graph.labels[name] = value.edge


def what_is_shared(operation: Graph | Layer | None) -> list[Any]:
    """The shapes of all weights and the code around them, in the order of the nodes: equal where both can be shared."""
    assert isinstance(operation, Graph)
    found: list[Any] = [len(operation.inputs)]
    for node in operation.nodes:
        shapes = operation.input_shapes(node)
        if isinstance(node.operation, Graph):
            found.append(what_is_shared(node.operation))
        elif isinstance(node.operation, Layer):
            module = PythonName("m") if node.operation.module(*shapes) is not None else None
            code = node.operation.code(module, tuple(PythonName("x") for _ in shapes), shapes)
            found.append((node.operation.parameters(*shapes), repr(code)))
    return found
