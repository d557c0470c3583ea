"""Curves as SVG: a panel with axes for each quantity, and one key for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from netspec.report.charts.axes import Axis, axis_of, count_axis, tick_texts
from netspec.report.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.report.drawing.styles.flow import MARGIN, document, text_svg
from netspec.report.text import number_text

COLORS = ("conv", "dense", "recurrent", "attention", "embedding", "pool", "activation", "other")
"""Colors that people with any color vision tell apart (theme.py); more curves begin again."""
WIDTH, HEIGHT = 380.0, 220.0
"""Of the field of a panel, without what is written around it."""
PAGE_WIDTH, PAGE_HEIGHT = 370.0, 180.0
"""Of a picture with one panel, and of the field in it."""
MAX_GROUPS = 400
"""Of the epochs of a long curve: more than that cannot be told apart."""
EDGE = 14.0
"""The room right of its field, for half of the last number below the axis."""
COLUMNS = 2
HEAD, FOOT = 26.0, 34.0
MIN_LEFT = 44.0
SWATCH = 22.0


@dataclass(frozen=True)
class Curve:
    """A curve over the epochs from 1; what is not finite is a gap. `color` counts the colors, and None is that of the
    text; `best` is an epoch that is marked."""

    name: str
    values: Sequence[float]
    color: int | None = 0
    is_dashed: bool = False
    best: int | None = None


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
        object.__setattr__(self, "axis", axis_of(values, may_be_log=self.may_be_log))


def panels_svg(title: str, panels: Sequence[Panel], key: Sequence[Curve]) -> str:
    """A picture of panels, beside and below each other; `key` are the curves that are explained above them."""
    epochs = count_axis(max((len(curve.values) for panel in panels for curve in panel.curves), default=1))
    texts = [tick_texts(panel.axis.ticks, in_percent=panel.in_percent) for panel in panels]
    left = max([MIN_LEFT, *(text_width(text, SMALL_SIZE) + 12 for shown in texts for text in shown)])
    columns = min(COLUMNS, len(panels))
    full_width = columns * (left + WIDTH + MARGIN) + MARGIN
    top = MARGIN + TITLE_SIZE
    body = text_svg(title, MARGIN, top, TITLE_SIZE, "title", bold=True)
    rows, bottom = _key_svg(key, MARGIN, top + 20, full_width - 2 * MARGIN)
    body += rows
    for number, (panel, shown) in enumerate(zip(panels, texts, strict=True)):
        x = MARGIN + left + (number % columns) * (left + WIDTH + MARGIN)
        y = bottom + HEAD + (number // columns) * (HEIGHT + HEAD + FOOT)
        body += _panel_svg(panel, shown, epochs, (x, y), (WIDTH, HEIGHT))
    return document(title, body, full_width, bottom + math.ceil(len(panels) / columns) * (HEIGHT + HEAD + FOOT) + 4)


def panel_svg(panel: Panel, epochs: int) -> str:
    """A picture of one panel, for a column of a page; what is in it is described in words as well.

    Args:
        panel: what it shows.
        epochs: the last epoch of the axis.
    """
    texts = tick_texts(panel.axis.ticks, in_percent=panel.in_percent)
    left = max([MIN_LEFT, *(text_width(text, SMALL_SIZE) + 12 for text in texts)])
    width = PAGE_WIDTH - left - EDGE
    body = _panel_svg(panel, texts, count_axis(epochs), (left, HEAD), (width, PAGE_HEIGHT))
    return document(panel.title, body, PAGE_WIDTH, HEAD + PAGE_HEIGHT + FOOT, description_of(panel))


def swatch_svg(curve: Curve) -> str:
    """What a curve looks like, for a legend in a page."""
    return (
        f'<svg class="net" width="{SWATCH:g}" height="12" viewBox="0 0 {SWATCH:g} 12" aria-hidden="true">'
        f'<g class="{_color(curve)}">{_swatch(curve, 0, 10)}</g></svg>'
    )


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


def _key_svg(key: Sequence[Curve], left: float, top: float, width: float) -> tuple[str, float]:
    """The names of the curves, as many in a line as fit, and where the last line ends."""
    parts, x, y = [], left, top
    for curve in key:
        needed = SWATCH + 8 + text_width(curve.name, SMALL_SIZE)
        if x > left and x + needed > left + width:
            x, y = left, y + 18
        parts.append(f'<g class="{_color(curve)}">{_swatch(curve, x, y)}</g>')
        parts.append(text_svg(curve.name, x + SWATCH + 6, y, SMALL_SIZE, "shape"))
        x += needed + 18
    return "".join(parts), y + 6 if key else top - 12


def _swatch(curve: Curve, x: float, y: float) -> str:
    """A short piece of a curve left of its name, with the baseline at `y`; of a marked epoch its mark."""
    if curve.best is not None:
        return f'<path class="stripe" d="M{x + SWATCH / 2:g} {y - 9:g}l5 5l-5 5l-5 -5z"/>'
    return f'<path class="mark{" skip" if curve.is_dashed else ""}" d="M{x:g} {y - 4:g}h{SWATCH:g}"/>'


def _panel_svg(
    panel: Panel, texts: Sequence[str], epochs: Axis, corner: tuple[float, float], size: tuple[float, float]
) -> str:
    """A panel whose field has its upper left corner and its size there."""
    (x, y), (across, down) = corner, size
    parts = [text_svg(panel.title, x, y - 8, SMALL_SIZE, "title", bold=True)]
    for tick, text in zip(panel.axis.ticks, texts, strict=True):
        height = y + down * (1 - panel.axis.at(tick))
        parts.append(f'<path class="grid" d="M{x:g} {height:.1f}h{across:g}"/>')
        parts.append(text_svg(text, x - 8 - text_width(text, SMALL_SIZE), height + 4, SMALL_SIZE, "shape"))
    for tick, text in zip(epochs.ticks, tick_texts(epochs.ticks), strict=True):
        place = x + across * epochs.at(tick)
        parts.append(f'<path class="ray" d="M{place:.1f} {y + down:g}v4"/>')
        parts.append(text_svg(text, place - text_width(text, SMALL_SIZE) / 2, y + down + 16, SMALL_SIZE, "shape"))
    parts.append(f'<path class="ray" d="M{x:g} {y:g}v{down:g}h{across:g}"/>')
    word = "epoch"
    parts.append(text_svg(word, x + across - text_width(word, SMALL_SIZE), y + down + 30, SMALL_SIZE, "note"))
    parts += [_curve_svg(panel, curve, epochs, corner, size) for curve in panel.curves]
    return "".join(parts)


def _curve_svg(panel: Panel, curve: Curve, epochs: Axis, corner: tuple[float, float], size: tuple[float, float]) -> str:
    (x, y), (across, down) = corner, size

    def point(epoch: int, value: float) -> tuple[float, float]:
        return x + across * epochs.at(epoch), y + down * (1 - panel.axis.at(value))

    line, is_open = [], False
    for epoch, value in visible_points(curve.values):
        if not math.isfinite(value):
            is_open = False
            continue
        line.append("{}{:.1f} {:.1f}".format("L" if is_open else "M", *point(epoch, value)))
        is_open = True
    dash = " skip" if curve.is_dashed else ""
    drawn = f'<path class="mark{dash}" d="{"".join(line)}"/>' if line else ""
    best = curve.values[curve.best - 1] if curve.best is not None and curve.best <= len(curve.values) else math.nan
    if curve.best is not None and math.isfinite(best):
        left, top = point(curve.best, best)
        drawn += f'<path class="stripe" d="M{left:.1f} {top - 5:.1f}l5 5l-5 5l-5 -5z"/>'
    if len(curve.values) == 1 and math.isfinite(curve.values[0]):
        left, top = point(1, curve.values[0])
        drawn += f'<path class="stripe" d="M{left - 3:.1f} {top - 3:.1f}h6v6h-6z"/>'
    return f'<g class="{_color(curve)}"><title>{escape(f"{curve.name}, {panel.title}")}</title>{drawn}</g>'


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


def _color(curve: Curve) -> str:
    return "merge" if curve.color is None else COLORS[curve.color % len(COLORS)]
