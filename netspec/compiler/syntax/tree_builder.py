"""Grammar rules to tree nodes: one method per rule of grammar/netspec.lark, called by the parser from the leaves up.

A new statement has, beside its rule and its method here, a node in netspec/compiler/syntax/tree.py, its keyword in
`STARTS_STATEMENT` of netspec/compiler/syntax/tokens.py, its names in netspec/compiler/names/resolve.py, its evaluation
in netspec/compiler/elaborate/infer.py (inside a `def`: apply.py), its format in netspec/compiler/syntax/formatter.py.
"""

from __future__ import annotations

from typing import Any

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.tokens import Token
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
    if text.isdigit():
        return int(text) if len(text) < 300 else float(text)
    return float(text)


class Builder:
    """A Lark transformer by duck typing: `rule(children)`, where children are tokens (punctuation too) and nodes."""

    source: Source

    def _span(self, children: list[Any]) -> Span:
        return _join(children[0], children[-1], self.source)

    def _name(self, token: Token) -> tree.Name:
        return tree.Name(span=Span(self.source, token.start_pos, token.end_pos), name=str(token))

    def _number(self, token: Token) -> tree.Number:
        text = str(token)
        return tree.Number(span=Span(self.source, token.start_pos, token.end_pos), text=text, value=number_value(text))

    def _string(self, token: Token) -> tree.String:
        return tree.String(span=Span(self.source, token.start_pos, token.end_pos), value=str(token)[1:-1])

    def _defined(self, children: list[Any]) -> dict[str, Any]:
        """The fields of `keyword NAME = value` and of `NAME = value`."""
        token = next(c for c in children if _is_word(c))
        return {"span": self._span(children), "name": self._name(token)}

    # statements

    def edition(self, children: list[Any]) -> tree.Edition:
        return tree.Edition(span=self._span(children), number=self._number(children[1]))

    def use(self, children: list[Any]) -> tree.Use:
        target = children[1]
        names = tuple(self._name(c) for c in children[2:] if _is_word(c))
        if isinstance(target, list):
            end = children[-1] if names else target[-1]
            span = _join(children[0], end, self.source)
            return tree.Use(span=span, path=None, module=tuple(target), names=names)
        return tree.Use(span=self._span(children), path=self._string(target), module=(), names=names)

    def module(self, children: list[Any]) -> list[tree.Name]:
        return [self._name(c) for c in children if _is_word(c)]

    def input_decl(self, children: list[Any]) -> tree.InputDeclaration:
        name = self._name(children[1]) if _is_word(children[1]) else None
        return tree.InputDeclaration(span=self._span(children), name=name, shape=children[-1])

    def token_shape(self, children: list[Any]) -> tree.TokenShape:
        length = children[0] if isinstance(children[0], tree.Expression) else None
        arguments, end = children[-1]
        return tree.TokenShape(span=_join(children[0], end, self.source), length=length, arguments=arguments)

    def param(self, children: list[Any]) -> tree.Param:
        return tree.Param(**self._defined(children), default=children[-1])

    def define(self, children: list[Any]) -> tree.Define:
        parameters = next((c for c in children if isinstance(c, tuple)), None)
        last = children[-1]
        if isinstance(last, list):  # the statements of a body and its closing brace
            *statements, closing = last
            body, end = tuple(statements), closing
        else:
            body, end = (tree.ExpressionStatement(span=last.span, value=last),), last
        name = self._name(children[1])
        span = _join(children[0], end, self.source)
        return tree.Define(span=span, name=name, parameters=parameters, body=body, has_braces=isinstance(last, list))

    def parameters(self, children: list[Any]) -> tuple[tree.Parameter, ...]:
        return tuple(child for child in children if isinstance(child, tree.Parameter))

    def parameter(self, children: list[Any]) -> tree.Parameter:
        default = children[2] if len(children) > 1 else None
        return tree.Parameter(span=self._span(children), name=self._name(children[0]), default=default)

    def body(self, children: list[Any]) -> list[Any]:
        return [*_nodes(children), children[-1]]

    def share(self, children: list[Any]) -> tree.Share:
        return tree.Share(**self._defined(children), value=children[-1])

    def output(self, children: list[Any]) -> tree.Output:
        return tree.Output(**self._defined(children), value=children[-1])

    def assign(self, children: list[Any]) -> tree.Assign:
        return tree.Assign(**self._defined(children), value=children[-1])

    def setting(self, children: list[Any]) -> tree.Assign:
        return self.assign(children)

    def expression_statement(self, children: list[Any]) -> tree.ExpressionStatement:
        return tree.ExpressionStatement(span=self._span(children), value=children[0])

    def section(self, children: list[Any]) -> tree.Section:
        return tree.Section(span=self._span(children), name=self._name(children[0]), entries=_nodes(children))

    # expressions

    def chain(self, children: list[Any]) -> tree.Expression:
        return tree.Chain(span=self._span(children), items=_nodes(children))

    def branches(self, children: list[Any]) -> tree.Expression:
        return tree.Branches(span=self._span(children), items=_nodes(children))

    def tuple_(self, children: list[Any]) -> tree.Expression:
        return tree.TupleLiteral(span=self._span(children), items=_nodes(children))

    def list_(self, children: list[Any]) -> tree.Expression:
        return tree.ListLiteral(span=self._span(children), items=_nodes(children))

    def group(self, children: list[Any]) -> tree.Expression:
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
        span = _join(children[0], end, self.source)
        return tree.Call(span=span, function=self._name(children[0]), arguments=arguments)

    def arguments(self, children: list[Any]) -> Any:
        return _nodes(children), children[-1]

    def argument(self, children: list[Any]) -> tree.Argument:
        name = self._name(children[0]) if len(children) == 3 else None
        return tree.Argument(span=self._span(children), name=name, value=children[-1])

    def attribute(self, children: list[Any]) -> tree.Attribute:
        return tree.Attribute(span=self._span(children), base=children[0], name=self._name(children[2]))

    def number(self, children: list[Any]) -> tree.Number:
        return self._number(children[0])

    def duration(self, children: list[Any]) -> tree.DurationLiteral:
        amount, unit = self._number(children[0]), self._name(children[1])
        return tree.DurationLiteral(span=self._span(children), amount=amount, unit=unit)

    def extent(self, children: list[Any]) -> tree.ExtentLiteral:
        sizes = map(int, str(children[0]).split("x"))
        return tree.ExtentLiteral(span=self._span(children), sizes=(*sizes,))

    def string(self, children: list[Any]) -> tree.String:
        return self._string(children[0])

    def true(self, children: list[Any]) -> tree.Boolean:
        return tree.Boolean(span=self._span(children), value=True)

    def false(self, children: list[Any]) -> tree.Boolean:
        return tree.Boolean(span=self._span(children), value=False)

    def input_(self, children: list[Any]) -> tree.InputName:
        return tree.InputName(span=self._span(children))

    def name(self, children: list[Any]) -> tree.Name:
        return self._name(children[0])


def _is_word(child: Any) -> bool:
    return getattr(child, "type", None) in ("NAME", "SECTION")


def _nodes(children: Any) -> Any:
    return tuple(c for c in children if isinstance(c, tree.Node))


def _join(first: Any, last: Any, source: Source) -> Span:
    start = first.span.start if isinstance(first, tree.Node) else first.start_pos
    end = last.span.end if isinstance(last, tree.Node) else last.end_pos
    return Span(source, start, end)
