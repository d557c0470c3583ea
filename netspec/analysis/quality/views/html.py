"""Elements of pages: tables, charts side by side, numbers as texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from netspec.analysis.quality.numbers.intervals import Estimate
from netspec.report.metric_text import metric_text
from netspec.report.text import number_text

IN_UNITS = ("rmse", "mae")
"""Metrics in the unit of the target, which may have any size."""


def table_html(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A table that is scrolled where it is too wide; the first cell of a row is its heading.

    Args:
        caption: what it shows, plain text.
        head: the headings of the columns, plain text.
        rows: the cells, HTML.
        left: how many columns are aligned left; the others are numbers.
    """
    kinds = ["" if index < left else ' class="number"' for index in range(len(head))]
    pairs = zip(kinds, head, strict=True)
    heads = "".join(f'<th scope="col"{kind}>{escape(text)}</th>' if text else "<td></td>" for kind, text in pairs)
    body = ""
    for row in rows:
        cells = "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds[1:], row[1:], strict=True))
        body += f'<tr><th scope="row">{row[0]}</th>{cells}</tr>'
    name = escape(caption)
    return (
        f'<div class="scroll" role="group" aria-label="{name}"><table><caption>{name}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def charts_html(charts: Sequence[str]) -> str:
    """Pictures beside and below each other."""
    shown = "".join(f"<div>{chart}</div>" for chart in charts)
    return f'<div class="charts">{shown}</div>' if charts else ""


def paragraph(text: str, kind: str = "") -> str:
    """A plain text as a paragraph."""
    name = f' class="{kind}"' if kind else ""
    return f"<p{name}>{escape(text)}</p>"


def heading(text: str, level: int = 3) -> str:
    return f"<h{level}>{escape(text)}</h{level}>"


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
        rows.append([escape(name), value_text(metric, value), interval])
    return table_html(caption, ["metric", "value", "95% interval"], rows)
