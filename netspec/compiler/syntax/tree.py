"""The syntax tree: what was written, with spans, before any name has a meaning.

Nodes compare by their content, not by their position (`span` does not count), so that `parse(fmt(x)) == parse(x)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netspec.language.record import Placed
from netspec.language.source import Source, Span


class Node(Placed, kw_only=True):
    """Anything that is written in a text."""

    span: Span

    def children(self) -> Iterator[Node]:
        """The nodes directly inside this one, in the order of the text."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            yield from (v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, Node))


class Expression(Node):
    """What has a value."""


class Statement(Node):
    """What is on its own line."""


class Number(Expression):
    """`12`, `10%`, `600k`; `text` is the written form."""

    value: int | float
    text: str


class String(Expression):
    value: str


class Boolean(Expression):
    value: bool


class Name(Expression):
    name: str


class InputName(Expression):
    """`input` as a value: what flows into the network or the block."""


class ExtentLiteral(Expression):
    """`28x28x1`"""

    sizes: tuple[int, ...]


class DurationLiteral(Expression):
    """`5 epochs`"""

    amount: Number
    unit: Name


class TupleLiteral(Expression):
    """`(H, W, 3)`"""

    items: tuple[Expression, ...]


class ListLiteral(Expression):
    items: tuple[Expression, ...]


class Group(Expression):
    """An expression in parentheses; kept so that the formatter prints what was written."""

    inner: Expression


class Branches(Expression):
    """`(a | b)`"""

    items: tuple[Expression, ...]


class Chain(Expression):
    """`a -> b -> c`"""

    items: tuple[Expression, ...]


class IfElse(Expression):
    then: Expression
    condition: Expression
    otherwise: Expression


class Binary(Expression):
    """`a + b` and the other operators, `and`, `or` and the comparisons among them."""

    left: Expression
    operator: str
    right: Expression


class Unary(Expression):
    """`-a`, `not a`"""

    operator: str
    operand: Expression


class Attribute(Expression):
    """`input.channels`"""

    base: Expression
    name: Name


class Argument(Node):
    """One argument of a call; `name` is None for a positional one."""

    name: Name | None
    value: Expression


class Call(Expression):
    function: Expression
    arguments: tuple[Argument, ...]


class Applied(Expression):
    """A layer that is called with its inputs, as in Keras: `Dense(10)(x)`. It is a mistake, which is reported; `place`
    is the bracket of the inputs."""

    layer: Expression
    inputs: Expression
    place: Span


class Edition(Statement):
    number: Number


class Use(Statement):
    """`use "blocks.net" (bottleneck)`; `names` is empty for everything."""

    path: String | None
    module: tuple[Name, ...]
    names: tuple[Name, ...]


class TokenShape(Expression):
    """`128 tokens(30522)`, `200 steps(6)`; `word` is that of the language."""

    length: Expression | None
    arguments: tuple[Argument, ...]
    word: str = "tokens"


class InputDeclaration(Statement):
    name: Name | None
    shape: Expression


class Parameter(Node):
    """A parameter of a `def`."""

    name: Name
    default: Expression | None


class Binding(Statement):
    """What gives a name to a value: `keyword name = value`."""

    keyword: ClassVar[str] = ""

    name: Name
    value: Expression


class Assign(Binding):
    """`h = conv(8)`, and a setting of a section"""


class Param(Binding):
    """`param width = 32`"""

    keyword = "param "


class Share(Binding):
    """`share embed = embedding(64)`"""

    keyword = "share "


class Output(Binding):
    """`output digit = h -> dense(10)`"""

    keyword = "output "


class Define(Statement):
    """A `def`; its body is one expression, or statements of which the last is the value.

    `parameters` is None without parentheses.
    """

    name: Name
    parameters: tuple[Parameter, ...] | None
    body: tuple[Statement, ...]
    has_braces: bool


class ExpressionStatement(Statement):
    value: Expression


class Section(Statement):
    """`train { … }`; its entries are settings, expectations or sections."""

    name: Name
    entries: tuple[Statement, ...]


class File(Node, kw_only=True):
    """A whole file. `broken` holds names that statements with a syntax error would have defined, `mentioned` all names
    in such statements."""

    aside: ClassVar[frozenset[str]] = frozenset({"span", "source", "broken", "mentioned"})

    source: Source
    statements: tuple[Statement, ...]
    broken: frozenset[str] = frozenset()
    mentioned: frozenset[str] = frozenset()
