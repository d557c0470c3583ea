"""Bars with names beside them, as SVG: a number for each thing, perhaps with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from netspec.display.charts.axes import Axis, axis_of
from netspec.display.charts.field import FOOT, MIN_LEFT, WIDTH, Field
from netspec.display.charts.key import color_class, full_width, head_svg
from netspec.display.drawing.cards import SMALL_SIZE, text_width
from netspec.display.drawing.styles.flow import MARGIN, document, text_svg
from netspec.display.text import number_text
from netspec.language.text import truncated

LINE, THICKNESS = 22.0, 12.0
MAX_NAME = 40


@dataclass(frozen=True)
class Bar:
    """A number with its name; `low` and `high` are the ends of its interval, `text` is written instead of the
    number."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    text: str = ""
    color: int = 0


def bars_svg(title: str, axis_name: str, bars: Sequence[Bar], *, summary: str = "", in_percent: bool = False) -> str:
    """Horizontal bars from 0, one below the other.

    Args:
        title: what is shown.
        axis_name: what the numbers are.
        bars: at least one.
        summary: what is seen, in words.
        in_percent: whether the numbers are fractions that are written in percent.
    """
    head, top = head_svg(title)
    body, right, bottom = rows_svg(bars, MARGIN, top + 16, axis_name, in_percent=in_percent)
    full = f"{title}. {summary}" if summary else title
    return document(full, head + body, full_width(title, right + MARGIN), bottom + FOOT + MARGIN / 2)


def rows_svg(
    bars: Sequence[Bar], x: float, y: float, axis_name: str = "", *, in_percent: bool = False
) -> tuple[str, float, float]:
    """Bars with their upper left corner at (x, y), and their ends at the right and below, without what is written
    below them; other arguments are those of `bars_svg`."""
    ends = [end for bar in bars for end in (bar.value, bar.low, bar.high) if end is not None]
    names = [truncated(bar.name, MAX_NAME) for bar in bars]
    texts = [bar.text or f"{bar.value:.3g}" for bar in bars]
    left = x + max(MIN_LEFT, *(text_width(name, SMALL_SIZE) + 10 for name in names))
    axis = axis_of([0.0, *ends], in_percent=in_percent)
    field = Field(axis, Axis(len(bars), 0.0, ()), left, y, WIDTH, LINE * len(bars))
    body = field.below(axis_name, has_grid=True)
    for number, (bar, name, text) in enumerate(zip(bars, names, texts, strict=True)):
        middle = y + LINE * (number + 0.5)
        body += text_svg(name, left - 10 - text_width(name, SMALL_SIZE), middle + 4, SMALL_SIZE, "title")
        body += _bar(bar, field, number + 0.5) + text_svg(text, field.right + 12, middle + 4, SMALL_SIZE, "shape")
    zero = field.at(0.0, 0.0)[0]
    body += f'<path class="ray" d="M{zero:.1f} {y:g}v{field.height:g}"/>'
    right = field.right + 12 + max(text_width(text, SMALL_SIZE) for text in texts)
    return body, right, field.bottom


def _bar(bar: Bar, field: Field, line: float) -> str:
    """A bar in the middle of a line, with its interval."""
    (zero, middle), end = field.at(0.0, line), field.at(bar.value, line)[0]
    top = middle - THICKNESS / 2
    about = f"<title>{escape(f'{bar.name}: {bar.text or number_text(bar.value)}')}</title>"
    drawn = f'<path class="stripe" d="M{zero:.1f} {top:.1f}H{end:.1f}v{THICKNESS:g}H{zero:.1f}z"/>'
    drawn = f'<g class="{color_class(bar.color)}">{about}{drawn}</g>'
    if bar.low is None or bar.high is None:
        return drawn
    low, high = field.at(bar.low, line)[0], field.at(bar.high, line)[0]
    ends = "".join(f"M{x:.1f} {middle - 4:g}v8" for x in (low, high))
    return f'{drawn}<path class="whisker" d="{ends}M{low:.1f} {middle:g}H{high:.1f}"/>'
