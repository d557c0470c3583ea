"""What the columns of a table have to do with the quality: how much depends on each, and for which rows it is worse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netspec.analysis.quality.evaluated import Evaluated, Outcome
from netspec.analysis.quality.examples import TableColumn
from netspec.analysis.quality.numbers.groups import groups_by_quartile, groups_by_value
from netspec.analysis.quality.numbers.importance import REPEATS, Importance, permutation_importance
from netspec.analysis.quality.numbers.intervals import estimates, ratio, root, wilson
from netspec.analysis.quality.views.estimates import value_text
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.bars import Bar, bars_svg
from netspec.display.page.elements import Cell, heading, paragraph, table_html
from netspec.display.text import name_text

MAX_ROWS = 2000
"""Rows that are permuted."""
MAX_BARS = 20
MAX_GROUPED = 6
MIN_GROUP = 5
"""Smaller groups are not compared."""


def score_of(outcome: Outcome) -> tuple[str, float]:
    """The metric that columns are judged by, and its value: the accuracy, or the RMSE."""
    sizes = amounts_of(outcome)
    return ("accuracy", float(sizes.mean())) if is_right(outcome) else ("rmse", float(np.sqrt(sizes.mean())))


def is_right(outcome: Outcome) -> bool:
    """Whether predictions are right or wrong; otherwise they are numbers."""
    return outcome.kind in ("classes", "yes_no", "labels")


def amounts_of(outcome: Outcome) -> Array:
    """For each row 1 or 0 as the prediction is right or wrong, or the squared error; of several targets its mean, each
    in units of its standard deviation, since they may have different units."""
    if is_right(outcome):
        right: Array = (outcome.expected == outcome.decided).astype(float).reshape(len(outcome), -1)
        fractions: Array = right.mean(axis=1)
        return fractions
    errors = outcome.predicted - outcome.expected
    if _is_relative(outcome):
        spread = outcome.expected.std(axis=0)
        errors = errors / np.where(spread > 0, spread, 1)
    squares = np.square(errors).reshape(len(outcome), -1)
    means: Array = squares.mean(axis=1)
    return means


def _is_relative(outcome: Outcome) -> bool:
    """Whether there are several targets, whose errors count in units of their deviations."""
    return not is_right(outcome) and outcome.expected.ndim == 2 and outcome.expected.shape[1] > 1


def importances(of: Evaluated, orders: Sequence[Array] | None = None) -> dict[str, list[Importance | None]]:
    """For each output how much worse it becomes when a column is permuted, in the order of the columns: by how much
    the accuracy falls, or the RMSE rises. `orders` are permutations of the rows (None: `REPEATS` that are drawn)."""
    rows = np.arange(min(len(of.index), MAX_ROWS))
    inputs = {name: x[rows] for name, x in of.inputs.items()}
    part = of.taking(rows)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(rows)) for _ in range(REPEATS)] if orders is None else orders
    names = [*of.outcomes]
    found: dict[str, list[Importance | None]] = {name: [] for name in names}

    def scores(changed: Mapping[str, Array]) -> Array:
        outcomes = part.again(changed)
        values = [score_of(outcomes[name]) for name in names]
        return np.array([value if metric == "accuracy" else -value for metric, value in values])

    def permuted(column: TableColumn) -> Callable[[Array], Mapping[str, Array]]:
        def change(order: Array) -> Mapping[str, Array]:
            mine = inputs[column.input].copy()
            part_of = ... if column.features is None else (slice(None), column.features)
            mine[part_of] = inputs[column.input][order][part_of]
            return {**inputs, column.input: mine}

        return change

    changes = [permuted(column) for column in of.examples.columns]
    for one in permutation_importance(scores, changes, orders, baseline=scores(inputs)):
        for number, name in enumerate(names):
            found[name].append(None if one is None else one[number])
    return found


def importance_html(of: Evaluated, outcome: Outcome, found: list[Importance | None]) -> str:
    """The columns as bars, the most important first."""
    columns = of.examples.columns
    known = [(one, name_text(columns[i].name)) for i, one in enumerate(found) if one is not None]
    ranked = sorted(known, key=lambda pair: -pair[0].mean)[:MAX_BARS]
    metric, _ = score_of(outcome)
    unit = "decrease of the accuracy" if metric == "accuracy" else "increase of the RMSE"
    unit += ", in standard deviations of the targets" if _is_relative(outcome) else ""
    bars = [
        Bar(name, one.mean, one.mean - one.std, one.mean + one.std, _signed(metric, one.mean)) for one, name in ranked
    ]
    first = f"most depends on {ranked[0][1]}" if ranked and ranked[0][0].mean > 0 else ""
    is_fraction = metric == "accuracy"
    chart = bars_svg("Permutation importance", unit, bars, summary=first, in_percent=is_fraction) if bars else ""
    some = f"the {len(ranked)} most important of {len(columns)} columns; " if len(ranked) < len(columns) else ""
    text = (
        f"The values of a column are shuffled {REPEATS} times ({some}the lines are ± 1 standard deviation): by so "
        "much the predictions become worse (Breiman 2001). Columns that are correlated can replace each other, so that "
        "none of them may seem important."
    )
    return heading("Importance of the columns") + paragraph(text) + f'<div class="scroll">{chart}</div>'


def _signed(metric: str, value: float) -> str:
    return f"{100 * value:.1f}%" if metric == "accuracy" else f"{value:.3g}"


@dataclass(frozen=True)
class Group:
    """Some rows: how many they are, and their metric with the ends of its interval."""

    name: str
    count: int
    value: float
    low: float
    high: float


def groups_html(of: Evaluated, outcome: Outcome) -> str:
    """The metric for groups of rows: of the columns between whose groups it differs most."""
    amounts = amounts_of(outcome)
    metric, whole = score_of(outcome)
    found: list[tuple[float, str, list[Group]]] = []
    for column in of.examples.columns:
        groups = [_group(name, metric, amounts[rows]) for name, rows in _groups(of, column) if len(rows) >= MIN_GROUP]
        values = [group.value for group in groups]
        if len(groups) > 1:
            found.append((max(values) - min(values), name_text(column.name), groups))
    if not found:
        return ""
    shown = sorted(found, key=lambda one: -one[0])[:MAX_GROUPED]
    rows: list[list[str | Cell]] = []
    has_worse = False
    for _, name, groups in shown:
        for group in groups:
            interval = f"{value_text(metric, group.low)} to {value_text(metric, group.high)}"
            is_worse = group.high < whole if metric == "accuracy" else group.low > whole
            has_worse |= is_worse
            value = Cell(value_text(metric, group.value), is_bold=is_worse)
            rows.append([f"{name}: {name_text(group.name)}", f"{group.count:,}", value, interval])
    text = f"All rows together: {value_text(metric, whole)}. "
    text += "Groups whose interval is on the worse side of it are bold." if has_worse else "No group is clearly worse."
    if _is_relative(outcome):
        text += " Errors of each target are in units of its standard deviation."
    if len(shown) < len(found):
        text += f" Shown are the {len(shown)} of {len(found)} columns whose groups differ most."
    caption = "Groups by the values of a column, of numbers by their quartiles"
    name = "RMSE in standard deviations" if _is_relative(outcome) else {"rmse": "RMSE"}.get(metric, metric)
    head = ["rows with", "rows", name, "95% interval"]
    return heading("Groups of rows") + paragraph(text) + table_html(caption, head, rows)


def _groups(of: Evaluated, column: TableColumn) -> Iterable[tuple[str, Array]]:
    if column.tokens is not None:  # texts hardly ever repeat
        return ()
    raw = of.examples.raw(column.input, of.index)
    if column.is_number:
        return groups_by_quartile(column.of(raw)[:, 0]).items()
    return groups_by_value(column.texts(raw)).items()


def _group(name: str, metric: str, amounts: Array) -> Group:
    mean = float(amounts.mean())
    if metric == "accuracy":
        return Group(name, len(amounts), mean, *wilson(mean * len(amounts), len(amounts)))
    found = estimates({"": root(ratio(amounts))}, len(amounts))[""]
    return Group(name, len(amounts), found.value, found.low, found.high)
