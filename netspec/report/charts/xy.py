"""Points and curves over two axes of numbers, as SVG: scatter charts, functions of one input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Literal

from netspec.report.charts.axes import Axis, close_axis, tick_texts
from netspec.report.charts.lines import COLORS as CURVE_COLORS, SWATCH
from netspec.report.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.report.drawing.styles.flow import MARGIN, document, text_svg
from netspec.report.drawing.theme import chart_style

COLORS = (*CURVE_COLORS, "removed", "block")
WIDTH, HEIGHT = 560.0, 400.0
"""Of the field, without what is written around it."""
TOP, BOTTOM = 30.0, 46.0
RADIUS = 2.6
KEY_LINE = 18.0
SHAPES = (
    "M{left:.1f} {top:.1f}h{d:.1f}v{d:.1f}h-{d:.1f}z",
    "M{x:.1f} {above:.1f}l{r:.1f} {r:.1f}l-{r:.1f} {r:.1f}l-{r:.1f} -{r:.1f}z",
    "M{x:.1f} {above:.1f}l{r:.1f} {h:.1f}h-{h:.1f}z",
    "M{left:.1f} {top:.1f}"
    "h{t:.1f}v-{t:.1f}h{t:.1f}v{t:.1f}h{t:.1f}v{t:.1f}h-{t:.1f}v{t:.1f}h-{t:.1f}v-{t:.1f}h-{t:.1f}z",
    "M{x:.1f} {below:.1f}l{r:.1f} -{h:.1f}h-{h:.1f}z",
)
"""Square, diamond, triangle, cross, triangle on its tip: no two of fifty classes have the same color and marker."""


@dataclass(frozen=True)
class Series:
    """Points, or a curve through them where `style` is not `points`; None for no name: it is not in the key.

    `color` counts the colors and the markers, None is the color of the text; `labels` are written beside the points,
    the name in the middle of them with `is_named`.
    """

    name: str | None
    x: Sequence[float]
    y: Sequence[float]
    color: int | None = 0
    style: Literal["points", "thin", "thick", "dashed"] = "points"
    labels: Sequence[str] = ()
    is_named: bool = False


def xy_svg(title: str, names: tuple[str, str], series: Sequence[Series]) -> str:
    """A picture of series of points and curves; those that come later are drawn above the others.

    Args:
        title: what is shown.
        names: those of the axes.
        series: at least one, with at least one point.
    """
    across, up = (close_axis([value for one in series for value in getattr(one, name)]) for name in ("x", "y"))
    texts = tick_texts(across.ticks), tick_texts(up.ticks)
    left = MARGIN + max(44.0, *(text_width(text, SMALL_SIZE) + 12 for text in texts[1]))
    key, bottom = _key([one for one in series if one.name is not None], WIDTH + left - MARGIN)
    field = _Field(across, up, left, bottom + TOP)
    body = chart_style() + text_svg(title, MARGIN, MARGIN + TITLE_SIZE, TITLE_SIZE, "title", bold=True) + key
    body += field.axes(texts, names) + "".join(map(field.series, series)) + field.texts(series)
    width = max(left + WIDTH, MARGIN + text_width(title, TITLE_SIZE)) + MARGIN
    reach = max((field.right(one) for one in series if one.labels), default=0.0)
    return document(title, body, max(width, reach + MARGIN), field.top + HEIGHT + BOTTOM)


def _key(series: Sequence[Series], width: float) -> tuple[str, float]:
    """The names of the series, as many in a line as fit, and where the last line ends."""
    parts, x, y = [], MARGIN, MARGIN + TITLE_SIZE + 20
    for one in series:
        sign = 12.0 if one.style == "points" else SWATCH
        needed = sign + 6 + text_width(one.name or "", SMALL_SIZE) + 16
        if x > MARGIN and x + needed > MARGIN + width + 16:
            x, y = MARGIN, y + KEY_LINE
        drawn = marker(one.color, x + 6, y - 4, 1.5 * RADIUS) if one.style == "points" else f"M{x:g} {y - 4:g}h{sign:g}"
        parts.append(f'<g class="{_kind(one)}"><path class="{_look(one)}" d="{drawn}"/></g>')
        parts.append(text_svg(one.name or "", x + sign + 6, y, SMALL_SIZE, "shape"))
        x += needed
    return "".join(parts), y if parts else MARGIN + TITLE_SIZE


@dataclass(frozen=True)
class _Field:
    """The field of a chart: its axes, and its upper left corner in CSS pixels."""

    across: Axis
    up: Axis
    left: float
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + WIDTH * self.across.at(x), self.top + HEIGHT * (1 - self.up.at(y))

    def axes(self, texts: tuple[Sequence[str], Sequence[str]], names: tuple[str, str]) -> str:
        parts = []
        for tick, text in zip(self.up.ticks, texts[1], strict=True):
            y = self.top + HEIGHT * (1 - self.up.at(tick))
            parts.append(f'<path class="grid" d="M{self.left:g} {y:.1f}h{WIDTH:g}"/>')
            parts.append(text_svg(text, self.left - 8 - text_width(text, SMALL_SIZE), y + 4, SMALL_SIZE, "shape"))
        end = self.top + HEIGHT
        for tick, text in zip(self.across.ticks, texts[0], strict=True):
            x = self.left + WIDTH * self.across.at(tick)
            parts.append(f'<path class="ray" d="M{x:.1f} {end:g}v4"/>')
            parts.append(text_svg(text, x - text_width(text, SMALL_SIZE) / 2, end + 16, SMALL_SIZE, "shape"))
        parts.append(f'<path class="ray" d="M{self.left:g} {self.top:g}v{HEIGHT:g}h{WIDTH:g}"/>')
        across = self.left + WIDTH - text_width(names[0], SMALL_SIZE)
        parts.append(text_svg(names[0], across, end + 34, SMALL_SIZE, "note"))
        parts.append(text_svg(names[1], self.left, self.top - 9, SMALL_SIZE, "note"))
        return "".join(parts)

    def series(self, one: Series) -> str:
        points = [self.at(x, y) for x, y in zip(one.x, one.y, strict=True) if math.isfinite(x) and math.isfinite(y)]
        if one.style == "points":
            path = "".join(marker(one.color, x, y, RADIUS) for x, y in points)
        else:
            path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        about = f"<title>{escape(one.name)}</title>" if one.name is not None else ""
        return f'<g class="{_kind(one)}">{about}<path class="{_look(one)}" d="{path}"/></g>'

    def texts(self, series: Sequence[Series]) -> str:
        """The names of series at the medians of their points, and the labels of points: those that cover neither
        another point nor an earlier text."""
        parts: list[str] = []
        points = [self.at(x, y) for one in series if one.labels for x, y in zip(one.x, one.y, strict=True)]
        taken: list[tuple[float, float, float]] = []

        def is_free(x: float, y: float, width: float, height: float) -> bool:
            if any(x < end and begin < x + width and abs(y - line) < height for begin, end, line in taken):
                return False
            taken.append((x, x + width, y))
            return True

        for one in series:
            if one.is_named and one.name is not None:
                x, y = self.at(median(one.x), median(one.y))
                width = text_width(one.name, TITLE_SIZE)
                if is_free(x - width / 2 - 3, y, width + 6, 20):
                    box = f'x="{x - width / 2 - 3:.1f}" y="{y - 9:.1f}" width="{width + 6:.1f}" height="18" rx="4"'
                    parts.append(f'<rect class="halo" {box}/>')
                    parts.append(text_svg(one.name, round(x - width / 2, 1), round(y + 4.5, 1), TITLE_SIZE, "title"))
            for label, first, second in zip(one.labels, one.x, one.y, strict=False):
                x, y = self.at(first, second)
                width = text_width(label, SMALL_SIZE)
                is_clear = not any(x < left < x + width + 8 and abs(y - top) < 7 for left, top in points)
                if is_clear and is_free(x + RADIUS + 3, y, width, 11):
                    parts.append(text_svg(label, round(x + RADIUS + 3, 1), round(y + 4, 1), SMALL_SIZE, "shape"))
        return "".join(parts)

    def right(self, one: Series) -> float:
        """Where the labels of a series end at most."""
        places = (self.at(x, 0)[0] for x in one.x)
        return max(x + RADIUS + 3 + text_width(label, SMALL_SIZE) for x, label in zip(places, one.labels, strict=True))


def marker(color: int | None, x: float, y: float, radius: float) -> str:
    """The path of a marker around a point; which one depends on the number of the color."""
    number, large = color or 0, 1.35 * radius  # shapes that are narrow at their ends are as large as squares look
    shape = (number + number // len(COLORS)) % len(SHAPES)
    left, top = (x - radius, y - radius) if shape == 0 else (x - large, y - 0.45 * radius)
    return SHAPES[shape].format(
        x=x, left=left, top=top, above=y - large, below=y + large, r=large, d=2 * radius, h=2 * large, t=0.9 * radius
    )


def _kind(one: Series) -> str:
    return "merge" if one.color is None else COLORS[one.color % len(COLORS)]


def _look(one: Series) -> str:
    """The classes of the path of a series (theme.py)."""
    return {"points": "stripe back", "thin": "mark thin", "thick": "mark thick", "dashed": "mark thin skip"}[one.style]
