"""The section `expect { … }`: what is known of the network is checked with it, what is measured after training."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from netspec.compiler.elaborate.elaboration import Abandon, Frame
from netspec.compiler.elaborate.evaluate import Evaluator
from netspec.compiler.elaborate.operators import compare
from netspec.compiler.elaborate.values import BAD
from netspec.compiler.errors.names import UnknownName, WrongValue
from netspec.compiler.errors.values import Unmet
from netspec.compiler.ir.cost import total_cost
from netspec.compiler.ir.graph import Graph
from netspec.compiler.syntax import tree
from netspec.language.corrections import corrections
from netspec.language.diagnostics import Diagnostic, Problems, nearest, squeeze, suggest
from netspec.language.record import Frozen
from netspec.language.shape import Size
from netspec.language.source import Span
from netspec.language.values import Extent, to_source
from netspec.language.vocabulary import words

COUNTS = ("params", "state", "frozen", "macs")
"""Counts that are known before training: trainable parameters, state, frozen parameters, multiply-adds."""

PARTS = ("test", "val", "train")
"""The splits that metrics are measured on: `test_accuracy`."""


class Expectation(Frozen):
    """`test_accuracy >= 99%`: a metric, a comparison, a number. `wanted` is how the number was written."""

    name: str
    operator: str
    value: object
    wanted: str
    span: Span

    @property
    def place(self) -> Span:
        """The span of the name of the metric."""
        return Span(self.span.source, self.span.start, self.span.start + len(self.name))

    def check(self, value: object, shown: str) -> Diagnostic | None:
        """None if the value is as expected."""
        is_met = compare(self.operator, value, self.value, self.span)
        if is_met is True:
            return None
        if isinstance(is_met, Diagnostic):
            return is_met
        return Unmet(span=self.span, name=self.name, operator=self.operator, wanted=self.wanted, actual=shown)


def check_expectations(
    expressions: list[tree.Expression], evaluator: Evaluator, graph: Graph, problems: Problems
) -> list[Expectation]:
    """Compare what is known; the expectations that are left for after training."""
    totals = total_cost(graph)
    known: dict[str, Size] = {
        "params": totals.trainable,
        "state": totals.state,
        "frozen": totals.frozen,
        "macs": totals.macs,
    }
    measured = []
    for expression in expressions:
        expectation = _evaluate(expression, evaluator)
        if expectation is None:
            continue
        name = expectation.name
        if name in known:
            unmet = expectation.check(known[name], _number(known[name]))
        elif name in graph.labels:
            shape = graph.shape_of(graph.labels[name])
            found = shape.sizes[0] if shape.rank == 1 and not isinstance(expectation.value, Extent) else None
            unmet = expectation.check(Extent(shape.sizes) if found is None else found, str(shape))
        else:
            unmet = _unknown_metric(expectation, graph)
            if unmet is None:
                measured.append(expectation)
        if unmet is not None:
            problems.add(unmet)
    return measured


def _evaluate(expression: tree.Expression, evaluator: Evaluator) -> Expectation | None:
    assert isinstance(expression, tree.Binary) and isinstance(expression.left, tree.Name)
    try:
        network = evaluator.file_frames[evaluator.resolution.scope]
        value = evaluator.evaluate(expression.right, Frame(None, network.input))
    except Abandon:
        return None
    if value is BAD:
        return None
    return Expectation(expression.left.name, expression.operator, value, expression.right.span.text, expression.span)


def _unknown_metric(expectation: Expectation, graph: Graph) -> Diagnostic | None:
    """None for the name of a metric that training reports: `test_accuracy`, `val_loss`, `test_digit_accuracy`."""
    outputs = ["", *(f"{o.name}_" for o in graph.outputs if o.name is not None)]
    places = [f"{part}_{output}" for part in PARTS for output in outputs]
    if any(expectation.name == place + figure for place in places for figure in ("loss", *_metric_names())):
        return _impossible(expectation)
    figures = ["loss", *_metric_names()]
    aliases = {squeeze(figure): f"test_{figure}" for figure in figures}
    meant = nearest(expectation.name, [place + figure for place in places for figure in figures], aliases)
    # The list has only one name per metric, and only those of the test split.
    shown = [place + figure for place in places[: len(outputs)] for figure in ("loss", *_metric_names(1))]
    pool = [*COUNTS, *graph.labels, *shown, *([meant] if meant is not None else [])]
    advice = suggest(expectation.name, pool, what="metrics", aliases=aliases)
    advice += "\n`val_` and `train_` have the same metrics as `test_`"
    fixes = corrections(expectation.place, pool, aliases)
    return UnknownName(span=expectation.place, name=expectation.name, kind="metric", advice=advice, fixes=fixes)


def _metric_names(most: int | None = None) -> dict[str, bool]:
    """The names of the numbers that metrics report, at most `most` of each, and whether they are fractions."""
    metrics: list[Any] = [cls for cls in words("metric").values() if hasattr(cls, "metric_names")]
    return {name: cls.is_fraction for cls in metrics for name in cls.metric_names()[:most]}


def _impossible(expectation: Expectation) -> Diagnostic | None:
    """A fraction that cannot be: `test_accuracy >= 99` without the percent sign."""
    value = expectation.value
    is_fraction = any(expectation.name.endswith(f"_{name}") for name, fits in _metric_names().items() if fits)
    if not is_fraction or not isinstance(value, int | float) or value <= 1:
        return None

    return WrongValue(
        span=expectation.span,
        what=f"`{expectation.name}`",
        expected="a fraction of at most 1",
        given=to_source(value),
        case="percent" if value <= 100 else "fraction",
    )


def check_measurable(expectations: list[Expectation], figures: Collection[str], problems: Problems) -> None:
    """Report expectations about metrics that a run does not measure."""
    for expectation in expectations:
        if expectation.name not in figures:
            measured, span = ", ".join(sorted(figures)) or "none", expectation.place
            problems.add(UnknownName(span=span, case="unmeasured", name=expectation.name, advice=measured))


def check_measured(expectations: list[Expectation], figures: Mapping[str, float], problems: Problems) -> None:
    """Compare metrics after training, such as `{"test_accuracy": 0.991}`."""
    check_measurable(expectations, figures, problems)
    for expectation in expectations:
        if expectation.name not in figures:
            continue
        unmet = unmet_metric(expectation, figures[expectation.name])
        if unmet is not None:
            problems.add(unmet)


def unmet_metric(expectation: Expectation, found: float) -> Diagnostic | None:
    """None if a measured metric is as expected."""
    return expectation.check(found, _measured(expectation, found))


def _number(size: Size) -> str:
    return f"{size:,}" if isinstance(size, int) else str(size)


def _measured(expectation: Expectation, found: float) -> str:
    """A metric rounded, with as many digits as show that it is not as expected."""
    in_percent = expectation.wanted.endswith("%")
    for digits in range(4, 17):
        seen = round(100 * found, digits - 2) / 100 if in_percent else _rounded(found, digits)
        if compare(expectation.operator, seen, expectation.value, expectation.span) is not True:
            break
    return f"{100 * seen:.{digits - 2}f}%" if in_percent else to_source(seen)


def _rounded(number: float, digits: int) -> float:
    """To so many digits, whole ones all kept; as it is when it is not finite."""
    if not math.isfinite(number) or number == 0:
        return number
    return round(number, max(0, digits - 1 - math.floor(math.log10(abs(number)))))
