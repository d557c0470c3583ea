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
            number = statement.number
            problems.add(UnknownEdition(span=number.span, edition=number.text, known=EDITION))
        elif index > 0:
            problems.add(UnknownEdition(span=statement.span, case="late"))
