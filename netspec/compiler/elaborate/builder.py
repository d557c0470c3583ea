"""Graphs under construction: adds nodes, names them, brings tensors from outer blocks in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from netspec.compiler.ir.graph import Edge, Graph, Input, Node, SharedModule
from netspec.compiler.ir.naming import MODULE_NAMES, python_name
from netspec.language.record import Frozen, Placed
from netspec.language.shape import Shape
from netspec.language.source import Span
from netspec.layers.base import Layer


class Builder:
    """Builds one `Graph`. `outer` is the builder of the block in which this one is used."""

    def __init__(self, name: str, outer: Builder | None = None) -> None:
        self.graph = Graph(name)
        self.outer = outer
        self.captured: dict[Tensor, Edge] = {}
        self._used_names: dict[str, int] = {}
        self._names_of_shared: dict[SharedModule, str] = {}

    def add(
        self,
        operation: Input | Layer | Graph,
        inputs: tuple[Edge, ...],
        shapes: tuple[Shape, ...],
        *,
        span: Span | None,
        name: str,
        shared: SharedModule | None = None,
        mask: Edge | None = None,
    ) -> Edge:
        """Append a node; its name gets a number when it is taken."""
        if shared is None:
            name = self._numbered(name) if isinstance(operation, Input) else self.unique(name)
        elif shared.owner is self.graph.identity:
            name = shared.name  # claimed when the module was made
        else:
            if shared not in self._names_of_shared:
                self._names_of_shared[shared] = self.unique(shared.name)
            name = self._names_of_shared[shared]
        node = Node(name=name, operation=operation, inputs=inputs, shapes=shapes, span=span, shared=shared, mask=mask)
        self.graph.nodes.append(node)
        return Edge(len(self.graph.nodes) - 1)

    def add_input(self, name: str, shape: Shape, span: Span | None) -> Edge:
        edge = self.add(Input(), (), (shape,), span=span, name=name)
        self.graph.inputs.append(edge.node)
        return edge

    def unique(self, name: str) -> str:
        """`conv`, `conv_2`, `conv_3` …: adding a layer does not rename those before it.

        It names an attribute of a module, so it hides none of a module's own.
        """
        return self._numbered(python_name(name, MODULE_NAMES))

    def _numbered(self, name: str) -> str:
        count = self._used_names.get(name, 0) + 1
        while count > 1 and f"{name}_{count}" in self._used_names:
            count += 1
        self._used_names[name] = count
        if count == 1:
            return name
        self._used_names[f"{name}_{count}"] = 1
        return f"{name}_{count}"

    def edge_of(self, tensor: Tensor) -> Edge:
        """The edge of a tensor in this graph; one of an outer block becomes a further input of this one."""
        if tensor.builder is self:
            return tensor.edge
        if tensor not in self.captured:
            assert self.outer is not None, "a tensor of a block that does not surround this one"
            if tensor.builder is not self.outer:
                self.outer.edge_of(tensor)
            node = tensor.builder.graph.nodes[tensor.edge.node]
            label = next((n for n, e in tensor.builder.graph.labels.items() if e == tensor.edge), node.name)
            self.captured[tensor] = self.add_input(label, tensor.shape, node.span)
        return self.captured[tensor]


class Tensor(Placed):
    """One result in a graph under construction."""

    aside: ClassVar[frozenset[str]] = frozenset({"padded"})

    builder: Builder
    edge: Edge
    shape: Shape
    padded: PaddedInput | None = None
    """The input whose padding applies to its steps."""

    @property
    def span(self) -> Span | None:
        """What produced it, for the note of a shape error."""
        return self.builder.graph.nodes[self.edge.node].span


class PaddedInput(Frozen):
    """An input of the network in which steps with the id `id` are padding; of numbers (None) those that are NaN."""

    tensor: Tensor
    id: int | None


class Tensors(Frozen):
    """Several tensors on their way to a layer that joins them."""

    items: tuple[Tensor, ...]


def as_tuple(tensors: Any) -> tuple[Tensor, ...]:
    """A tensor or several as a tuple."""
    return tensors.items if isinstance(tensors, Tensors) else (tensors,)


def one_or_several(tensors: Sequence[Tensor]) -> Tensor | Tensors:
    return tensors[0] if len(tensors) == 1 else Tensors(tuple(tensors))
