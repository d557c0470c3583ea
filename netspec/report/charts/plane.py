"""Curves, points and bars over an axis of numbers, as SVG: ROC curves, residuals, histograms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Literal, TypeAlias

from netspec.report.charts.axes import Axis, axis_of, tick_texts
from netspec.report.charts.lines import COLORS, HEIGHT, SWATCH, WIDTH
from netspec.report.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.report.drawing.styles.flow import MARGIN, document, text_svg

Point: TypeAlias = tuple[float, float]

DOT = 3.4
"""The side of a point."""
MIN_LEFT = 36.0
MIN_STEP = 0.4
"""CSS pixels between two vertices of a curve; those that are closer are left out."""
PADDING = 0.04
FRACTIONS = Axis(0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
"""The axis of probabilities."""


@dataclass(frozen=True)
class Series:
    """Some points with a name for the key (empty: none).

    Args:
        name: what it is.
        xs, ys: its numbers; what is not finite is a gap of a line, and no point.
        kind: how it is drawn; `bars` reach from `ys` down to the axis, `steps` change at each x.
        color: counts the colors; None is that of the text.
        is_dashed: of lines.
        width: of bars, in numbers of the axis.
        ends: of the intervals of points that are marked.
    """

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    kind: Literal["line", "steps", "points", "marked", "bars"] = "line"
    color: int | None = 0
    is_dashed: bool = False
    width: float = 0.0
    ends: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Plane:
    """A chart: its title, what the axes are, and what is in it. `x_axis` and `y_axis` are implied by the numbers where
    they are None; `summary` says in words what is seen."""

    title: str
    x_name: str
    y_name: str
    series: Sequence[Series]
    summary: str = ""
    x_axis: Axis | None = None
    y_axis: Axis | None = None
    in_percent: bool = False


def plane_svg(plane: Plane) -> str:
    """A chart with its axes, and a key above it where several series have names."""
    across = plane.x_axis or axis_of(x for one in plane.series for x in _ends(one))
    up = plane.y_axis or axis_of(_heights(plane.series))
    texts = tick_texts(up.ticks, in_percent=plane.in_percent)
    left = max([MIN_LEFT, *(text_width(text, SMALL_SIZE) + 12 for text in texts)])
    x, top = MARGIN + left, MARGIN + TITLE_SIZE
    body = text_svg(plane.title, MARGIN, top, TITLE_SIZE, "title", bold=True)
    key, bottom = _key(plane.series, MARGIN, top + 20, left + WIDTH)
    y = bottom + 28
    body += key + _frame(plane, across, up, texts, x, y)
    for one in plane.series:
        drawn = _drawn(one, across, up, x, y)
        about = f"<title>{escape(one.name)}</title>" if one.name else ""
        body += f'<g class="{_color(one)}">{about}{drawn}</g>'
    title = f"{plane.title}. {plane.summary}" if plane.summary else plane.title
    return document(title, body, x + WIDTH + MARGIN, y + HEIGHT + 44)


def tight_axis(values: Iterable[float]) -> Axis:
    """The axis of some numbers with little room around them, so that points use all of the chart."""
    numbers = [*values]
    axis, low, high = axis_of(numbers), min(numbers), max(numbers)
    room = PADDING * ((high - low) or 1.0)
    low, high = max(axis.low, low - room), min(axis.high, high + room)
    ticks = tuple(tick for tick in axis.ticks if low <= tick <= high)
    return Axis(low, high, ticks) if len(ticks) > 1 else axis


def _ends(one: Series) -> Iterable[float]:
    return [edge for x in one.xs for edge in (x - one.width / 2, x + one.width / 2)] if one.width else one.xs


def _heights(series: Sequence[Series]) -> Iterable[float]:
    for one in series:
        yield from one.ys
        if one.kind == "bars":
            yield 0.0


def _key(series: Sequence[Series], left: float, top: float, width: float) -> tuple[str, float]:
    """The names of the series, as many in a line as fit, and where the last line ends."""
    named = [one for one in series if one.name]
    if not named:
        return "", top - 22
    parts, x, y = [], left, top
    for one in named:
        needed = SWATCH + 6 + text_width(one.name, SMALL_SIZE)
        if x > left and x + needed > left + width:
            x, y = left, y + 17
        parts.append(f'<g class="{_color(one)}">{_swatch(one, x, y - 4)}</g>')
        parts.append(text_svg(one.name, x + SWATCH + 6, y, SMALL_SIZE, "shape"))
        x += needed + 16
    return "".join(parts), y


def _swatch(one: Series, x: float, y: float) -> str:
    if one.kind == "points":
        return f'<path class="stripe" d="{_square(x + SWATCH / 2, y, 7)}"/>'
    if one.kind == "bars":
        return f'<path class="stripe" d="M{x + 4:g} {y - 5:g}h{SWATCH - 8:g}v10h{8 - SWATCH:g}z"/>'
    if one.kind == "marked":
        middle = x + SWATCH / 2
        return f'<path class="ray" d="M{middle:g} {y - 6:g}v12"/><path class="stripe" d="{_square(middle, y, 6)}"/>'
    return f'<path class="{_line_class(one)}" d="M{x:g} {y:g}h{SWATCH:g}"/>'


def _frame(plane: Plane, across: Axis, up: Axis, texts: Sequence[str], x: float, y: float) -> str:
    parts = [text_svg(plane.y_name, x, y - 8, SMALL_SIZE, "note")]
    for tick, text in zip(up.ticks, texts, strict=True):
        height = y + HEIGHT * (1 - up.at(tick))
        parts.append(f'<path class="grid" d="M{x:g} {height:.1f}h{WIDTH:g}"/>')
        parts.append(text_svg(text, x - 8 - text_width(text, SMALL_SIZE), height + 4, SMALL_SIZE, "shape"))
    shown = tick_texts(across.ticks)
    widest = max(text_width(text, SMALL_SIZE) for text in shown)
    every = max(1, math.ceil((widest + 8) * len(shown) / WIDTH))
    for tick, text in zip(across.ticks[::every], shown[::every], strict=True):
        place = x + WIDTH * across.at(tick)
        start = min(place - text_width(text, SMALL_SIZE) / 2, x + WIDTH + MARGIN - 4 - text_width(text, SMALL_SIZE))
        parts.append(f'<path class="ray" d="M{place:.1f} {y + HEIGHT:g}v4"/>')
        parts.append(text_svg(text, start, y + HEIGHT + 16, SMALL_SIZE, "shape"))
    parts.append(f'<path class="ray" d="M{x:g} {y:g}v{HEIGHT:g}h{WIDTH:g}"/>')
    word = plane.x_name
    parts.append(text_svg(word, x + WIDTH - text_width(word, SMALL_SIZE), y + HEIGHT + 32, SMALL_SIZE, "note"))
    return "".join(parts)


def _drawn(one: Series, across: Axis, up: Axis, x: float, y: float) -> str:
    def at(point: Point) -> Point:
        return x + WIDTH * point[0], y + HEIGHT * (1 - point[1])

    points = [
        (across.at(a), up.at(b)) if math.isfinite(a) and math.isfinite(b) else None
        for a, b in zip(one.xs, one.ys, strict=True)
    ]
    known = [at(point) for point in points if point is not None]
    if one.kind == "points":
        squares = "".join(dict.fromkeys(_square(a, b, DOT) for a, b in known))
        return f'<path class="dots" d="{squares}"/>' if squares else ""
    if one.kind == "bars":
        floor, width = at((0, up.at(0)))[1], WIDTH * one.width / (across.high - across.low)
        bars = (f"M{a - width / 2 + 0.5:.1f} {floor:.1f}V{b:.1f}h{width - 1:.1f}V{floor:.1f}z" for a, b in known)
        return f'<path class="stripe" d="{"".join(bars)}"/>'
    if one.kind == "marked":
        heights = ((at((0, up.at(low)))[1], at((0, up.at(high)))[1]) for low, high in one.ends)
        lines = (f"M{a:.1f} {low:.1f}V{high:.1f}" for (a, _), (low, high) in zip(known, heights, strict=True))
        marks = "".join(_square(a, b, 6) for a, b in known)
        return f'<path class="ray" d="{"".join(lines)}"/><path class="stripe" d="{marks}"/>'
    line = "".join(_line([at(point) for point in part]) for part in _visible(points, is_step=one.kind == "steps"))
    return f'<path class="{_line_class(one)}" d="{line}"/>' if line else ""


def _visible(points: Sequence[Point | None], *, is_step: bool) -> list[list[Point]]:
    """The pieces of a line inside of the axes, from 0 to 1 (Liang and Barsky 1984)."""
    pieces: list[list[Point]] = []
    for start, end in pairwise(points):
        if start is None or end is None:
            continue
        corner = [(end[0], start[1])] if is_step else []
        for a, b in pairwise([start, *corner, end]):
            first, last = 0.0, 1.0
            for place, step in ((a[0], b[0] - a[0]), (a[1], b[1] - a[1])):
                if step == 0:
                    last = last if 0 <= place <= 1 else -1.0
                    continue
                enter, leave = sorted((-place / step, (1 - place) / step))
                first, last = max(first, enter), min(last, leave)
            if first >= last:
                continue
            ends = [(a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])) for t in (first, last)]
            if first > 0 or not pieces or pieces[-1][-1] != a:
                pieces.append([ends[0]])
            pieces[-1].append(b if last == 1 else ends[1])
    return pieces


def _line(points: Sequence[Point]) -> str:
    """The line through some points, without those that are too close to the one before to be seen."""
    last = points[0]
    parts = [f"M{last[0]:.1f} {last[1]:.1f}"]
    for number, point in enumerate(points[1:], 2):
        if number < len(points) and math.dist(last, point) < MIN_STEP:
            continue
        if point[1] == last[1]:
            parts.append(f"H{point[0]:.1f}")
        elif point[0] == last[0]:
            parts.append(f"V{point[1]:.1f}")
        else:
            parts.append(f"L{point[0]:.1f} {point[1]:.1f}")
        last = point
    return "".join(parts)


def _square(x: float, y: float, side: float) -> str:
    return f"M{x - side / 2:.1f} {y - side / 2:.1f}h{side:g}v{side:g}h-{side:g}z"


def _line_class(one: Series) -> str:
    if one.color is None and one.is_dashed:
        return "wire skip"
    return "mark skip" if one.is_dashed else "mark"


def _color(one: Series) -> str:
    return "merge" if one.color is None else COLORS[one.color % len(COLORS)]
