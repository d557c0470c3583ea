"""Decision regions as SVG: the plane of two inputs in the colors of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from netspec.language.lazy import np
from netspec.report.charts.axes import axis_of, tick_texts
from netspec.report.charts.grid import image_svg
from netspec.report.charts.lines import COLORS
from netspec.report.charts.xy import marker
from netspec.report.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.report.drawing.styles.flow import MARGIN, document, text_svg
from netspec.report.drawing.theme import LIGHT, chart_style

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

SIDE = 360.0
LEFT, BOTTOM = 56.0, 44.0
TOP = MARGIN + TITLE_SIZE + 20
CORNER = MARGIN + LEFT, TOP + 34
"""The upper left corner of the field."""
PALE = 0.6
"""How much of white is in the color of a region whose class is certain."""
RADIUS = 3.0


@dataclass(frozen=True)
class Plane:
    """What is around and above the regions.

    Args:
        title: what is shown.
        ends: the lowest and the highest number of both inputs.
        classes: their names.
        names: those of both inputs.
        points: examples to draw over the regions, of shape (examples, 2).
        labels: their class ids.
    """

    title: str
    ends: Sequence[tuple[float, float]]
    classes: Sequence[str]
    names: tuple[str, str]
    points: Any = None
    labels: Sequence[int] | None = None


def regions_svg(plane: Plane, probabilities: Array) -> str:
    """The regions where each class is the most probable one, paler where it is less probable.

    Args:
        plane: what is around them.
        probabilities: an array of shape (second input, first input, classes), from the lowest numbers on.
    """
    image = image_svg(plane.title, region_colors(probabilities), *CORNER, (SIDE, SIDE))
    return plane_svg(plane, image)


def region_colors(probabilities: Array) -> Array:
    """The pixels of the regions, from above; arguments are those of `regions_svg`."""
    colors = np.array([[int(LIGHT[kind][i : i + 2], 16) for i in (1, 3, 5)] for kind in COLORS], float)
    count, winner = probabilities.shape[-1], probabilities.argmax(axis=-1)
    lead = np.take_along_axis(probabilities, winner[..., None], axis=-1)
    sure = (lead - 1 / count) / (1 - 1 / count)
    pixels = 255 - (255 - colors[winner % len(COLORS)]) * (1 - PALE) * sure
    image: Array = np.round(pixels[::-1]).astype(np.uint8)
    return image


def plane_svg(plane: Plane, field: str) -> str:
    """A picture of what is in the field, with axes, a key and the examples."""
    x, y = CORNER
    body = chart_style() + text_svg(plane.title, MARGIN, MARGIN + TITLE_SIZE, TITLE_SIZE, "title", bold=True)
    place = MARGIN
    for number, name in enumerate(plane.classes):
        kind = COLORS[number % len(COLORS)]
        body += f'<g class="{kind}"><rect class="stripe" x="{place:g}" y="{TOP - 10:g}" width="11" height="11"/></g>'
        body += text_svg(name, place + 16, TOP, SMALL_SIZE, "shape")
        place += 16 + text_width(name, SMALL_SIZE) + 16
    body += field + _axes(plane.ends, plane.names, x, y)
    if plane.points is not None:
        ends, ids = plane.ends, plane.labels if plane.labels is not None else [None] * len(plane.points)
        for (first, second), label in zip(np.asarray(plane.points, float), ids, strict=True):
            left = x + SIDE * (first - ends[0][0]) / (ends[0][1] - ends[0][0])
            up = y + SIDE * (1 - (second - ends[1][0]) / (ends[1][1] - ends[1][0]))
            body += _point(left, up, label)
    return document(plane.title, body, max(place, x + SIDE) + MARGIN, y + SIDE + BOTTOM)


def _axes(ends: Sequence[tuple[float, float]], names: tuple[str, str], x: float, y: float) -> str:
    parts = [f'<path class="ray" d="M{x:g} {y:g}v{SIDE:g}h{SIDE:g}"/>']
    ticks = [[tick for tick in axis_of(pair).ticks if pair[0] <= tick <= pair[1]] for pair in ends]
    for tick, text in zip(ticks[0], tick_texts(ticks[0]), strict=True):
        place = x + SIDE * (tick - ends[0][0]) / (ends[0][1] - ends[0][0])
        parts.append(f'<path class="ray" d="M{place:.1f} {y + SIDE:g}v4"/>')
        parts.append(text_svg(text, place - text_width(text, SMALL_SIZE) / 2, y + SIDE + 16, SMALL_SIZE, "shape"))
    for tick, text in zip(ticks[1], tick_texts(ticks[1]), strict=True):
        place = y + SIDE * (1 - (tick - ends[1][0]) / (ends[1][1] - ends[1][0]))
        parts.append(f'<path class="ray" d="M{x - 4:g} {place:.1f}h4"/>')
        parts.append(text_svg(text, x - 8 - text_width(text, SMALL_SIZE), place + 4, SMALL_SIZE, "shape"))
    parts.append(text_svg(names[0], x + SIDE - text_width(names[0], SMALL_SIZE), y + SIDE + 32, SMALL_SIZE, "note"))
    parts.append(text_svg(names[1], x, y - 6, SMALL_SIZE, "note"))
    return "".join(parts)


def _point(x: float, y: float, label: int | None) -> str:
    """An example: a marker in the color of its class, with a line around it that is dark on any page."""
    kind = "merge" if label is None else COLORS[int(label) % len(COLORS)]
    shape = marker(label, x, y, RADIUS)
    about = "" if label is None else f"<title>{escape(f'class {label}')}</title>"
    return f'<g class="{kind}">{about}<path class="stripe" d="{shape}"/><path class="outline" d="{shape}"/></g>'
