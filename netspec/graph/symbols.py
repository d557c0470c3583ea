"""Names and what they are bound to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from netspec.source import Span
from netspec.syntax import tree


@dataclass(eq=False)
class Name:
    """Something that a file or a `def` gives a name.

    `what` is the noun for messages: `parameter`, `name`, `shared layer`, `definition`, `input`, `output`, `param`.
    `expression` is what a plain name, a `share`, a `param` or an `output` stands for; `define` is set for a `def`.
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

    @property
    def is_definition(self) -> bool:
        return self.define is not None


@dataclass(eq=False)
class Scope:
    """The names of a file, or of a `def` inside it."""

    file: tree.File
    parent: Scope | None = None
    names: dict[str, Name] = field(default_factory=dict)

    def find(self, name: str) -> Name | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def visible(self) -> Iterator[str]:
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent
