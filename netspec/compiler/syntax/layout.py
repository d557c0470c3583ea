"""Expressions to documents: how a chain, a call or a list of branches looks on one line and on several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.comments import Comments, Remark
from netspec.compiler.syntax.document import (
    HARD,
    INDENT,
    SOFT,
    SPACE,
    Comment,
    Doc,
    IfBroken,
    concat,
    fill,
    group,
    indent,
    is_forced,
    join,
)


class ExpressionLayout:
    """One document per expression; `text` and `comments` say what the author did that the tree does not know."""

    def __init__(self, file: tree.File) -> None:
        self.text = file.source.text
        self.comments = Comments(file)

    def expression(self, node: tree.Expression, hang: int = 0) -> Doc:
        """Any expression; `hang` is the indentation of the continuation lines of a chain."""
        match node:
            case tree.Number() | tree.ExtentLiteral() | tree.String() | tree.Boolean() | tree.InputName():
                return node.span.text
            case tree.Name():
                return node.name
            case tree.DurationLiteral():
                return f"{node.amount.text} {node.unit.name}"
            case tree.Chain():
                return self._chain(node, hang)
            case tree.IfElse():
                condition, otherwise = self.expression(node.condition), self.expression(node.otherwise)
                return concat(self.expression(node.then), " if ", condition, " else ", otherwise)
            case tree.Binary():
                return concat(self.expression(node.left), f" {node.operator} ", self.expression(node.right))
            case tree.Unary():
                return concat("not " if node.operator == "not" else node.operator, self.expression(node.operand))
            case tree.Attribute():
                # `3.x` would be read as a number
                dot = " ." if isinstance(node.base, tree.Number | tree.ExtentLiteral) else "."
                return concat(self.expression(node.base), dot, node.name.name)
            case _:
                return self._bracketed(node)

    def _bracketed(self, node: tree.Expression) -> Doc:
        match node:
            case tree.Call():
                return concat(self.expression(node.function), self._arguments(node, node.arguments))
            case tree.TokenShape():
                return self.shape(node)
            case tree.Group():
                return self.brackets(node, "inner", "()", [node.inner], [self.expression(node.inner)])
            case tree.Branches():
                return self._branches(node)
            case tree.TupleLiteral():
                return self._tuple(node, "," if len(node.items) == 1 else "")
            case tree.ListLiteral():
                return self.brackets(node, "items", "[]", node.items, self._items(node.items))
        raise TypeError(type(node).__name__)

    def shape(self, node: tree.Expression) -> Doc:
        """After `input`, where parentheses are always sizes: one size needs no comma."""
        if isinstance(node, tree.TokenShape):
            length = [self.shape(node.length), " "] if node.length else []
            return concat(*length, node.word, self._arguments(node, node.arguments))
        return self._tuple(node, "") if isinstance(node, tree.TupleLiteral) else self.expression(node)

    def _tuple(self, node: tree.TupleLiteral, comma: str) -> Doc:
        docs = self._items(node.items)
        return self.brackets(node, "items", "()", node.items, [*docs[:-1], concat(docs[-1], comma)])

    def _items(self, nodes: Sequence[tree.Expression]) -> list[Doc]:
        return [self.expression(node, INDENT if len(nodes) > 1 else 0) for node in nodes]

    def _arguments(self, owner: tree.Expression, arguments: Sequence[tree.Argument]) -> Doc:
        docs: list[Doc] = []
        for argument in arguments:
            name = f"{argument.name.name} = " if argument.name else ""
            hang = INDENT if name or len(arguments) > 1 else 0
            docs.append(concat(name, self.expression(argument.value, hang)))
        return self.brackets(owner, "arguments", "()", arguments, docs)

    def _chain(self, node: tree.Chain, hang: int) -> Doc:
        docs: list[Doc] = []
        breaks: list[bool] = []
        for previous, item in zip((None, *node.items), node.items, strict=False):
            before, arrow = self.comments.before(item), "-> " if previous else ""
            docs.append(concat(*own_lines(before), arrow, self.expression(item), *self.after(item)))
            breaks.append(previous is not None and bool(before or self._continues_below(previous, item)))
        return fill(docs, breaks, hang)

    def _continues_below(self, previous: tree.Expression, item: tree.Expression) -> bool:
        """Whether the author, or a comment, ends the line between two items."""
        return bool(self.after(previous)) or "\n" in self.text[previous.span.end : item.span.start]

    def _branches(self, node: tree.Branches) -> Doc:
        """A branch per line if the author began a line with any of them, or if they do not fit on one."""
        parts: list[Doc] = []
        for item in node.items:
            bar: list[Doc] = ["| "] if parts else []
            parts += [SPACE] if parts else []
            parts += [*own_lines(self.comments.before(item)), *bar, self.expression(item, INDENT), *self.after(item)]
        is_broken = any(self._continues_below(*pair) for pair in pairwise(node.items))
        opening, closing = self._inner_comments(node, "items")
        return group("(", *opening, indent(SOFT, *parts, *closing), SOFT, ")", forced=is_broken)

    def _inner_comments(self, owner: tree.Node, field: str) -> tuple[list[Doc], list[Doc]]:
        """The comments after the opening bracket of a list of items, and before its closing one."""
        closing: list[Doc] = [part for remark in self.comments.closing(owner, field) for part in (HARD, remark.text)]
        return trailing(self.comments.opening(owner, field)), closing

    def brackets(
        self, owner: tree.Node, field: str, signs: str, nodes: Sequence[tree.Node], docs: Sequence[Doc]
    ) -> Doc:
        """On one line; or the items on the next line; or one item per line (plain ones: as many as fit)."""
        opening, closing = self._inner_comments(owner, field)
        if not nodes:
            return concat(signs[0], *opening, indent(*closing), HARD if opening or closing else "", signs[1])
        items: list[Doc] = []
        for node, doc in zip(nodes, docs, strict=True):
            comma = "," if node is not nodes[-1] else IfBroken("," if len(nodes) > 1 else "")
            items.append(concat(*own_lines(self.comments.before(node)), doc, comma, *self.after(node)))
        is_plain = all(isinstance(node, tree.Number | tree.Unary | tree.Name) for node in nodes)
        if is_plain and not any(map(is_forced, items)):
            items[-1] = docs[-1]
            inside = fill(items, [False] * len(items))
        else:
            inside = group(join(SPACE, items))
        return group(signs[0], *opening, indent(SOFT, inside, *closing), SOFT, signs[1])

    def after(self, node: tree.Node) -> list[Doc]:
        """The comment at the end of an item's last line."""
        return trailing(self.comments.after(node))


def own_lines(remarks: Iterable[Remark]) -> list[Doc]:
    """Comments before an item."""
    return [part for remark in remarks for part in (remark.text, HARD)]


def trailing(text: str) -> list[Doc]:
    """A comment at the end of a line, if there is one."""
    return [Comment(text)] if text else []
