"""Grammar rules to tree nodes: one method per rule of grammar/netspec.lark, called by the parser from the leaves up.

A new statement has, beside its rule and its method here, a node in netspec/compiler/syntax/tree.py, its keyword in
`STARTS_STATEMENT` of netspec/compiler/syntax/tokens.py, its names in netspec/compiler/names/resolve.py, its evaluation
in netspec/compiler/elaborate/infer.py (inside a `def`: apply.py), its format in netspec/compiler/syntax/formatter.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netspec.compiler.syntax import tree
from netspec.language.source import Source, Span

SUFFIXES = {"k": 1e3, "M": 1e6, "G": 1e9}


def number_value(text: str) -> int | float:
    """`600k` is 600,000, `10%` is 0.1; whole numbers are ints."""
    if text.endswith("%"):
        return float(text[:-1]) / 100
    factor = SUFFIXES.get(text[-1])
    if factor is not None:
        value = float(text[:-1]) * factor
        return int(value) if value.is_integer() else value
    return int(text) if text.isdigit() and len(text) < 300 else float(text)


Rule = Callable[["Builder", list[Any]], Any]


def _binding(kind: type[tree.Binding]) -> Rule:
    """The rule for `keyword NAME = value`, or `NAME = value`."""

    def build(self: Builder, children: list[Any]) -> Any:
        name = self.name([child for child in children if _is_word(child)])
        return kind(span=self._span(children), name=name, value=children[-1])

    return build


def _items(kind: Any) -> Rule:
    return lambda self, children: kind(span=self._span(children), items=_nodes(children))


class Builder:
    """A Lark transformer by duck typing: `rule(children)`, where children are tokens (punctuation too) and nodes."""

    source: Source

    def _span(self, children: list[Any], end: Any = None) -> Span:
        """From the first of the children to the last, or to `end`."""
        first, last = children[0], end or children[-1]
        start = first.span.start if isinstance(first, tree.Node) else first.start_pos
        return Span(self.source, start, last.span.end if isinstance(last, tree.Node) else last.end_pos)

    # statements

    def edition(self, children: list[Any]) -> tree.Edition:
        return tree.Edition(span=self._span(children), number=self.number(children[1:]))

    def use(self, children: list[Any]) -> tree.Use:
        target = children[1]
        names = tuple(self.name([c]) for c in children[2:] if _is_word(c))
        if isinstance(target, list):
            span = self._span(children, None if names else target[-1])
            return tree.Use(span=span, path=None, module=tuple(target), names=names)
        return tree.Use(span=self._span(children), path=self.string([target]), module=(), names=names)

    def module(self, children: list[Any]) -> list[tree.Name]:
        return [self.name([c]) for c in children if _is_word(c)]

    def input_decl(self, children: list[Any]) -> tree.InputDeclaration:
        name = self.name(children[1:]) if _is_word(children[1]) else None
        return tree.InputDeclaration(span=self._span(children), name=name, shape=children[-1])

    def token_shape(self, children: list[Any]) -> tree.TokenShape:
        length = children[0] if isinstance(children[0], tree.Expression) else None
        arguments, end = children[-1]
        word = str(children[-2])
        return tree.TokenShape(span=self._span(children, end), length=length, arguments=arguments, word=word)

    def define(self, children: list[Any]) -> tree.Define:
        name = self.name(children[1:])
        parameters = next((c for c in children if isinstance(c, tuple)), None)
        last = children[-1]
        if isinstance(last, list):  # the statements of a body and its closing brace
            *body, last = last
        else:
            body = [tree.ExpressionStatement(span=last.span, value=last)]
        return tree.Define(
            span=self._span(children, last),
            name=name,
            parameters=parameters,
            body=tuple(body),
            has_braces=not isinstance(last, tree.Node),
        )

    def parameters(self, children: list[Any]) -> Any:
        return _nodes(children)

    def parameter(self, children: list[Any]) -> tree.Parameter:
        default = children[2] if len(children) > 1 else None
        return tree.Parameter(span=self._span(children), name=self.name(children), default=default)

    def body(self, children: list[Any]) -> list[Any]:
        return [*_nodes(children), children[-1]]

    param, share, output, assign = map(_binding, (tree.Param, tree.Share, tree.Output, tree.Assign))
    setting = assign

    def expression_statement(self, children: list[Any]) -> tree.ExpressionStatement:
        return tree.ExpressionStatement(span=self._span(children), value=children[0])

    def section(self, children: list[Any]) -> tree.Section:
        return tree.Section(span=self._span(children), name=self.name(children), entries=_nodes(children))

    # expressions

    branches = _items(tree.Branches)
    tuple_, list_ = _items(tree.TupleLiteral), _items(tree.ListLiteral)

    def chain(self, children: list[Any]) -> tree.Expression:
        if not children[1]:  # an arrow that `mend` of netspec/compiler/syntax/tokens.py has added
            layer, _, inputs = children
            place = Span(self.source, inputs.span.start, inputs.span.start + 1)
            return tree.Applied(span=self._span(children), layer=layer, inputs=inputs, place=place)
        return tree.Chain(span=self._span(children), items=_nodes(children))

    def group(self, children: list[Any]) -> tree.Expression:
        if not children[0]:
            applied: tree.Expression = children[1]
            return applied
        return tree.Group(span=self._span(children), inner=children[1])

    def if_else(self, children: list[Any]) -> tree.IfElse:
        then, _, condition, _, otherwise = children
        return tree.IfElse(span=self._span(children), then=then, condition=condition, otherwise=otherwise)

    def binary(self, children: list[Any]) -> tree.Binary:
        left, operator, right = children
        return tree.Binary(span=self._span(children), left=left, operator=str(operator), right=right)

    boolean = compare = binary

    def negate(self, children: list[Any]) -> tree.Unary:
        return tree.Unary(span=self._span(children), operator=str(children[0]), operand=children[1])

    invert = negate

    def call(self, children: list[Any]) -> tree.Call:
        arguments, end = children[1]
        return tree.Call(span=self._span(children, end), function=self.name(children), arguments=arguments)

    def arguments(self, children: list[Any]) -> Any:
        return _nodes(children), children[-1]

    def argument(self, children: list[Any]) -> tree.Argument:
        name = self.name(children) if len(children) == 3 else None
        return tree.Argument(span=self._span(children), name=name, value=children[-1])

    def attribute(self, children: list[Any]) -> tree.Attribute:
        return tree.Attribute(span=self._span(children), base=children[0], name=self.name(children[2:]))

    def duration(self, children: list[Any]) -> tree.DurationLiteral:
        return tree.DurationLiteral(
            span=self._span(children), amount=self.number(children), unit=self.name(children[1:])
        )

    # single tokens: the first child

    def number(self, children: list[Any]) -> tree.Number:
        text = str(children[0])
        return tree.Number(span=self._span(children[:1]), text=text, value=number_value(text))

    def extent(self, children: list[Any]) -> tree.ExtentLiteral:
        return tree.ExtentLiteral(span=self._span(children), sizes=tuple(map(int, children[0].split("x"))))

    def string(self, children: list[Any]) -> tree.String:
        return tree.String(span=self._span(children), value=str(children[0])[1:-1])

    def true(self, children: list[Any]) -> tree.Boolean:
        return tree.Boolean(span=self._span(children), value=children[0] == "true")

    false = true

    def input_(self, children: list[Any]) -> tree.InputName:
        return tree.InputName(span=self._span(children))

    def name(self, children: list[Any]) -> tree.Name:
        return tree.Name(span=self._span(children[:1]), name=str(children[0]))


def _is_word(child: Any) -> bool:
    return getattr(child, "type", None) in ("NAME", "SECTION")


def _nodes(children: Any) -> Any:
    return tuple(c for c in children if isinstance(c, tree.Node))
