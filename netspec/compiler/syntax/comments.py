"""Which comment belongs to which part of the tree.

The grammar drops comments, so the formatter finds them in the text again. Input: a tree without syntax errors.
Output: `Comments`, where every comment is kept exactly once: before an item, after it, or at one of the two ends of
a list of items. Items are what the formatter can put on separate lines: statements, the items of brackets, the steps
of a chain. A comment in the middle of an item (`a +  # why`) goes before or after that item.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from netspec.compiler.syntax import tree
from netspec.language.record import Frozen

_COMMENT_OR_TEXT = re.compile(r'"[^"\n]*"|#[^\n]*')
_REST_OF_PARENTHESES = re.compile(r"(?:[\s,(]|#[^\n]*)*\)")


class Remark(Frozen):
    """A comment: where it begins, its text from the `#` on, and whether nothing else is on its line."""

    start: int
    text: str
    is_own_line: bool
    after_blank: bool


class Items(Frozen):
    """A list of items inside a node: the field that holds them, and where comments between them may be.

    A step of a chain and a body after `=` cannot hold a comment at their outer ends; the item around them does:
    `start_is_open` and `end_is_open` say which ends can.
    """

    owner: tree.Node
    field: str
    nodes: Sequence[tree.Node]
    start: int
    end: int
    start_is_open: bool = True
    end_is_open: bool = True


class Comments:
    """The comments of a file by the items that they belong to. Nodes are looked up by identity: many are equal."""

    def __init__(self, file: tree.File) -> None:
        self.text = file.source.text
        self._before: defaultdict[int, list[Remark]] = defaultdict(list)
        self._after: dict[int, Remark] = {}
        self._opening: dict[tuple[int, str], str] = {}
        self._closing: defaultdict[tuple[int, str], list[Remark]] = defaultdict(list)
        remarks = []
        for match in _COMMENT_OR_TEXT.finditer(self.text):
            if match[0].startswith("#"):
                start = match.start()
                is_own_line = not self.text[self.text.rfind("\n", 0, start) + 1 : start].strip()
                after_blank = is_own_line and is_after_blank_line(self.text, start)
                remarks.append(Remark(start, match[0].rstrip(), is_own_line, after_blank))
        self._distribute(file, remarks, [Items(file, "statements", file.statements, 0, len(self.text) + 1)])

    def before(self, item: tree.Node) -> list[Remark]:
        """The comments on separate lines before an item."""
        return sorted(self._before.get(id(item), []), key=lambda remark: remark.start)

    def after(self, item: tree.Node) -> str:
        """The comment at the end of an item's last line, or nothing."""
        remark = self._after.get(id(item))
        return remark.text if remark else ""

    def opening(self, owner: tree.Node, field: str) -> str:
        """The comment after the bracket that opens a list of items, or nothing."""
        return self._opening.get((id(owner), field), "")

    def closing(self, owner: tree.Node, field: str) -> list[Remark]:
        """The comments on separate lines after the last item of a list."""
        return self._closing.get((id(owner), field), [])

    def _distribute(self, node: tree.Node, remarks: list[Remark], path: list[Items]) -> None:
        """Give the remarks inside a node to its children; those between children belong to the innermost list."""
        index = 0
        for child in node.children():
            span = child.span
            while index < len(remarks) and remarks[index].start < span.start:
                self._place(remarks[index], [*path, *_around(node, remarks[index], self.text)])
                index += 1
            first = index
            while index < len(remarks) and remarks[index].start < span.end:
                index += 1
            if first < index:
                inner = _around(node, remarks[first], self.text)
                self._distribute(child, remarks[first:index], [*path, *inner])
        for remark in remarks[index:]:
            self._place(remark, [*path, *_around(node, remark, self.text)])

    def _place(self, remark: Remark, path: list[Items]) -> None:
        items = path[-1]
        index = bisect_right(items.nodes, remark.start, key=lambda node: node.span.start) - 1
        previous = items.nodes[index] if index >= 0 else None
        following = items.nodes[index + 1] if index + 1 < len(items.nodes) else None
        if previous is not None and remark.start < previous.span.end:
            is_outer = index == 0 if remark.is_own_line else following is None
            if is_outer and not (items.start_is_open if remark.is_own_line else items.end_is_open):
                self._place(remark, path[:-1])
            elif remark.is_own_line:
                self._before[id(previous)].append(remark)
            else:
                self._put_after(previous, remark, path)
            return
        same_line = not remark.is_own_line
        if same_line and previous is not None and "\n" not in self.text[previous.span.end : remark.start]:
            self._put_after(previous, remark, path)
        elif same_line and previous is None and not self.opening(items.owner, items.field):
            self._opening[id(items.owner), items.field] = remark.text
        elif following is not None:
            self._before[id(following)].append(remark)
        else:
            self._closing[id(items.owner), items.field].append(remark)

    def _put_after(self, item: tree.Node, remark: Remark, path: list[Items]) -> None:
        """Only one comment fits after an item: the last one; an earlier one moves before the item."""
        earlier = self._after.pop(id(item), None)
        self._after[id(item)] = remark
        if earlier is not None:
            self._place(earlier.replace(is_own_line=True, after_blank=False), path)


def is_after_blank_line(text: str, offset: int) -> bool:
    """Whether the line before the one at the offset is blank."""
    line_start = text.rfind("\n", 0, offset) + 1
    before = text.rfind("\n", 0, max(0, line_start - 1)) + 1
    return line_start > 0 and not text[before:line_start].strip()


def parameters_end(node: tree.Define, text: str) -> int:
    """The end of the parameters of a `def`, or of its name if it has none."""
    if node.parameters is None:
        return node.name.span.end
    start = node.parameters[-1].span.end if node.parameters else node.name.span.end
    rest = _REST_OF_PARENTHESES.match(text, start)
    assert rest is not None
    return rest.end()


def _around(node: tree.Node, remark: Remark, text: str) -> list[Items]:
    """The lists of items of a node that a remark is in; at most one."""
    return [items for items in _lists(node, text) if items.start <= remark.start < items.end]


def _lists(node: tree.Node, text: str) -> Iterator[Items]:
    start, end = node.span.start, node.span.end
    match node:
        case tree.Chain():
            yield Items(node, "items", node.items, start, end, start_is_open=False, end_is_open=False)
        case tree.Call():
            yield Items(node, "arguments", node.arguments, node.function.span.end, end)
        case tree.TokenShape():
            yield Items(node, "arguments", node.arguments, node.length.span.end if node.length else start, end)
        case tree.TupleLiteral() | tree.ListLiteral() | tree.Branches():
            yield Items(node, "items", node.items, start, end)
        case tree.Group():
            yield Items(node, "inner", (node.inner,), start, end)
        case tree.Section():
            yield Items(node, "entries", node.entries, node.name.span.end, end)
        case tree.Use() if node.names:
            before = node.path or node.module[-1]
            yield Items(node, "names", node.names, before.span.end, end)
        case tree.Define():
            header_end = parameters_end(node, text)
            yield Items(node, "parameters", node.parameters or (), node.name.span.end, header_end)
            yield Items(node, "body", node.body, header_end, end, end_is_open=node.has_braces)
