"""What can be said of a tree by itself: the edition of the language."""

from __future__ import annotations

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.errors import UnknownEdition
from netspec.language.diagnostics import Problems

EDITION = 1


def check_edition(file: tree.File, problems: Problems) -> None:
    """`netspec 1` is the first statement, and the edition is known."""
    for index, statement in enumerate(file.statements):
        if not isinstance(statement, tree.Edition):
            continue
        if statement.number.value != EDITION:
            problem = f"edition {statement.number.text} of the language is not known"
            advice = f"this program knows edition {EDITION}: write `netspec {EDITION}`, or install a newer netspec"
            problems.add(UnknownEdition(span=statement.number.span, problem=problem, advice=advice))
        elif index > 0:
            problem, advice = "the edition stands behind other statements", "make it the first line of the file"
            problems.add(UnknownEdition(span=statement.span, problem=problem, advice=advice))
