"""Names and what they are bound to, and the words of the language that they may mean instead."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from netspec.compiler.syntax import tree
from netspec.language.corrections import nearest
from netspec.language.source import Span
from netspec.language.vocabulary import categories, words
from netspec.language.word import Kind, Word


@dataclass(eq=False)
class Name:
    """Something that a file or a `def` gives a name.

    `what` is the noun for messages: `parameter`, `name`, `shared layer`, `definition`, `input`, `output`, `param`; or
    `missing` for a name of another file that could not be brought.
    `expression` is the value of a plain name, a `share`, a `param` or an `output`; `define` is set for a `def`.
    """

    name: str
    what: str
    span: Span
    scope: Scope
    expression: tree.Expression | None = None
    define: tree.Define | None = None
    parameters: tuple[Name, ...] = ()
    default: tree.Expression | None = None
    uses: int = 0
    hides_layer: bool = False
    """Whether a layer has that name, which is an error: what its uses mean is not known."""

    @property
    def is_definition(self) -> bool:
        return self.define is not None

    @property
    def is_missing(self) -> bool:
        return self.what == "missing"

    @property
    def noun(self) -> str:
        """What it is, with its article."""
        return f"{'an' if self.what[0] in 'aeiou' else 'a'} {self.what}"


@dataclass(eq=False)
class Scope:
    """The names of a file, or of a `def` inside it.

    `lacks_names` is set when a file that could not be read would have brought names; `later` are names that a body
    gives further down, `early` those of them that were used before.
    """

    file: tree.File
    parent: Scope | None = None
    names: dict[str, Name] = field(default_factory=dict)
    lacks_names: bool = False
    later: frozenset[str] = frozenset()
    early: set[str] = field(default_factory=set)

    @property
    def is_incomplete(self) -> bool:
        """Whether the file may lack names that another one would have brought."""
        return self.parent.is_incomplete if self.parent is not None else self.lacks_names

    def _enclosing(self) -> Iterator[Scope]:
        """This scope and those around it, the innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def find(self, name: str) -> Name | None:
        return next((scope.names[name] for scope in self._enclosing() if name in scope.names), None)

    def visible(self) -> Iterator[str]:
        return (name for scope in self._enclosing() for name in scope.names)

    def is_activation(self, value: tree.Expression) -> bool:
        """Whether an expression is an activation, bare or called, and not a name that hides it."""
        name = value.function if isinstance(value, tree.Call) else value
        return isinstance(name, tree.Name) and self.find(name.name) is None and name.name in words("activation")

    def is_tensor(self, value: tree.Expression) -> bool:
        """Whether an expression is an input or a name that is neither a number nor a parameter."""
        symbol = self.find(value.name) if isinstance(value, tree.Name) else None
        is_flow = symbol is not None and symbol.what in ("name", "input", "output")
        return isinstance(value, tree.InputName) or (
            symbol is not None and is_flow and not isinstance(symbol.expression, tree.Number)
        )


def is_layer_word(name: str) -> bool:
    return name in words("layer") or name in words("activation")


def find_word(name: str, kind: Kind | None, is_free: bool) -> type[Word] | None:
    """The word of the language that a name means in a place of that kind; where `is_free`, one of any category."""
    wanted: Sequence[str]
    if kind is not None and kind.category is not None:
        wanted = [kind.category]
    elif is_free:
        wanted = ["layer", "activation", *categories()]
    else:
        wanted = ["layer", "activation"]
    return next((words(category)[name] for category in wanted if name in words(category)), None)


def is_size_name(name: str) -> bool:
    """`_` is an unknown size, an upper-case name a size shared wherever it is written."""
    return name == "_" or name[0].isupper()


def is_foreign(node: tree.Expression, scope: Scope, sizes: Collection[str]) -> bool:
    """Whether names joined by dots begin with an undefined one: a module of Python, or the name of a file."""
    while isinstance(node, tree.Attribute):
        node = node.base
    return isinstance(node, tree.Name) and not _is_known(node, scope, sizes)


def is_comment(node: tree.Name, scope: Scope, sizes: Collection[str]) -> bool:
    """Whether an unknown name after `//` is a comment of one word."""
    return not _is_known(node, scope, sizes) and nearest(node.name, scope.visible()) is None


def _is_known(node: tree.Name, scope: Scope, sizes: Collection[str]) -> bool:
    name = node.name
    return scope.find(name) is not None or is_layer_word(name) or name in ("classes", *sizes, *scope.file.broken)
