"""Applies layer values to tensors: chains, branches, repetitions, blocks and shared layers.

Input: values (values.py) and a `Builder`. Output: tensors of known shape, or BAD and a diagnostic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from netspec.compiler.elaborate.apply_layer import LayerApplier, single_layer
from netspec.compiler.elaborate.builder import Builder, PaddedInput, Tensor, Tensors, as_tuple, one_or_several
from netspec.compiler.elaborate.elaboration import Frame, producer_note
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
from netspec.compiler.errors.values import CannotChain, SharedShape
from netspec.compiler.ir.graph import Edge, Graph, Output, SharedModule, prune
from netspec.compiler.names.resolution import Resolution
from netspec.compiler.syntax import tree
from netspec.language.diagnostics import Note, Problems
from netspec.language.source import Span
from netspec.language.values import LayerValue, describe
from netspec.layers.base import Layer
from netspec.layers.code import PythonName
from netspec.layers.merge import Add


@dataclass(frozen=True)
class _Instance:
    """A block built for certain arguments and shapes, with what it takes from outside.

    `padded` has for each output the input whose padding its steps have.
    """

    graph: Graph
    captured: tuple[Tensor, ...]
    padded: tuple[PaddedInput | None, ...]


class Applier(LayerApplier):
    """Applies layer values to tensors."""

    def __init__(self, resolution: Resolution, problems: Problems) -> None:
        super().__init__(resolution, problems)
        self.instances: dict[Any, _Instance | None] = {}
        self.sizes: dict[int, int] = {}

    def apply(self, value: LayerValue, inputs: Any, builder: Builder) -> Any:
        """The tensor (or tensors) that come out of a layer; BAD after a mistake."""
        if isinstance(value, Broken):
            return BAD
        with self.deeper(value.span):
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
            case Parallel(items=items, span=span) | Sum(items=items, span=span):
                branches = [self.apply(v, inputs, builder) if isinstance(v, LayerValue) else v for v in items]
                tensors = self.side_by_side(branches, span)
                return self.apply(OneLayer(Add(), span), tensors, builder) if isinstance(value, Sum) else tensors
            case Block():
                return self._block(value, inputs, builder)
            case SharedUse(shared=shared, span=span):
                return self._shared(shared, inputs, builder, span)
        raise AssertionError(f"no rule for {type(value).__name__}")

    def _with_defaults(self, block: Block, inputs: Any) -> Block:
        """A block with all its arguments: a default may read what flows in, and the parameters before it."""
        given = dict(block.arguments)
        frame = Frame(None, inputs)
        for parameter in block.name.parameters:
            value = given.get(parameter.name, self)
            if value is self:
                assert parameter.default is not None
                value = self.evaluate(parameter.default, frame)
            frame.values[parameter] = value
        arguments = tuple((parameter.name, value) for parameter, value in frame.values.items())
        return block.replace(arguments=arguments)

    def _block(self, block: Block, inputs: Any, builder: Builder) -> Any:
        block = self._with_defaults(block, inputs)
        if inputs is BAD or any(v is BAD for _, v in block.arguments):
            if (block.name, "checked") not in self.instances:  # report the mistakes of the body in the same run
                self.instances[(block.name, "checked")] = None
                self._body(block, Builder(block.name.name, builder), BAD)
            return BAD
        tensors = as_tuple(inputs)
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
        single = single_layer(graph) if shared is not None else None
        shapes = tuple(graph.shape_of(output.edge) for output in graph.outputs)
        edges = tuple(builder.edge_of(t) for t in (*tensors, *instance.captured))
        edge = builder.add(single or graph, edges, shapes, span=span, name=name, shared=shared)
        outputs = enumerate(zip(shapes, instance.padded, strict=True))
        return one_or_several([Tensor(builder, Edge(edge.node, port), shape, pad) for port, (shape, pad) in outputs])

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
        inner, inputs = _open_block(block.name.name, tensors, outer)
        inner.graph.arguments = dict(block.arguments)
        inner.graph.span = block.name.span
        total_before, self.total = self.total, 0
        self.uses.append(block)
        try:
            result = self._body(block, inner, inputs)
        finally:
            self.uses.pop()
        size, self.total = self.total, total_before
        return self._finish(inner, result, size)

    def _finish(self, inner: Builder, result: Any, size: int) -> _Instance | None:
        if result is BAD or not isinstance(result, Tensor | Tensors):
            return None
        items = as_tuple(result)
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
                result = self.evaluate(statement.value, frame)
        if result is not BAD and not isinstance(result, LayerValue | Tensor | Tensors):
            return self.report(CannotChain(span=define.body[-1].span, case="block", what=describe(result)))
        return self.apply(result, flowing, builder) if isinstance(result, LayerValue) else result

    def _bind(self, statement: tree.Assign | tree.Share, frame: Frame) -> None:
        symbol = self.resolution.names_of_statements[id(statement)]
        value = self.evaluate(statement.value, frame)
        if isinstance(statement, tree.Share):
            value = self.share(symbol, value, frame)
        frame.values[symbol] = value
        label(frame.builder, symbol.name, value)

    def _shared(self, shared: Shared, inputs: Any, builder: Builder, span: Span) -> Any:
        if inputs is BAD:
            return BAD
        tensors = as_tuple(inputs)
        shapes = tuple(t.shape for t in tensors)
        key = (shared, tuple((t.shape, t.padded) for t in tensors))
        if key not in self.instances:
            inner, inner_inputs = _open_block(shared.name, tensors, builder)
            self.instances[key] = self._finish(inner, self.apply(shared.inner, inner_inputs, inner), 1)
        instance = self.instances[key]
        if instance is None:
            return BAD
        if shared.module is None:
            shared.operation = instance.graph
            shared.module = SharedModule(shared.home.unique(shared.name), shared.home.graph.identity, shapes)
        elif instance.graph is not shared.operation and _content(instance.graph) != _content(shared.operation):
            first = " and ".join(map(str, shared.module.shapes))
            second = " and ".join(map(str, shapes))
            if first == second:
                second += " of which one has padding and the other has none"
            notes = (Note(shared.span, f"made for {first}"), *producer_note(tensors[0]))
            return self.report(SharedShape(span=span, notes=notes, name=shared.name, first=first, second=second))
        self._count(1, span)
        return self._use(instance, tensors, builder, span, shared.name, shared.module)


def _open_block(name: str, tensors: Sequence[Tensor], outer: Builder) -> tuple[Builder, Tensor | Tensors]:
    """A builder for the inside of a block, and its inputs in place of these tensors."""
    inner = Builder(name, outer)
    names = ["x"] if len(tensors) == 1 else [f"x{i + 1}" for i in range(len(tensors))]
    inputs = [
        Tensor(inner, inner.add_input(name, t.shape, t.span), t.shape, t.padded)
        for name, t in zip(names, tensors, strict=True)
    ]
    return inner, one_or_several(inputs)


def label(builder: Builder | None, name: str, value: Any) -> None:
    """Remember the name that the author gives to a tensor."""
    if isinstance(value, Tensor) and value.builder is builder:
        value.builder.graph.labels[name] = value.edge


def _content(operation: Graph | Layer | None) -> list[Any]:
    """The shapes of all weights and the code around them, in the order of the nodes: equal where both can be shared."""
    assert isinstance(operation, Graph)
    parts: list[Any] = [len(operation.inputs)]
    for node in operation.nodes:
        shapes = operation.input_shapes(node)
        if isinstance(node.operation, Graph):
            parts.append(_content(node.operation))
        elif isinstance(node.operation, Layer):
            module = PythonName("m") if node.operation.module(*shapes) is not None else None
            code = node.operation.code(module, tuple(PythonName("x") for _ in shapes), shapes)
            parts.append((node.operation.parameters(*shapes), repr(code)))
    return parts
