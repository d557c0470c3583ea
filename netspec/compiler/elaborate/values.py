"""The values of expressions besides the numbers and words of language/values.py: layers, tensors, or BAD.

A layer value is a description that builds new nodes, with separate weights, each time it is applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

from netspec.compiler.elaborate.builder import Builder
from netspec.compiler.ir.graph import Graph, SharedModule
from netspec.compiler.names.scope import Name
from netspec.language.diagnostics import Note
from netspec.language.record import Frozen, Placed
from netspec.language.source import Span
from netspec.language.values import LayerValue
from netspec.language.word import Word
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer

NOTHING: Mapping[str, Any] = MappingProxyType({})

ASIDE = frozenset({"span", "places", "origins"})
"""Where a value and its options were written."""


class Bad:
    """Stands for a value that could not be made; its mistake is reported, and everything passes it on silently."""


BAD = Bad()


class OneLayer(LayerValue, Placed, dict=True):
    """A word with its options; `places` has the span of each option, `origins` the notes on where the argument of the
    surrounding `def` was given, for options set by a parameter."""

    aside: ClassVar[frozenset[str]] = ASIDE

    layer: Layer
    span: Span | None
    places: Mapping[str, Span] = NOTHING
    origins: Mapping[str, Note] = NOTHING

    @property
    def parts(self) -> tuple[object, ...]:
        return tuple(getattr(self.layer, o.field) for o in self.layer.options() if o.name in self.places)

    @property
    def noun(self) -> str:
        return f"the layer `{self.layer.to_source().partition('(')[0]}`"

    @property
    def bare_word(self) -> str | None:
        return None if self.places else self.layer.to_source()

    def as_word(self, category: str) -> Word | None:
        if category == "activation" and isinstance(self.layer, ActivationLayer):
            return self.layer.activation
        return self.layer if category == "layer" else None


class Broken(LayerValue, Frozen, dict=True):
    """Stands for a layer whose mistake is reported, so that what comes before it in a chain is still checked."""


BROKEN = Broken()


class Items(LayerValue, Placed, dict=True):
    """Layers that are joined; tensors among them are passed through."""

    items: tuple[Any, ...]
    span: Span

    @property
    def parts(self) -> tuple[object, ...]:
        return self.items


class Composed(Items):
    """`a -> b -> c` of layers."""


class Parallel(Items):
    """`(a | b)`: every item gets the same input."""


class Sum(Items):
    """`a + b` of layers, or of layers and tensors."""


class Repeated(LayerValue, Placed, dict=True):
    """`layer * n`"""

    inner: LayerValue
    count: int
    span: Span

    @property
    def parts(self) -> tuple[object, ...]:
        return (self.inner,)

    @cached_property
    def size(self) -> int:
        return self.inner.size * self.count


class Block(LayerValue, Placed, dict=True):
    """A use of a `def`, its arguments evaluated; `places` has their spans."""

    aside: ClassVar[frozenset[str]] = ASIDE

    name: Name
    arguments: tuple[tuple[str, Any], ...]
    span: Span
    places: Mapping[str, Span] = NOTHING

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


class SharedUse(LayerValue, Placed, dict=True):
    """A use of a shared layer by its name."""

    shared: Shared
    span: Span

    @property
    def parts(self) -> tuple[object, ...]:
        return (self.shared.inner,)
