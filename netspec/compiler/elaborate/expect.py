"""The section `expect { … }`: what is known about the network is checked with it, metrics after training."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from netspec.compiler.elaborate.elaboration import Abandon, Frame
from netspec.compiler.elaborate.evaluate import Evaluator
from netspec.compiler.elaborate.operators import compare
from netspec.compiler.elaborate.values import BAD
from netspec.compiler.errors.names import UnknownName, WrongValue
from netspec.compiler.errors.values import Unmet
from netspec.compiler.ir.cost import total_cost
from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.printer import count
from netspec.compiler.syntax import tree
from netspec.language.corrections import corrections, nearest, squeeze, suggest
from netspec.language.diagnostics import Diagnostic, Problems
from netspec.language.record import Frozen
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

    @property
    def place_of_value(self) -> Span:
        """The span of what it is compared with."""
        return Span(self.span.source, self.span.end - len(self.wanted), self.span.end)

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
    known = dict(zip(COUNTS, (totals.trainable, totals.state, totals.frozen, totals.macs), strict=True))
    measured = []
    for expression in expressions:
        expectation = _evaluate(expression, evaluator)
        if expectation is None:
            continue
        name = expectation.name
        if name in known:
            unmet = expectation.check(known[name], count(known[name]))
        elif name in graph.labels:
            shape = graph.shape_of(graph.labels[name])
            is_size = shape.rank == 1 and not isinstance(expectation.value, Extent)
            unmet = expectation.check(shape.sizes[0] if is_size else Extent(shape.sizes), str(shape))
        elif (unmet := _layer_name(expectation, evaluator) or _unknown_metric(expectation, graph, problems)) is None:
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


def _layer_name(expectation: Expectation, evaluator: Evaluator) -> Diagnostic | None:
    """For the name of a layer, which has a size only where it is applied to a tensor."""
    name, symbol = expectation.name, evaluator.resolution.scope.find(expectation.name)
    if symbol is not None and symbol.what == "name" and symbol.expression is not None:
        advice = f"a layer has a size where it gets an input: write `{name} = input -> {symbol.expression.span.text}`"
    elif name in words("layer"):
        comparison = f"h {expectation.operator} {expectation.wanted}"
        advice = f"give the tensor a name, `h = input -> {name}(…)`, and write `{comparison}`"
    else:
        return None
    return UnknownName(span=expectation.place, case="layer", name=name, advice=advice)


def _unknown_metric(expectation: Expectation, graph: Graph, problems: Problems) -> Diagnostic | None:
    """None for the name of a metric that training reports: `test_accuracy`, `val_loss`, `test_digit_accuracy`; and for
    `accuracy` alone, of which `check_possible` and `check_measurable` say what is meant."""
    outputs = ["", *(f"{o.name}_" for o in graph.outputs if o.name is not None)]
    prefixes = [f"{part}_{output}" for part in PARTS for output in outputs]
    metrics = ["loss", *_metric_names()]
    names = [prefix + metric for prefix in prefixes for metric in metrics]
    if expectation.name in [*names, *metrics] or _may_be_of_column(expectation.name, prefixes):
        return None
    aliases = {squeeze(metric): f"test_{metric}" for metric in metrics}
    aliases |= dict.fromkeys(("totalparams", "parameters", "numparams", "weights"), "params")
    meant = nearest(expectation.name, names, aliases)
    # The list has only one name per metric, and only those of the test split.
    shown = [prefix + metric for prefix in prefixes[: len(outputs)] for metric in ("loss", *_metric_names(1))]
    pool = [*COUNTS, *graph.labels, *shown, *([meant] if meant is not None else [])]
    advice = suggest(expectation.name, pool, what="metrics", aliases=aliases)
    more = "`val_` and `train_` have the same metrics as `test_`"
    advice += f"\n{more}" * all(more not in problem.hint_text for problem in problems)
    fixes = corrections(expectation.place, pool, aliases)
    return UnknownName(span=expectation.place, name=expectation.name, kind="metric", advice=advice, fixes=fixes)


def _may_be_of_column(name: str, prefixes: Sequence[str]) -> bool:
    """Whether it is the name of a metric of a target column, `test_price_mae`; the data say which columns there are,
    and `check_measurable` looks at them."""
    metrics = [name for name, cls in _metric_classes().items() if cls.by_column]
    return any(name.startswith(prefix) and name.endswith(f"_{metric}") for prefix in prefixes for metric in metrics)


def _metric_names(limit: int | None = None) -> dict[str, bool]:
    """The names of the numbers that metrics report, at most `limit` of each, and whether they are at most 1."""
    return {name: cls.is_fraction or cls.is_at_most_1 for name, cls in _metric_classes(limit).items()}


def _metric_classes(limit: int | None = None) -> dict[str, Any]:
    """The same names, and the words that report them."""
    metrics: list[Any] = [cls for cls in words("metric").values() if hasattr(cls, "metric_names")]
    return {name: cls for cls in metrics for name in cls.metric_names()[:limit]}


def _impossible(expectation: Expectation) -> Diagnostic | None:
    """A fraction that cannot be: `test_accuracy >= 99` without the percent sign."""
    value = expectation.value
    is_fraction = any(expectation.name.endswith(f"_{name}") for name, fits in _metric_names().items() if fits)
    if not is_fraction or not isinstance(value, int | float) or value <= 1:
        return None
    given, case = to_source(value), "percent" if value <= 100 else "fraction"
    what, expected = f"`{expectation.name}`", "a fraction of at most 1"
    return WrongValue(span=expectation.place_of_value, what=what, expected=expected, given=given, case=case)


def check_possible(expectations: list[Expectation], problems: Problems) -> None:
    """What can be said of expectations about metrics before it is known which ones are measured."""
    for expectation in expectations:
        if not expectation.name.startswith(tuple(f"{part}_" for part in PARTS)):
            advice = f"write `{_of_test(expectation)}`"
            problems.add(UnknownName(span=expectation.place, name=expectation.name, kind="metric", advice=advice))
        elif (impossible := _impossible(expectation)) is not None:
            problems.add(impossible)


def _of_test(expectation: Expectation) -> str:
    """The comparison of `accuracy > 90` for the test split, with a fraction."""
    percent = "%" * (_impossible(expectation.replace(name=f"test_{expectation.name}")) is not None)
    return f"test_{expectation.name} {expectation.operator} {expectation.wanted}{percent}"


def check_measurable(
    expectations: list[Expectation],
    metrics: Collection[str],
    problems: Problems,
    advise: Callable[[str], str] | None = None,
) -> None:
    """Report expectations about metrics that a run does not measure; `advise` says what to write instead of one."""
    for expectation in expectations:
        name = expectation.name
        if name in metrics or f"test_{name}" in metrics:
            check_possible([expectation], problems)
        elif name not in metrics:
            advice = suggest(name, metrics, what="measured") if advise is None else advise(name)
            problems.add(UnknownName(span=expectation.place, case="unmeasured", name=name, advice=advice))


def check_measured(expectations: list[Expectation], metrics: Mapping[str, float], problems: Problems) -> None:
    """Compare metrics after training, such as `{"test_accuracy": 0.991}`."""
    check_measurable(expectations, metrics, problems)
    for expectation in expectations:
        if expectation.name in metrics and (unmet := unmet_metric(expectation, metrics[expectation.name])) is not None:
            problems.add(unmet)


def unmet_metric(expectation: Expectation, value: float) -> Diagnostic | None:
    """None if a measured metric is as expected."""
    return expectation.check(value, _measured(expectation, value))


def _measured(expectation: Expectation, value: float) -> str:
    """A metric rounded, with as many digits as show that it is not as expected."""
    in_percent = expectation.wanted.endswith("%")
    for digits in range(4, 17):
        rounded = round(100 * value, digits - 2) / 100 if in_percent else _rounded(value, digits)
        if compare(expectation.operator, rounded, expectation.value, expectation.span) is not True:
            break
    return f"{100 * rounded:.{digits - 2}f}%" if in_percent else to_source(rounded)


def _rounded(number: float, digits: int) -> float:
    """Rounded to a number of significant digits, the integer part in full; unchanged when it is not finite."""
    if not math.isfinite(number) or number == 0:
        return number
    return round(number, max(0, digits - 1 - math.floor(math.log10(abs(number)))))
