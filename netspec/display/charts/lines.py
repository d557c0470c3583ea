"""Curves over the epochs as SVG: a panel with axes for each quantity, and one key for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from netspec.display.charts.axes import Axis, axis_of, count_axis
from netspec.display.charts.field import EDGE, FOOT, HEAD, HEIGHT, MIN_LEFT, WIDTH, Field, left_room
from netspec.display.charts.key import DIAMOND, Entry, color_class, fitted, full_width, head_svg, marker
from netspec.display.drawing.cards import SMALL_SIZE
from netspec.display.drawing.styles.flow import MARGIN, document, text_svg
from netspec.display.text import number_text

PAGE_WIDTH, PAGE_HEIGHT = 370.0, 180.0
"""Of a picture with one panel, and of the field in it."""
MAX_GROUPS = 400
"""Of the epochs of a long curve: more than that cannot be told apart."""
COLUMNS = 2


@dataclass(frozen=True)
class Curve:
    """A curve over the epochs from 1; what is not finite is a gap. `color` counts the colors, and None is that of the
    text; `best` is an epoch that is marked."""

    name: str
    values: Sequence[float]
    color: int | None = 0
    is_dashed: bool = False
    best: int | None = None

    @property
    def look(self) -> str:
        """The classes of its line (theme.py)."""
        return "mark skip" if self.is_dashed else "mark"

    @property
    def entry(self) -> Entry:
        return Entry(self.name, self.color, "line" if self.best is None else "best", self.look)


@dataclass(frozen=True)
class Panel:
    """The curves of a quantity."""

    title: str
    curves: Sequence[Curve]
    in_percent: bool = False
    has_pairs: bool = False
    """Whether it has curves on training examples, dashed, beside those on validation examples."""
    may_be_log: bool = False
    axis: Axis = field(init=False)

    def __post_init__(self) -> None:
        values = (value for curve in self.curves for value in curve.values)
        axis = axis_of(values, may_be_log=self.may_be_log, in_percent=self.in_percent)
        object.__setattr__(self, "axis", axis)


MAX_MARKED = 20
"""Epochs that have a point each."""


def panels_svg(title: str, panels: Sequence[Panel], key: Sequence[Curve]) -> str:
    """A picture of panels, beside and below each other; `key` are the curves that are explained above them."""
    epochs = count_axis(max((len(curve.values) for panel in panels for curve in panel.curves), default=1))
    left = max([MIN_LEFT, *(left_room(panel.axis) for panel in panels)])
    columns = min(COLUMNS, len(panels))
    width = columns * (left + WIDTH + MARGIN) + MARGIN
    body, bottom = head_svg(title, [curve.entry for curve in key], width - 2 * MARGIN)
    for number, panel in enumerate(panels):
        x = MARGIN + left + (number % columns) * (left + WIDTH + MARGIN)
        y = bottom + HEAD + (number // columns) * (HEIGHT + HEAD + FOOT)
        body += _panel_svg(panel, Field(epochs, panel.axis, x, y))
    rows = math.ceil(len(panels) / columns)
    return document(title, body, full_width(title, width), bottom + rows * (HEIGHT + HEAD + FOOT) + MARGIN / 2)


def panel_svg(panel: Panel, epochs: int) -> str:
    """A picture of one panel, for a column of a page; what is in it is described in words as well.

    Args:
        panel: what it shows.
        epochs: the last epoch of the axis.
    """
    left = left_room(panel.axis)
    shown = Field(count_axis(epochs), panel.axis, left, HEAD, PAGE_WIDTH - left - EDGE, PAGE_HEIGHT)
    body = _panel_svg(panel, shown)
    return document(panel.title, body, PAGE_WIDTH, shown.bottom + FOOT, description_of(panel))


def swatch_svg(curve: Curve) -> str:
    """What a curve looks like, for a legend in a page."""
    entry = curve.entry
    size = f'width="{entry.sign_width:g}" height="12" viewBox="0 0 {entry.sign_width:g} 12"'
    return f'<svg class="net" {size} aria-hidden="true">{entry.sign_svg(0, 6)}</svg>'


def description_of(panel: Panel) -> str:
    """The first, the last, the smallest and the largest value of each curve."""

    def text(value: float) -> str:
        return f"{100 * value:.2f}%" if panel.in_percent else number_text(value)

    parts = []
    for curve in panel.curves:
        known = [(value, epoch) for epoch, value in enumerate(curve.values, 1) if math.isfinite(value)]
        if not known:
            continue
        (first, start), (last, end), (low, low_at), (high, high_at) = known[0], known[-1], min(known), max(known)
        name = f"{curve.name}, {'training' if curve.is_dashed else 'validation'}" if panel.has_pairs else curve.name
        ends = f"{name}: {text(first)} in epoch {start}, {text(last)} in epoch {end}"
        parts.append(f"{ends}; smallest {text(low)} in epoch {low_at}, largest {text(high)} in epoch {high_at}.")
    return f"{panel.title} over the epochs. {' '.join(parts)}"


def visible_points(values: Sequence[float]) -> list[tuple[int, float]]:
    """The epochs of a curve with their values; of a long one the smallest and the largest value of each group of
    neighbors, which looks the same, and a gap where one of them is not finite."""
    points = [*enumerate(values, 1)]
    size = math.ceil(len(points) / MAX_GROUPS)
    if size <= 2:
        return points
    found: list[tuple[int, float]] = []
    for begin in range(0, len(points), size):
        group = points[begin : begin + size]
        known = [point for point in group if math.isfinite(point[1])]
        ends = {f(known, key=lambda point: point[1]) for f in (min, max)} if known else set()
        found += sorted(ends) + ([(group[-1][0], math.nan)] if len(known) < len(group) else [])
    return found


def _panel_svg(panel: Panel, shown: Field) -> str:
    title = text_svg(fitted(panel.title, shown.width), shown.left, shown.top - 9, SMALL_SIZE, "title", bold=True)
    return title + shown.frame("epoch") + "".join(_curve_svg(panel, curve, shown) for curve in panel.curves)


def _curve_svg(panel: Panel, curve: Curve, shown: Field) -> str:
    line = shown.line(visible_points(curve.values))
    drawn = f'<path class="{curve.look}" d="{line}"/>' if line else ""
    best = curve.values[curve.best - 1] if curve.best is not None and curve.best <= len(curve.values) else math.nan
    marks = [marker(DIAMOND, *point, 3.7) for point in shown.known([(curve.best or 0, best)])]
    alone = _alone(curve.values)
    marks += [marker(0, *point, 3) for point in shown.known(alone)]
    if len(curve.values) <= MAX_MARKED:
        rest = [point for point in enumerate(curve.values, 1) if point not in alone]
        marks += [marker(0, *point, 1.8) for point in shown.known(rest)]
    drawn += f'<path class="stripe" d="{"".join(marks)}"/>' if marks else ""
    about = f"<title>{escape(f'{curve.name}, {panel.title}')}</title>"
    return f'<g class="{color_class(curve.color)}">{about}{drawn}</g>'


def _alone(values: Sequence[float]) -> list[tuple[float, float]]:
    """The epochs without a neighbor, through which no line goes, with their values."""
    known = [False, *map(math.isfinite, values), False]
    return [(epoch, value) for epoch, value in enumerate(values, 1) if not (known[epoch - 1] or known[epoch + 1])]
