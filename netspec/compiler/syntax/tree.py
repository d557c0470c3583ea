"""The syntax tree: what was written, with spans, before any name has a meaning.

Nodes compare by their content, not by where they stand (`span` does not count), so that `parse(fmt(x)) == parse(x)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, fields

from netspec.language.record import Record, record
from netspec.language.source import Source, Span


@record
class Node(Record):
    """Anything that stands somewhere in the text."""

    span: Span = field(compare=False, repr=False)

    def children(self) -> Iterator[Node]:
        """The nodes directly inside this one, in the order of the text."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (v for v in value if isinstance(v, Node))


class Expression(Node):
    """What has a value."""


class Statement(Node):
    """What stands on a line of its own."""


@record
class Number(Expression):
    """`12`, `10%`, `600k`; `text` is the written form."""

    value: int | float = field(compare=False)
    text: str


@record
class String(Expression):
    value: str


@record
class Boolean(Expression):
    value: bool


@record
class Name(Expression):
    name: str


@record
class InputName(Expression):
    """`input` as a value: what flows into the network or the block."""


@record
class ExtentLiteral(Expression):
    """`28x28x1`"""

    sizes: tuple[int, ...]


@record
class DurationLiteral(Expression):
    """`5 epochs`"""

    amount: Number
    unit: Name


@record
class TupleLiteral(Expression):
    """`(H, W, 3)`"""

    items: tuple[Expression, ...]


@record
class ListLiteral(Expression):
    items: tuple[Expression, ...]


@record
class Group(Expression):
    """An expression in parentheses; kept so that the formatter prints what was written."""

    inner: Expression


@record
class Branches(Expression):
    """`(a | b)`"""

    items: tuple[Expression, ...]


@record
class Chain(Expression):
    """`a -> b -> c`"""

    items: tuple[Expression, ...]


@record
class IfElse(Expression):
    then: Expression
    condition: Expression
    otherwise: Expression


@record
class Binary(Expression):
    """`a + b` and the other operators, `and`, `or` and the comparisons among them."""

    left: Expression
    operator: str
    right: Expression


@record
class Unary(Expression):
    """`-a`, `not a`"""

    operator: str
    operand: Expression


@record
class Attribute(Expression):
    """`input.channels`"""

    base: Expression
    name: Name


@record
class Argument(Node):
    """One argument of a call; `name` is None for a positional one."""

    name: Name | None
    value: Expression


@record
class Call(Expression):
    function: Expression
    arguments: tuple[Argument, ...]


@record
class Edition(Statement):
    number: Number


@record
class Use(Statement):
    """`use "blocks.net" (bottleneck)`; `names` is empty for everything."""

    path: String | None
    module: tuple[Name, ...]
    names: tuple[Name, ...]


@record
class TokenShape(Expression):
    """`128 tokens(30522)`"""

    length: Expression | None
    arguments: tuple[Argument, ...]


@record
class InputDeclaration(Statement):
    name: Name | None
    shape: Expression


@record
class Parameter(Node):
    """A parameter of a `def`."""

    name: Name
    default: Expression | None


@record
class Param(Statement):
    """`param width = 32`"""

    name: Name
    default: Expression


@record
class Define(Statement):
    """A `def`; its body is one expression, or statements of which the last is the value.

    `parameters` is None without parentheses.
    """

    name: Name
    parameters: tuple[Parameter, ...] | None
    body: tuple[Statement, ...]
    has_braces: bool


@record
class Assign(Statement):
    name: Name
    value: Expression


@record
class Share(Statement):
    name: Name
    value: Expression


@record
class Output(Statement):
    name: Name
    value: Expression


@record
class ExpressionStatement(Statement):
    value: Expression


@record
class Section(Statement):
    """`train { … }`; its entries are settings, expectations or sections."""

    name: Name
    entries: tuple[Statement, ...]


@record
class File(Node):
    """A whole file. `broken` holds names that statements with a syntax error would have defined, `mentioned` all names
    that stand in such statements."""

    source: Source = field(compare=False, repr=False)
    statements: tuple[Statement, ...]
    broken: frozenset[str] = field(default=frozenset(), compare=False)
    mentioned: frozenset[str] = field(default=frozenset(), compare=False)
