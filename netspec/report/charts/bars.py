"""Bars with names beside them, as SVG: a number for each thing, perhaps with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from netspec.language.text import truncated
from netspec.report.charts.axes import axis_of, tick_texts
from netspec.report.charts.lines import COLORS, WIDTH
from netspec.report.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.report.drawing.styles.flow import MARGIN, document, text_svg

LINE, THICKNESS = 22.0, 12.0
MAX_NAME = 26


@dataclass(frozen=True)
class Bar:
    """A number with its name; `low` and `high` are the ends of its interval, `text` is written instead of the
    number."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    text: str = ""


def bars_svg(title: str, axis_name: str, bars: Sequence[Bar], *, summary: str = "", in_percent: bool = False) -> str:
    """Horizontal bars from 0, one below the other.

    Args:
        title: what is shown.
        axis_name: what the numbers are.
        bars: at least one.
        summary: what is seen, in words.
        in_percent: whether the numbers are fractions that are written in percent.
    """
    ends = [end for bar in bars for end in (bar.value, bar.low, bar.high) if end is not None]
    axis = axis_of([0.0, *ends])
    names = [truncated(bar.name, MAX_NAME) for bar in bars]
    texts = [bar.text or f"{bar.value:.3g}" for bar in bars]
    left = MARGIN + max(text_width(name, SMALL_SIZE) for name in names) + 10
    right = max(text_width(text, SMALL_SIZE) for text in texts) + 12
    top = MARGIN + TITLE_SIZE
    y = top + 16
    height = LINE * len(bars)
    body = text_svg(title, MARGIN, top, TITLE_SIZE, "title", bold=True)
    for tick, text in zip(axis.ticks, tick_texts(axis.ticks, in_percent=in_percent), strict=True):
        x = left + WIDTH * axis.at(tick)
        body += f'<path class="grid" d="M{x:.1f} {y:g}v{height:g}"/>'
        body += text_svg(text, x - text_width(text, SMALL_SIZE) / 2, y + height + 16, SMALL_SIZE, "shape")
    zero = left + WIDTH * axis.at(0)
    for number, (bar, name, text) in enumerate(zip(bars, names, texts, strict=True)):
        middle = y + LINE * (number + 0.5)
        body += text_svg(name, left - 10 - text_width(name, SMALL_SIZE), middle + 4, SMALL_SIZE, "title")
        body += _bar(bar, axis.at(bar.value), zero, left, middle)
        if bar.low is not None and bar.high is not None:
            body += _whisker(left + WIDTH * axis.at(bar.low), left + WIDTH * axis.at(bar.high), middle)
        body += text_svg(text, left + WIDTH + 12, middle + 4, SMALL_SIZE, "shape")
    body += f'<path class="ray" d="M{zero:.1f} {y:g}v{height:g}"/>'
    body += text_svg(axis_name, left + WIDTH - text_width(axis_name, SMALL_SIZE), y + height + 32, SMALL_SIZE, "note")
    full = f"{title}. {summary}" if summary else title
    return document(full, body, left + WIDTH + right + MARGIN, y + height + 44)


def _bar(bar: Bar, at: float, zero: float, left: float, middle: float) -> str:
    end = left + WIDTH * at
    shape = f"M{zero:.1f} {middle - THICKNESS / 2:.1f}H{end:.1f}v{THICKNESS:g}H{zero:.1f}z"
    about = f"<title>{escape(bar.name)}</title>"
    return f'<g class="{COLORS[0]}">{about}<path class="stripe" d="{shape}"/></g>'


def _whisker(low: float, high: float, middle: float) -> str:
    top = middle - 4
    return f'<path class="whisker" d="M{low:.1f} {top:g}v8M{low:.1f} {middle:g}H{high:.1f}M{high:.1f} {top:g}v8"/>'
