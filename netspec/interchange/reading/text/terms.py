"""The network as a tree: chains of terms, where branches, repetitions and blocks have chains inside.

Terms never change. A term stands for one place of the text, and for one or several places of the network: inside a
block, `channels` has what flows in at every use of the block, and so have the `values` of a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, TypeAlias

from netspec.language.values import to_source
from netspec.layers.base import Layer

Chain: TypeAlias = "tuple[Term, ...]"


@dataclass(frozen=True)
class Formula:
    """A value that a block computes from its parameters, with what it is at every use."""

    text: str
    values: tuple[Any, ...]


@dataclass(eq=False)
class Label:
    """A name that is chosen later."""

    text: str = ""


@dataclass(frozen=True, eq=False)
class Term:
    """One item of a chain: `head` is what it is, but for its `values`, which may be parameters of a block, and the
    `chains` inside it. `channels` are those that flow in, None where they are not a number; `rank` is that of what
    flows in."""

    channels: tuple[int | None, ...]
    rank: int
    values: tuple[Any, ...] = ()
    chains: tuple[Chain, ...] = ()

    @property
    def head(self) -> tuple[Any, ...]:
        raise NotImplementedError

    @property
    def labels(self) -> tuple[str, ...]:
        """What the values are, for names of parameters."""
        return ()

    def replaced(self, **changes: Any) -> Self:
        """The term with some fields changed."""
        return replace(self, **changes)

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Equal for terms with equal texts."""
        inner = tuple(tuple(term.key for term in chain) for chain in self.chains)
        return (self.head, tuple((type(v) is bool, plain_key(v)) for v in self.values), inner)

    @cached_property
    def skeleton(self) -> tuple[Any, ...]:
        """Equal for terms that differ in their values only."""
        return (self.head, tuple(tuple(term.skeleton for term in chain) for chain in self.chains))

    @cached_property
    def weight(self) -> int:
        """About how many letters it has."""
        return 8 + sum(len(value_text(v)) + 2 for v in self.values) + sum(weight_of(chain) for chain in self.chains)

    @cached_property
    def count(self) -> int:
        """How many layers it has."""
        return max(1, sum(count_of(chain) for chain in self.chains))


def plain_key(value: Any) -> Any:
    if isinstance(value, Formula):
        return ("formula", value.text)
    return repr(value) if isinstance(value, list) else value


def value_text(value: Any) -> str:
    """A value as it is written."""
    if isinstance(value, Formula | Label):
        return value.text
    return value if isinstance(value, str) else to_source(value)


def at(value: Any, index: int) -> Any:
    """A value at one of the uses of the block that it is in."""
    return value.values[index] if isinstance(value, Formula) else value


def weight_of(chain: Sequence[Term]) -> int:
    return sum(term.weight + 4 for term in chain)


def count_of(chain: Sequence[Term]) -> int:
    return sum(term.count for term in chain)


@dataclass(frozen=True, eq=False)
class Use(Term):
    """A layer; `names` are its options that are numbers, `fixed` the others. `share` is the identity of the
    weights where they are used more than once; `is_owner` is set for weights that nothing shares. `scope` has the
    modules around it in the file, of the first of the layers that it stands for."""

    layer: Layer | None = None
    fixed: tuple[tuple[str, Any], ...] = ()
    names: tuple[str, ...] = ()
    share: int | None = None
    is_owner: bool = False
    scope: tuple[str, ...] = ()

    @cached_property
    def head(self) -> tuple[Any, ...]:
        fixed = tuple((name, plain_key(value)) for name, value in self.fixed)
        return ("use", type(self.layer), self.word, fixed, self.names, self.share)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.names

    @cached_property
    def source(self) -> str:
        """Its text before any of its values became a parameter."""
        return self.layer.to_source() if self.layer is not None else ""

    @cached_property
    def word(self) -> str:
        """Its word in the text."""
        return self.source.partition("(")[0]

    @property
    def numbers(self) -> dict[str, Any]:
        """Its values by the names of the options."""
        return dict(zip(self.names, self.values, strict=True))

    @cached_property
    def weight(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class Merge(Term):
    """Branches, and the layer that joins them: the last chain has it alone."""

    head = ("merge",)

    @property
    def branches(self) -> tuple[Chain, ...]:
        return self.chains[:-1]

    @property
    def joint(self) -> Term:
        return self.chains[-1][0]


@dataclass(frozen=True, eq=False)
class Shortcut(Term):
    """What a residual connection adds: its input where `identities` says so, elsewhere the chain, a projection. Where
    both occur among the uses of a block, `condition` says when it is the input."""

    identities: tuple[bool, ...] = ()
    condition: str = ""

    head = ("shortcut",)

    @cached_property
    def key(self) -> tuple[Any, ...]:
        if all(self.identities):
            return ("shortcut", True)
        return ("shortcut", self.identities, tuple(term.key for term in self.chains[0]))

    @cached_property
    def weight(self) -> int:
        return 8 if all(self.identities) else 8 + weight_of(self.chains[0])

    @property
    def is_mixed(self) -> bool:
        return len(set(self.identities)) > 1


@dataclass(frozen=True, eq=False)
class Repeat(Term):
    """Copies of a chain in a row."""

    head = ("repeat",)
    labels = ("count",)


@dataclass(frozen=True, eq=False)
class Reference(Term):
    """A named tensor, by its name, at the start of a chain."""

    head = ("reference",)
    labels = ("tensor",)


@dataclass(frozen=True, eq=False)
class Shared(Term):
    """A use of a shared chain."""

    label: Label = field(default_factory=Label)

    @property
    def head(self) -> tuple[Any, ...]:
        return ("shared", self.label)


@dataclass(eq=False)
class Block:
    """A `def`: its parameters with their defaults (None: it has none), and its body."""

    name: str
    parameters: list[tuple[str, Any]]
    body: Chain
    original: Chain = ()
    """The first of the chains that it was made from, to find a name."""


@dataclass(frozen=True, eq=False)
class Call(Term):
    """A use of a block; the values are its arguments, in the order of the parameters."""

    block: Block | None = None

    @property
    def head(self) -> tuple[Any, ...]:
        return ("call", id(self.block))

    @property
    def labels(self) -> tuple[str, ...]:
        assert self.block is not None
        return tuple(name for name, _ in self.block.parameters)

    @cached_property
    def count(self) -> int:
        assert self.block is not None
        return count_of(self.block.body)

    @cached_property
    def weight(self) -> int:
        return 12 + sum(len(value_text(value)) + 2 for value in self.values)


def walk(chain: Sequence[Term]) -> Iterator[Term]:
    """Every term of a chain and of those inside it, outer ones first."""
    stack = list(reversed(chain))
    while stack:
        term = stack.pop()
        yield term
        for inner in reversed(term.chains):
            stack.extend(reversed(inner))


def mapped(chain: Chain, change: Callable[[Chain], Chain]) -> Chain:
    """A chain whose inner chains, and then itself, are changed."""
    items = []
    for term in chain:
        inner = tuple(mapped(part, change) for part in term.chains)
        same = all(a is b for a, b in zip(inner, term.chains, strict=True))
        items.append(term if same else replace(term, chains=inner))
    result = change(tuple(items))
    return chain if len(result) == len(chain) and all(a is b for a, b in zip(result, chain, strict=True)) else result


@dataclass(eq=False)
class Text:
    """The chains of a spec: those of its statements, which change, and its blocks, inner ones first."""

    chains: list[Chain]
    blocks: list[Block] = field(default_factory=list)

    def everywhere(self, change: Callable[[Chain], Chain]) -> None:
        """Change every chain, inner ones first."""
        self.chains = [mapped(chain, change) for chain in self.chains]
        for block in self.blocks:
            block.body = mapped(block.body, change)

    def all_chains(self) -> Iterator[Chain]:
        """Every chain, and those inside."""
        for outer in (*self.chains, *(block.body for block in self.blocks)):
            yield outer
            for term in walk(outer):
                yield from term.chains
