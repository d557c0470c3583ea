"""Checks of statements: the body of a `def` ends with a value, an entry of `expect` is a comparison."""

from __future__ import annotations

import re

from netspec.compiler.elaborate.operators import COMPARISONS
from netspec.compiler.errors.values import NoValue
from netspec.compiler.names.scope import Scope
from netspec.compiler.syntax import tree
from netspec.language.corrections import continued
from netspec.language.diagnostics import Fix, Problems
from netspec.language.source import Span


def check_body(define: tree.Define, inner: Scope, problems: Problems) -> None:
    """Report a body that does not end with a value, and unused values in its middle."""
    *before, last = define.body or (None,)
    if isinstance(last, tree.Assign | tree.Share):
        inner.names[last.name.name].uses += 1
        problems.add(NoValue(span=last.span, case="assignment", name=define.name.name, last=last.name.name))
    elif not isinstance(last, tree.ExpressionStatement):
        problems.add(NoValue(span=define.name.span, case="end", name=define.name.name))
    for statement, following in zip(before, define.body[1:], strict=True):
        if isinstance(statement, tree.ExpressionStatement):
            # A line whose first word is not a name of the body, nor `input`, begins with a layer.
            first = re.split(r"\W", following.span.text, maxsplit=1)[0]
            is_layer = isinstance(following, tree.ExpressionStatement) and first not in {*inner.names, "input"}
            fixes = continued(following.span) if is_layer else ()
            problems.add(NoValue(span=statement.span, case="middle", fixes=fixes))


def check_expectation(entry: tree.Statement, problems: Problems) -> tree.Binary | None:
    """The comparison of a name with a value that an entry of `expect` is; None and a diagnostic if it is not one."""
    value = entry.value if isinstance(entry, tree.ExpressionStatement) else None
    while isinstance(value, tree.Group):
        value = value.inner
    if isinstance(value, tree.Binary) and value.operator in COMPARISONS and isinstance(value.left, tree.Name):
        return value
    if isinstance(value, tree.Binary) and value.operator in COMPARISONS and (advice := _turned(value)):
        problems.add(NoValue(span=entry.span, case="turned", name=advice))
        return None
    if isinstance(entry, tree.Assign):
        last = entry.value.span
        fix = Fix(Span(last.source, entry.name.span.end, last.start), " == ")
        problems.add(NoValue(span=entry.span, case="assigned", name=entry.name.name, last=last.text, fixes=(fix,)))
    else:
        problems.add(NoValue(span=entry.span, case="expectation"))
    return None


TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def _turned(value: tree.Binary) -> str:
    """A comparison with its name on the left, and with the whole shape instead of one of its sizes."""
    left, right = value.left, value.right
    if isinstance(right, tree.Name) and not isinstance(left, tree.Attribute):
        return f"{right.name} {TURNED[value.operator]} {left.span.text}"
    if isinstance(left, tree.Attribute) and isinstance(left.base, tree.Name):
        is_size = left.name.name in ("features", "units", "size", "shape")
        return f"{left.base.name} {value.operator} {right.span.text if is_size else '28x28x16'}"
    return ""
