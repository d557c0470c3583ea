"""What expressions evaluate to, beside the numbers and words of netspec/values.py: layers, tensors, or BAD.

A layer value is a description that builds new nodes, with weights of their own, each time it is applied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Note
from netspec.graph.ir import Edge, Graph, SharedModule
from netspec.graph.symbols import Name
from netspec.layers.activations import ActivationLayer
from netspec.layers.base import Layer
from netspec.shape import Shape
from netspec.source import Span
from netspec.values import LayerValue, Word

if TYPE_CHECKING:
    from netspec.graph.build import Builder


class Bad:
    """Stands for a value that could not be made; its mistake is reported, and everything passes it on silently."""


BAD = Bad()


@dataclass(frozen=True)
class Tensor:
    """One result in a graph under construction."""

    builder: Builder = field(repr=False)
    edge: Edge
    shape: Shape
    padded: PaddedInput | None = field(default=None, compare=False)
    """The input whose padding tells which of its steps only fill up."""

    @property
    def span(self) -> Span | None:
        """What produced it, for the second place of a shape error."""
        return self.builder.graph.nodes[self.edge.node].span


@dataclass(frozen=True)
class PaddedInput:
    """An input of the network in which steps with an `id` only fill up."""

    tensor: Tensor
    id: int


@dataclass(frozen=True)
class Tensors:
    """Several tensors on their way to a layer that joins them."""

    items: tuple[Tensor, ...]


@dataclass(frozen=True)
class OneLayer(LayerValue):
    """A word with its options; `places` tells where each option was written, `origins` where the argument of the
    surrounding `def` that stands there was given."""

    layer: Layer
    span: Span | None = field(compare=False)
    places: dict[str, Span] = field(compare=False, default_factory=dict)
    origins: dict[str, Note] = field(compare=False, default_factory=dict)

    @property
    def parts(self) -> tuple[object, ...]:
        return tuple(getattr(self.layer, name) for name in self.places)

    @property
    def noun(self) -> str:
        return f"the layer `{self.layer.spelling().partition('(')[0]}`"

    def as_word(self, category: str) -> Word | None:
        if category == "activation" and isinstance(self.layer, ActivationLayer):
            return self.layer.function
        return None


@dataclass(frozen=True)
class Broken(LayerValue):
    """Stands for a layer whose mistake is reported, so that what comes before it in a chain is still checked."""


BROKEN = Broken()


@dataclass(frozen=True)
class Composed(LayerValue):
    """`a -> b -> c` of layers."""

    items: tuple[LayerValue, ...]
    span: Span = field(compare=False)

    @property
    def parts(self) -> tuple[object, ...]:
        return self.items


@dataclass(frozen=True)
class Parallel(LayerValue):
    """`(a | b)`: every item gets the same input; tensors among the items stand for themselves."""

    items: tuple[LayerValue | Tensor | Tensors, ...]
    span: Span = field(compare=False)

    @property
    def parts(self) -> tuple[object, ...]:
        return self.items


@dataclass(frozen=True)
class Sum(LayerValue):
    """`a + b` of layers, or of layers and tensors."""

    items: tuple[LayerValue | Tensor, ...]
    span: Span = field(compare=False)

    @property
    def parts(self) -> tuple[object, ...]:
        return self.items


@dataclass(frozen=True)
class Repeated(LayerValue):
    """`layer * n`"""

    inner: LayerValue
    count: int
    span: Span = field(compare=False)

    @property
    def parts(self) -> tuple[object, ...]:
        return (self.inner,)

    @cached_property
    def size(self) -> int:
        return self.inner.size * self.count


@dataclass(frozen=True)
class Block(LayerValue):
    """A use of a `def`, its arguments evaluated; `places` tells where they were written."""

    name: Name
    arguments: tuple[tuple[str, Any], ...]
    span: Span = field(compare=False)
    places: dict[str, Span] = field(compare=False, default_factory=dict)

    @property
    def parts(self) -> tuple[object, ...]:
        return tuple(value for _, value in self.arguments)

    @property
    def noun(self) -> str:
        return f"the block `{self.name.name}`"


@dataclass(eq=False)
class Shared(LayerValue):
    """A layer with a single set of weights; the first use decides their shapes."""

    name: str
    inner: LayerValue
    span: Span
    home: Builder
    module: SharedModule | None = None
    operation: Layer | Graph | None = None


@dataclass(frozen=True)
class SharedUse(LayerValue):
    """A place where the name of a shared layer stands."""

    shared: Shared
    span: Span = field(compare=False)

    @property
    def parts(self) -> tuple[object, ...]:
        return (self.shared.inner,)
