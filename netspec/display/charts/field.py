"""The field of a chart: where numbers are between its axes, its frame with ticks and names, lines and bars in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from netspec.display.charts.axes import Axis
from netspec.display.charts.key import fitted
from netspec.display.drawing.cards import SMALL_SIZE, text_width
from netspec.display.drawing.styles.flow import text_svg

Point: TypeAlias = tuple[float, float]

WIDTH, HEIGHT = 380.0, 220.0
"""Of the field of a chart, without what is written around it."""
HEAD, FOOT = 30.0, 36.0
"""The room above and below a field for what is written there."""
MIN_LEFT, EDGE = 44.0, 14.0
"""The room left of a field at least, and right of it for half of the last number below the axis."""
GAP, LINE = 8.0, 11.0
"""Between two numbers beside each other, and from one to the next below it, at least."""
MIN_STEP = 0.4
"""CSS pixels between two vertices of a line; those that are closer are left out."""


def left_room(up: Axis) -> float:
    """How wide the numbers of an axis are that are left of a field, with what is between."""
    return max([MIN_LEFT, *(text_width(text, SMALL_SIZE) + 12 for text in up.texts)])


@dataclass(frozen=True)
class Field:
    """Two axes, with the upper left corner of the field and its size in CSS pixels."""

    across: Axis
    up: Axis
    left: float
    top: float
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def at(self, x: float, y: float) -> Point:
        """Where a point is in the picture."""
        return self.left + self.width * self.across.at(x), self.top + self.height * (1 - self.up.at(y))

    def known(self, points: Iterable[Point]) -> list[Point]:
        """Where the points are that are in the field."""
        inside = (self._fraction(point) for point in points)
        return [self._place(point) for point in inside if point is not None and all(-0.01 <= p <= 1.01 for p in point)]

    # ---------------------------------------------------------------- what is around it

    def frame(self, x_name: str, y_name: str = "", *, has_grid: bool = True) -> str:
        """Both axes with lines, numbers and names, that of the vertical one above it; ticks instead of the lines of the
        grid where there is an image."""
        axes = f'<path class="ray" d="M{self.left:g} {self.top:g}v{self.height:g}h{self.width:g}"/>'
        name = text_svg(fitted(y_name, self.width), self.left, self.top - 9, SMALL_SIZE, "note") if y_name else ""
        return name + self._beside(has_grid) + self.below(x_name) + axes

    def below(self, name: str = "", *, has_grid: bool = False) -> str:
        """The numbers of the horizontal axis, each with a tick or with a line through the field, and its name."""
        texts = self.across.texts
        places = [self.left + self.width * self.across.at(tick) for tick in self.across.ticks]
        spans = [self._span(x, text) for x, text in zip(places, texts, strict=True)]
        every = _every(spans, GAP)
        line = f"{self.top:g}v{self.height:g}" if has_grid else f"{self.bottom:g}v4"
        parts = [f'<path class="{"grid" if has_grid else "ray"}" d="M{x:.1f} {line}"/>' for x in places[::every]]
        for (start, _), text in zip(spans[::every], texts[::every], strict=True):
            parts.append(text_svg(text, round(start, 1), self.bottom + 16, SMALL_SIZE, "shape"))
        shown = fitted(name, self.width)
        end = self.right - text_width(shown, SMALL_SIZE)
        return "".join(parts) + (text_svg(shown, round(end, 1), self.bottom + 32, SMALL_SIZE, "note") if name else "")

    def _beside(self, has_grid: bool) -> str:
        """The numbers of the vertical axis, each with a line through the field."""
        places = [self.top + self.height * (1 - self.up.at(tick)) for tick in self.up.ticks]
        every = _every([(-y, -y) for y in places], LINE)
        parts = []
        for y, text in zip(places[::every], self.up.texts[::every], strict=True):
            start = self.left - 8 - text_width(text, SMALL_SIZE)
            line = (
                f'"grid" d="M{self.left:g} {y:.1f}h{self.width:g}"'
                if has_grid
                else f'"ray" d="M{self.left:g} {y:.1f}h-4"'
            )
            parts.append(f"<path class={line}/>")
            parts.append(text_svg(text, round(start, 1), round(y + 4, 1), SMALL_SIZE, "shape"))
        return "".join(parts)

    def _span(self, x: float, text: str) -> Point:
        """Where a number below begins and ends: in the middle of its tick, but not outside of the picture."""
        width = text_width(text, SMALL_SIZE)
        start = max(min(x - width / 2, self.right + EDGE - 2 - width), self.left - MIN_LEFT + 2)
        return start, start + width

    # ---------------------------------------------------------------- what is in it

    def line(self, points: Iterable[Point], *, is_step: bool = False) -> str:
        """The path of a line through points, as far as it is in the field; a gap where a number is not finite.

        Args:
            points: pairs of numbers of the axes.
            is_step: whether it changes at each x, and is level between.
        """
        pieces = _inside([self._fraction(point) for point in points], is_step=is_step)
        return "".join(_path([self._place(point) for point in piece]) for piece in pieces)

    def bars(self, bars: Iterable[tuple[float, float, float]]) -> str:
        """The path of upright bars from 0, each given by where it begins, where it ends and its number; one that is
        not 0 can be seen."""
        floor, parts = self.at(self.across.low, 0.0)[1], []
        for begin, end, number in bars:
            (left, y), (right, _) = self.at(begin, number), self.at(end, number)
            gap = 0.5 if right - left > 3 else 0.0
            y = floor - math.copysign(max(abs(floor - y), 1.0), number)
            if number and math.isfinite(number):
                parts.append(f"M{left + gap:.1f} {floor:.1f}V{y:.1f}H{right - gap:.1f}V{floor:.1f}z")
        return "".join(parts)

    def _fraction(self, point: Point) -> Point | None:
        if not all(map(math.isfinite, point)):
            return None
        found = self.across.at(point[0]), self.up.at(point[1])
        return found if all(map(math.isfinite, found)) else None

    def _place(self, point: Point) -> Point:
        return self.left + self.width * point[0], self.top + self.height * (1 - point[1])


def _every(spans: Sequence[Point], gap: float) -> int:
    """The smallest n for which every n-th of some texts are apart."""
    counts = range(1, len(spans) + 1)
    return next((n for n in counts if all(b[0] - a[1] >= gap for a, b in pairwise(spans[::n]))), 1)


def _inside(points: Sequence[Point | None], *, is_step: bool) -> list[list[Point]]:
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


def _path(points: Sequence[Point]) -> str:
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
