"""How many targets are in their prediction intervals, and where the others are."""

from __future__ import annotations

import numpy as np

from netspec.analysis.quality.evaluated import Outcome
from netspec.analysis.quality.numbers.intervals import wilson
from netspec.display.charts.plane import Plane, Series, plane_svg
from netspec.display.page.elements import paragraph, side_by_side, table_html
from netspec.display.text import number_text
from netspec.training.control.conformal import percent

MAX_POINTS = 300
"""Examples in a chart."""
MAX_COLUMNS = 4
"""Columns with charts of their own."""


def intervals_html(outcome: Outcome) -> str:
    """A table of the coverage of each column, and charts of the intervals in the order of the predictions."""
    assert outcome.bounds is not None
    low, high = outcome.bounds
    is_inside = (outcome.expected >= low) & (outcome.expected <= high)
    rows = []
    for column, name in enumerate(outcome.names):
        count, total = int(is_inside[:, column].sum()), len(is_inside)
        ends = wilson(count, total)
        width = number_text(float((high - low)[:, column].mean()))
        shown = f"{count / total:.1%} ({ends[0]:.1%} to {ends[1]:.1%})"
        rows.append([name, f"{count:,} of {total:,}", shown, width])
    level = percent(outcome.level)
    head = ["", "inside", "coverage (95% confidence)", "mean width"]
    about = (
        f"About {level} of the targets should be inside their intervals. In a chart the examples are in the order of "
        "their predictions."
    )
    charts = [_chart(outcome, column) for column in range(min(len(outcome.names), MAX_COLUMNS))]
    return paragraph(about) + table_html(f"Intervals of {level}", head, rows) + side_by_side(charts)


def _chart(outcome: Outcome, column: int) -> str:
    assert outcome.bounds is not None
    low, high = (end[:, column] for end in outcome.bounds)
    true, name = outcome.expected[:, column], outcome.names[column]
    order = np.argsort(outcome.predicted[:, column], kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(len(order), MAX_POINTS)).round().astype(int)]
    ranks = np.arange(1, len(chosen) + 1.0)
    is_inside = (true >= low) & (true <= high)
    parts = [
        Series("lower end of the interval", ranks.tolist(), low[chosen].tolist(), color=0),
        Series("upper end", ranks.tolist(), high[chosen].tolist(), color=0, is_dashed=True),
    ]
    for label, color, rows in (("target inside", 2, is_inside), ("target outside", 1, ~is_inside)):
        kept = rows[chosen]
        ys = true[chosen][kept].tolist()
        parts.append(Series(label, ranks[kept].tolist(), ys, kind="points", color=color))
    return plane_svg(Plane(f"Intervals of {name}", "examples, by prediction", name, parts))
