"""Histograms as SVG, side by side and below each other, each on axes of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

from netspec.report.charts.axes import axis_of, tick_texts
from netspec.report.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.report.drawing.styles.flow import MARGIN, document, text_svg

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

WIDTH, HEIGHT = 280.0, 100.0
LEFT, GAP, LINE = 44.0, 34.0, 15.0
COLUMNS = 3
STRIP = 7.0
"""How high the strip is that shows the fraction of zeros."""


@dataclass(frozen=True)
class Histogram:
    """Numbers in bins of equal width from `low` to `high`, and the fraction of zeros, which are in no bin.

    Args:
        title: what the numbers are.
        note: a line below.
        warning: a text in the color of warnings, which is broken into lines; empty: none.
        zeros: from 0 to 1.
        low: where the first bin begins.
        high: where the last one ends.
        counts: of the bins.
    """

    title: str
    note: str
    warning: str
    zeros: float
    low: float
    high: float
    counts: Array


def histograms_svg(title: str, notes: Sequence[str], parts: Sequence[Histogram]) -> str:
    """A picture of histograms.

    Args:
        title: what is shown.
        notes: lines below the title.
        parts: at least one.
    """
    y = MARGIN + TITLE_SIZE
    body = text_svg(title, MARGIN, y, TITLE_SIZE, "title", bold=True)
    for note in notes:
        y += LINE
        body += text_svg(note, MARGIN, y, SMALL_SIZE, "note")
    width = max(LEFT + WIDTH, *(text_width(text, SMALL_SIZE) for part in parts for text in (part.title, part.note)))
    columns = min(COLUMNS, len(parts))
    y += LINE
    for begin in range(0, len(parts), columns):
        row = parts[begin : begin + columns]
        warnings = [
            wrap(part.warning, int(width / text_width("x", SMALL_SIZE)), subsequent_indent="  ") for part in row
        ]
        head = LINE * (2 + max(map(len, warnings))) + 12
        for number, (part, lines) in enumerate(zip(row, warnings, strict=True)):
            x = MARGIN + number * (width + GAP)
            body += text_svg(part.title, x, y + LINE, SMALL_SIZE, "title", bold=True)
            body += text_svg(part.note, x, y + 2 * LINE, SMALL_SIZE, "shape")
            for line, text in enumerate(lines, 3):
                body += text_svg(text, x, y + line * LINE, SMALL_SIZE, "changed")
            body += _part(part, x + LEFT, y + head)
        y += head + HEIGHT + 2 * LINE + STRIP + GAP / 2
    right = max(columns * (width + GAP) - GAP, *(text_width(text, SMALL_SIZE) for text in (title, *notes)))
    return document(title, body, right + 2 * MARGIN, y)


def _part(part: Histogram, left: float, top: float) -> str:
    body = ""
    total = max(int(part.counts.sum()), 1)
    fractions = (part.counts / total).tolist()
    up, across = axis_of([0.0, max(fractions)]), axis_of([part.low, part.high])
    for tick, text in zip(up.ticks, tick_texts(up.ticks, in_percent=True), strict=True):
        height = top + HEIGHT * (1 - up.at(tick))
        body += f'<path class="grid" d="M{left:g} {height:.1f}h{WIDTH:g}"/>'
        body += text_svg(text, left - 6 - text_width(text, SMALL_SIZE), height + 4, SMALL_SIZE, "shape")
    bars = ""
    step = (part.high - part.low) / len(fractions)
    for number, fraction in enumerate(fractions):
        begin, end = (left + WIDTH * across.at(part.low + step * edge) for edge in (number, number + 1))
        high = HEIGHT * up.at(fraction)
        if fraction:
            bars += f"M{begin:.1f} {top + HEIGHT:g}v-{high:.1f}H{end:.1f}v{high:.1f}z"
    if bars:
        body += f'<g class="conv"><title>{escape(part.title)}</title><path class="stripe" d="{bars}"/></g>'
    body += f'<path class="ray" d="M{left:g} {top + HEIGHT:g}h{WIDTH:g}"/>'
    texts = tick_texts(across.ticks)
    every = 1 + int(sum(text_width(text, SMALL_SIZE) + 8 for text in texts) // WIDTH)
    for tick, text in [*zip(across.ticks, texts, strict=True)][::every]:
        at = left + WIDTH * across.at(tick)
        body += f'<path class="ray" d="M{at:.1f} {top + HEIGHT:g}v4"/>'
        body += text_svg(text, at - text_width(text, SMALL_SIZE) / 2, top + HEIGHT + 16, SMALL_SIZE, "shape")
    return body + _zeros(part.zeros, left, top + HEIGHT + LINE + 11)


def _zeros(fraction: float, x: float, y: float) -> str:
    """A strip that is filled as far as numbers are zeros, and the fraction."""
    text = f"{100 * fraction:.3g}% zeros"
    room = WIDTH - text_width(text, SMALL_SIZE) - 10
    strip = f'<rect class="card" x="{x:g}" y="{y:g}" width="{room:g}" height="{STRIP:g}"/>'
    if fraction:
        filled = f'<rect class="stripe" x="{x:g}" y="{y:g}" width="{room * fraction:.1f}" height="{STRIP:g}"/>'
        strip += f'<g class="block"><title>{text}</title>{filled}</g>'
    return strip + text_svg(text, x + room + 10, y + STRIP, SMALL_SIZE, "shape")
