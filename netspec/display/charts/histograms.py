"""Histograms as SVG: a small one for a cell of a table, and those of many layers, each on axes of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from netspec.display.charts.axes import Axis, axis_of
from netspec.display.charts.field import EDGE, Field, left_room
from netspec.display.charts.key import full_width, head_svg
from netspec.display.drawing.cards import SMALL_SIZE, text_width
from netspec.display.drawing.styles.flow import MARGIN, document, text_svg
from netspec.display.text import number_text

CELL = 132.0, 34.0
"""The size of a small histogram."""
WIDTH, HEIGHT = 280.0, 100.0
GAP, LINE = 34.0, 15.0
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
    counts: Sequence[int]

    @property
    def fractions(self) -> list[float]:
        total = max(sum(self.counts), 1)
        return [count / total for count in self.counts]

    @property
    def up(self) -> Axis:
        """The axis of the fractions."""
        return axis_of([0.0, *self.fractions], in_percent=True)


def histogram_svg(counts: Sequence[int], low: float, high: float) -> str:
    """A small histogram without axes; arguments are those of `Histogram`."""
    width = (high - low) / len(counts)
    field = Field(Axis(0.0, len(counts), ()), Axis(0.0, max(counts), ()), 0.0, 2.0, CELL[0], CELL[1] - 3)
    fullest = low + width * max(range(len(counts)), key=counts.__getitem__)
    words = (
        f"Histogram from {number_text(low)} to {number_text(high)}: most numbers, {max(counts) / sum(counts):.0%}, are "
        f"between {number_text(fullest)} and {number_text(fullest + width)}"
    )
    return (
        f'<svg class="net" width="{CELL[0]:g}" height="{CELL[1]:g}" viewBox="0 0 {CELL[0]:g} {CELL[1]:g}" role="img" '
        f'aria-label="{escape(words)}"><title>{escape(words)}</title>'
        f'<g class="conv"><path class="stripe" d="{_bars(field, counts, 0, len(counts))}"/></g>'
        f'<path class="ray" d="M0 {CELL[1] - 0.5:g}h{CELL[0]:g}"/></svg>'
    )


def histograms_svg(title: str, notes: Sequence[str], parts: Sequence[Histogram]) -> str:
    """A picture of histograms, side by side and below each other.

    Args:
        title: what is shown.
        notes: lines below the title.
        parts: at least one.
    """
    body, y = head_svg(title, notes=notes)
    left = max(left_room(part.up) for part in parts)
    texts = [text_width(text, SMALL_SIZE) for part in parts for text in (part.title, part.note)]
    width = max(left + WIDTH + EDGE, *texts)
    columns = min(COLUMNS, len(parts))
    y += LINE
    for begin in range(0, len(parts), columns):
        row = parts[begin : begin + columns]
        length = int(width / text_width("x", SMALL_SIZE))
        warnings = [wrap(part.warning, length, subsequent_indent="  ") for part in row]
        head = LINE * (2 + max(map(len, warnings))) + 12
        for number, (part, lines) in enumerate(zip(row, warnings, strict=True)):
            x = MARGIN + number * (width + GAP)
            body += text_svg(part.title, x, y + LINE, SMALL_SIZE, "title", bold=True)
            body += text_svg(part.note, x, y + 2 * LINE, SMALL_SIZE, "shape")
            for line, text in enumerate(lines, 3):
                body += text_svg(text, x, y + line * LINE, SMALL_SIZE, "changed")
            body += _part(part, x + left, y + head)
        y += head + HEIGHT + 2 * LINE + STRIP + GAP / 2
    return document(title, body, full_width(title, columns * (width + GAP) - GAP + 2 * MARGIN, notes), y)


def _part(part: Histogram, left: float, top: float) -> str:
    field = Field(axis_of([part.low, part.high]), part.up, left, top, WIDTH, HEIGHT)
    path = _bars(field, part.fractions, part.low, part.high)
    about = f"<title>{escape(part.title)}</title>"
    bars = f'<g class="conv">{about}<path class="stripe" d="{path}"/></g>' if path else ""
    return field.frame("") + bars + _zeros(part.zeros, left, field.bottom + LINE + 11)


def _bars(field: Field, numbers: Sequence[float], low: float, high: float) -> str:
    step = (high - low) / len(numbers)
    return field.bars((low + i * step, low + (i + 1) * step, number) for i, number in enumerate(numbers))


def _zeros(fraction: float, x: float, y: float) -> str:
    """A strip that is filled as far as numbers are zeros, and the fraction."""
    text = f"{100 * fraction:.3g}% zeros"
    room = WIDTH - text_width(text, SMALL_SIZE) - 10
    strip = f'<rect class="card" x="{x:g}" y="{y:g}" width="{room:g}" height="{STRIP:g}"/>'
    if fraction:
        filled = f'<rect class="stripe" x="{x:g}" y="{y:g}" width="{room * fraction:.1f}" height="{STRIP:g}"/>'
        strip += f'<g class="block"><title>{text}</title>{filled}</g>'
    return strip + text_svg(text, x + room + 10, y + STRIP, SMALL_SIZE, "shape")
