"""Points and curves over two axes of numbers, as SVG: scatter charts, functions of one input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from netspec.report.charts.axes import Axis, axis_of, tick_texts
from netspec.report.charts.lines import COLORS, SWATCH
from netspec.report.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.report.drawing.styles.flow import MARGIN, document, text_svg

WIDTH, HEIGHT = 560.0, 400.0
"""Of the field, without what is written around it."""
TOP, BOTTOM = 30.0, 46.0
RADIUS = 2.6
KEY_LINE = 18.0
SHAPES = (
    "M{x0:.1f} {y0:.1f}h{d:.1f}v{d:.1f}h-{d:.1f}z",
    "M{x:.1f} {y1:.1f}l{r:.1f} {r:.1f}l-{r:.1f} {r:.1f}l-{r:.1f} -{r:.1f}z",
    "M{x:.1f} {y1:.1f}l{r:.1f} {h:.1f}h-{h:.1f}z",
    "M{x0:.1f} {y2:.1f}h{t:.1f}v-{t:.1f}h{t:.1f}v{t:.1f}h{t:.1f}v{t:.1f}h-{t:.1f}v{t:.1f}h-{t:.1f}v-{t:.1f}h-{t:.1f}z",
    "M{x:.1f} {y3:.1f}l{r:.1f} -{h:.1f}h-{h:.1f}z",
)
"""Square, diamond, triangle, cross, triangle on its tip: with the eight colors, forty kinds of markers."""


@dataclass(frozen=True)
class Series:
    """Points, or a curve through them where `style` is not `points`; None for no name: it is not in the key.

    `color` counts the colors and the markers, None is the color of the text; `labels` are written beside the points.
    """

    name: str | None
    x: Sequence[float]
    y: Sequence[float]
    color: int | None = 0
    style: Literal["points", "thin", "thick", "dashed"] = "points"
    labels: Sequence[str] = ()


def xy_svg(title: str, names: tuple[str, str], series: Sequence[Series]) -> str:
    """A picture of series of points and curves; those that come later are drawn above the others.

    Args:
        title: what is shown.
        names: those of the axes.
        series: at least one, with at least one point.
    """
    across, up = (_axis([value for one in series for value in getattr(one, name)]) for name in ("x", "y"))
    texts = tick_texts(across.ticks), tick_texts(up.ticks)
    left = MARGIN + max(44.0, *(text_width(text, SMALL_SIZE) + 12 for text in texts[1]))
    key, bottom = _key([one for one in series if one.name is not None], WIDTH + left - MARGIN)
    field = _Field(across, up, left, bottom + TOP)
    body = text_svg(title, MARGIN, MARGIN + TITLE_SIZE, TITLE_SIZE, "title", bold=True) + key
    body += field.axes(texts, names) + "".join(map(field.series, series))
    width = max(left + WIDTH, MARGIN + text_width(title, TITLE_SIZE)) + MARGIN
    reach = max((field.right(one) for one in series if one.labels), default=0.0)
    return document(title, body, max(width, reach + MARGIN), field.top + HEIGHT + BOTTOM)


def _axis(values: Sequence[float]) -> Axis:
    """From the smallest to the largest number, with a margin; its ticks are round numbers."""
    around = axis_of(values)
    low, high = (min(values), max(values)) if min(values) < max(values) else (around.low, around.high)
    low, high = low - 0.04 * (high - low), high + 0.04 * (high - low)
    return Axis(low, high, tuple(tick for tick in around.ticks if low <= tick <= high))


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
        labels = "".join(
            text_svg(label, x + RADIUS + 3, y + 4, SMALL_SIZE, "shape")
            for label, (x, y) in zip(one.labels, points, strict=False)
        )
        about = f"<title>{escape(one.name)}</title>" if one.name is not None else ""
        return f'<g class="{_kind(one)}">{about}<path class="{_look(one)}" d="{path}"/></g>{labels}'

    def right(self, one: Series) -> float:
        """Where the labels of a series end."""
        places = (self.at(x, y)[0] for x, y in zip(one.x, one.y, strict=True))
        return max(x + RADIUS + 3 + text_width(label, SMALL_SIZE) for x, label in zip(places, one.labels, strict=True))


def marker(color: int | None, x: float, y: float, radius: float) -> str:
    """The path of a marker around a point; which one depends on the number of the color."""
    sizes = {"r": 1.35 * radius, "d": 2 * radius, "h": 2.7 * radius, "t": 0.9 * radius}
    lines = {"x0": x - radius, "y0": y - radius, "y1": y - 1.35 * radius, "y2": y - 0.45 * radius, "y3": y + 1.35 * radius}
    if (color or 0) % len(SHAPES) == 3:
        lines["x0"] = x - 1.35 * radius
    return SHAPES[(color or 0) % len(SHAPES)].format(x=x, y=y, **sizes, **lines)


def _kind(one: Series) -> str:
    return "merge" if one.color is None else COLORS[one.color % len(COLORS)]


def _look(one: Series) -> str:
    """The classes of the path of a series (theme.py)."""
    return {"points": "stripe back", "thin": "mark thin", "thick": "mark thick", "dashed": "mark thin skip"}[one.style]
