"""Metrics as texts, and a table of them with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping

from netspec.analysis.quality.numbers.intervals import Estimate
from netspec.display.metric_text import metric_text
from netspec.display.page.elements import table_html
from netspec.display.text import number_text

IN_UNITS = ("rmse", "mae")
"""Metrics in the unit of the target, which may have any size."""


def value_text(metric: str, value: float) -> str:
    """A metric; a dash where it is not defined."""
    if not math.isfinite(value):
        return "–"
    return number_text(value) if metric in IN_UNITS else metric_text(metric, value)


def estimates_html(caption: str, found: Mapping[str, tuple[str, Estimate | float]]) -> str:
    """Metrics with their intervals.

    Args:
        caption: what they are measured on.
        found: what is shown, by its name: the name of the metric, and its value.
    """
    rows = []
    for name, (metric, estimate) in found.items():
        interval = ""
        if isinstance(estimate, Estimate):
            low, high = value_text(metric, estimate.low), value_text(metric, estimate.high)
            interval = f"{low} to {high}"
        value = estimate.value if isinstance(estimate, Estimate) else estimate
        rows.append([name, value_text(metric, value), interval])
    return table_html(caption, ["metric", "value", "95% bootstrap interval"], rows)
