"""Whether a statement says what its place needs: the body of a `def` ends with a value, an `expect` compares."""

from __future__ import annotations

from netspec.compiler.elaborate.operators import COMPARISONS
from netspec.compiler.errors.values import NoValue
from netspec.compiler.names.scope import Scope
from netspec.compiler.syntax import tree
from netspec.language.diagnostics import Problems


def check_body(define: tree.Define, inner: Scope, problems: Problems) -> None:
    """Report a body that does not end with a value, and values in its middle that go nowhere."""
    *before, last = define.body or (None,)
    if not isinstance(last, tree.ExpressionStatement):
        span, advice = define.name.span, "end it with what flows out, such as `h -> relu`"
        if isinstance(last, tree.Assign | tree.Share):
            span, advice = last.span, f"end it with what flows out: write `{last.name.name}` on a line behind it"
            inner.names[last.name.name].uses += 1
        problem = f"the body of `{define.name.name}` does not end with a value"
        problems.add(NoValue(span=span, problem=problem, advice=advice))
    for statement in before:
        if isinstance(statement, tree.ExpressionStatement):
            problems.add(
                NoValue(
                    span=statement.span,
                    problem="a value in the middle of a body goes nowhere",
                    advice="give it a name (`h = …`), or begin the next line with `->`",
                )
            )


def check_expectation(entry: tree.Statement, problems: Problems) -> tree.Binary | None:
    """The comparison of a name with a value that an entry of `expect` is; None and a diagnostic if it is none."""
    value = entry.value if isinstance(entry, tree.ExpressionStatement) else None
    while isinstance(value, tree.Group):
        value = value.inner
    if isinstance(value, tree.Binary) and value.operator in COMPARISONS and isinstance(value.left, tree.Name):
        return value
    advice = "write a comparison such as `params < 1M` or `test_accuracy >= 99%`"
    if isinstance(entry, tree.Assign):
        advice = f"write `==` to compare: `{entry.name.name} == {entry.value.span.text}`"
    problems.add(NoValue(span=entry.span, problem="this is no expectation", advice=advice))
    return None
