"""Syntax tree to canonical text: what `netspec fmt` writes.

Input: a `Source` without syntax errors. Output: its text in the one style of the language, with every comment.
Formatting twice changes nothing, and the formatted text has the same tree. The author decides about blank lines and
about line ends before `->`, `|` and the `=` of a `def`; all others follow from the width.
"""

from __future__ import annotations

from collections.abc import Sequence

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.comments import Remark, is_after_blank_line, parameters_end
from netspec.compiler.syntax.document import (
    HARD,
    INDENT,
    SPACE,
    WIDTH,
    Doc,
    concat,
    fits_flat,
    group,
    indent,
    is_forced,
    render,
)
from netspec.compiler.syntax.layout import ExpressionLayout, own_lines, trailing
from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import Problems
from netspec.language.source import Source


def format_source(source: Source) -> str:
    """The text of a source in canonical style.

    Raises:
        CompileError: the text has syntax errors.
    """
    problems = Problems()
    file = parse_source(source, problems)
    problems.raise_errors()
    lines = render(_StatementLayout(file).block(file, "statements", file.statements, depth=0))
    return "\n".join(lines) + "\n" if any(lines) else ""


class _StatementLayout(ExpressionLayout):
    """One document per statement; `depth` is the number of braces around it."""

    def block(self, owner: tree.Node, field: str, statements: Sequence[tree.Statement], depth: int) -> Doc:
        """Statements and comments, each on its own line; at most one blank line of the author's stays between two."""
        widths = self._name_widths(statements, depth) if isinstance(owner, tree.Section) else {}
        entries: list[tuple[bool, Doc]] = []
        for statement in statements:
            remarks, after_blank = self._before(statement)
            entries.extend((blank, remark.text) for blank, remark in remarks)
            doc = self._statement(statement, depth, widths.get(id(statement), 0))
            entries.append((after_blank, concat(doc, *self.after(statement))))
        entries.extend((remark.after_blank, remark.text) for remark in self.comments.closing(owner, field))
        parts = [part for after_blank, doc in entries for part in (*[HARD] * (1 + after_blank), doc)]
        return concat(*parts[1 + entries[0][0] if entries else 0 :])

    def _before(self, statement: tree.Statement) -> tuple[list[tuple[bool, Remark]], bool]:
        """The comments before a statement, each and the statement with whether a blank line comes first."""
        after_blank = is_after_blank_line(self.text, statement.span.start)
        remarks: list[tuple[bool, Remark]] = []
        for remark in self.comments.before(statement):
            if remark.start > statement.span.start:  # moved up from inside the statement, and the blank line with it
                remarks.append((after_blank, remark))
                after_blank = False
            else:
                remarks.append((remark.after_blank, remark))
        return remarks, after_blank

    def _name_widths(self, entries: Sequence[tree.Statement], depth: int) -> dict[int, int]:
        """How wide the names of settings on adjacent lines are printed, by the identity of the setting.

        A setting that might not fit on its line beside the longest name of the section takes no part.
        """
        widest = max((len(entry.name.name) for entry in entries if isinstance(entry, tree.Assign)), default=0)
        room = WIDTH - depth * INDENT - widest - len(" = ")
        widths: dict[int, int] = {}
        run: list[tree.Assign] = []
        for entry in entries:
            remarks, after_blank = self._before(entry)
            if after_blank or any(blank for blank, _ in remarks):
                run = []
            if isinstance(entry, tree.Assign) and fits_flat(self.expression(entry.value), room):
                run.append(entry)
            else:
                run = []
            name_width = max((len(setting.name.name) for setting in run), default=0)
            widths.update((id(setting), name_width) for setting in run)
        return widths

    def _statement(self, node: tree.Statement, depth: int, name_width: int) -> Doc:
        match node:
            case tree.Edition():
                return f"netspec {node.number.text}"
            case tree.Use():
                return self._use(node)
            case tree.InputDeclaration():
                return concat("input ", f"{node.name.name}: " if node.name else "", self.shape(node.shape))
            case tree.Binding():
                name = f"{node.name.name:<{name_width}}"
                return concat(f"{node.keyword}{name} = ", self.expression(node.value, INDENT))
            case tree.Section():
                return self._braces(node.name.name, node, "entries", node.entries, depth)
            case tree.Define():
                return self._define(node, depth)
            case tree.ExpressionStatement():
                return self.expression(node.value)
        raise TypeError(type(node).__name__)

    def _use(self, node: tree.Use) -> Doc:
        target = node.path.span.text if node.path else ".".join(name.name for name in node.module)
        if not node.names:
            return f"use {target}"
        names = [name.name for name in node.names]
        return concat(f"use {target} ", self.brackets(node, "names", "()", node.names, names))

    def _define(self, node: tree.Define, depth: int) -> Doc:
        header: Doc = f"def {node.name.name}"
        if node.parameters is not None:
            parameters = [
                concat(p.name.name, *(() if p.default is None else (" = ", self.expression(p.default))))
                for p in node.parameters
            ]
            header = concat(header, self.brackets(node, "parameters", "()", node.parameters, parameters))
        if node.has_braces:
            return self._braces(header, node, "body", node.body, depth)
        (statement,) = node.body
        assert isinstance(statement, tree.ExpressionStatement)
        before, opening = self.comments.before(statement), self.comments.opening(node, "body")
        between = self.text[parameters_end(node, self.text) : statement.span.start]
        is_broken = bool(before or opening) or "\n" in between
        one_line = concat(header, " = ", self.expression(statement.value, INDENT))
        if is_forced(one_line) and not is_broken:
            return one_line
        lines = [HARD if is_broken else SPACE, *own_lines(before), "= ", self.expression(statement.value)]
        return group(header, *trailing(opening), indent(*lines))

    def _braces(self, head: Doc, node: tree.Node, field: str, entries: Sequence[tree.Statement], depth: int) -> Doc:
        """On one line if the author wrote it so, which is possible for a single entry."""
        body = self.block(node, field, entries, depth + 1)
        opening, closing = self.comments.opening(node, field), self.comments.closing(node, field)
        if not (entries or opening or closing):
            return concat(head, " {}")
        lines = [SPACE, body] if entries or closing else []
        return group(head, " {", *trailing(opening), indent(*lines), SPACE, "}", forced="\n" in node.span.text)
