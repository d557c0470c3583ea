"""Series of points, curves and bars over two axes of numbers, as SVG: ROC curves, scatter charts, functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Literal

from netspec.display.charts.axes import TICKS, Axis, axis_of, tight_axis
from netspec.display.charts.field import FOOT, HEAD, HEIGHT, WIDTH, Field, left_room
from netspec.display.charts.key import RADIUS, Entry, color_class, full_width, head_svg, marker
from netspec.display.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.display.drawing.styles.flow import MARGIN, document, text_svg
from netspec.language.text import truncated

LARGE = 560.0, 400.0
"""The size of the field of a picture of its own; in a page there are several beside each other."""

OUTLINED, SMALL = 3.1, 2.0
"""The radius of markers with a line around them, and of those in a field that is not large."""
MAX_NAME = 26
"""Characters of a name over points."""


@dataclass(frozen=True)
class Series:
    """Some points with a name for the key (empty: none).

    Args:
        name: what it is.
        xs, ys: its numbers; what is not finite is a gap of a line, and no point.
        kind: how it is drawn; `bars` reach from `ys` down to the axis, `steps` change at each x.
        color: counts the colors and the markers; None is that of the text.
        is_dashed: of lines.
        width: of bars, in numbers of the axis.
        ends: of the intervals of points that are marked.
        weight: of lines.
        labels: texts beside the points.
        is_named: whether the name is written in the middle of the points.
    """

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    kind: Literal["line", "steps", "points", "marked", "bars"] = "line"
    color: int | None = 0
    is_dashed: bool = False
    width: float = 0.0
    ends: Sequence[tuple[float, float]] = ()
    weight: Literal["", "thin", "thick"] = ""
    labels: Sequence[str] = ()
    is_named: bool = False

    @property
    def look(self) -> str:
        """The classes of its line (theme.py)."""
        is_guide = self.color is None and self.is_dashed
        return " ".join(filter(None, ("wire" if is_guide else "mark", self.weight, "skip" if self.is_dashed else "")))

    @property
    def entry(self) -> Entry:
        return Entry(self.name, self.color, "line" if self.kind == "steps" else self.kind, self.look)


@dataclass(frozen=True)
class Plane:
    """A chart: its title, what the axes are, and what is in it, of which later series are above the others. `x_axis`
    and `y_axis` are implied by the numbers where they are None; `summary` says in words what is seen, and `notes` are
    lines below the title."""

    title: str
    x_name: str
    y_name: str
    series: Sequence[Series]
    summary: str = ""
    x_axis: Axis | None = None
    y_axis: Axis | None = None
    size: tuple[float, float] = (WIDTH, HEIGHT)
    notes: Sequence[str] = ()


def plane_svg(plane: Plane, background: Callable[[Field], str] | None = None) -> str:
    """A chart with its axes, and a key above it where series have names.

    Args:
        plane: what is drawn.
        background: draws what is below the axes and the series, such as an image, on which points have an outline.
    """
    across = plane.x_axis or axis_of(x for one in plane.series for x in _ends(one))
    up = plane.y_axis or axis_of(_heights(plane.series))
    left = left_room(up)
    head, bottom = head_svg(plane.title, [one.entry for one in plane.series], left + plane.size[0], plane.notes)
    field = Field(across, up, MARGIN + left, bottom + HEAD, *plane.size)
    body = head + (background(field) if background is not None else "")
    body += field.frame(plane.x_name, plane.y_name, has_grid=background is None)
    for one in plane.series:
        about = f"<title>{escape(one.name)}</title>" if one.name else ""
        body += f'<g class="{color_class(one.color)}">{about}{_drawn(one, field, has_image=background is not None)}</g>'
    labels, right = _labels(plane.series, field)
    title = f"{plane.title}. {plane.summary}" if plane.summary else plane.title
    width = full_width(plane.title, max(field.right, right) + MARGIN, plane.notes)
    return document(title, body + labels, width, field.bottom + FOOT + MARGIN / 2)


def large_svg(title: str, names: tuple[str, str], series: Sequence[Series], notes: Sequence[str] = ()) -> str:
    """A picture of its own, with axes that end close to the numbers.

    Args:
        title: what is shown.
        names: those of the axes.
        series: at least one.
        notes: lines below the title.
    """
    across = tight_axis((x for one in series for x in one.xs), 2 * TICKS)
    up = tight_axis((y for one in series for y in one.ys), 2 * TICKS)
    return plane_svg(Plane(title, *names, series, "", across, up, LARGE, notes))


def _ends(one: Series) -> Iterable[float]:
    return [edge for x in one.xs for edge in (x - one.width / 2, x + one.width / 2)] if one.width else one.xs


def _heights(series: Sequence[Series]) -> Iterable[float]:
    for one in series:
        yield from one.ys
        if one.kind == "bars":
            yield 0.0


def _drawn(one: Series, field: Field, *, has_image: bool) -> str:
    pairs = [*zip(one.xs, one.ys, strict=True)]
    if one.kind == "points":
        look, radius = "stripe back", RADIUS if field.height > HEIGHT else SMALL
        if has_image:
            look, radius = "stripe outline", OUTLINED
        path = "".join(dict.fromkeys(marker(one.color, *point, radius) for point in field.known(pairs)))
    elif one.kind == "bars":
        look, path = "stripe", field.bars((x - one.width / 2, x + one.width / 2, y) for x, y in pairs)
    elif one.kind == "marked":
        ends = [(field.at(x, low), field.at(x, high)[1]) for (x, _), (low, high) in zip(pairs, one.ends, strict=True)]
        lines = "".join(f"M{x:.1f} {low:.1f}V{high:.1f}" for (x, low), high in ends)
        marks = "".join(marker(0, *point, 1.25 * RADIUS) for point in field.known(pairs))
        return f'<path class="ray" d="{lines}"/><path class="stripe" d="{marks}"/>'
    else:
        look, path = one.look, field.line(pairs, is_step=one.kind == "steps")
    return f'<path class="{look}" d="{path}"/>' if path else ""


def _labels(series: Sequence[Series], field: Field) -> tuple[str, float]:
    """The names of series at the medians of their points, and the labels of points: those that cover neither another
    point nor an earlier text; and where they end at the right."""
    parts: list[str] = []
    points = [field.at(*point) for one in series if one.labels for point in zip(one.xs, one.ys, strict=True)]
    taken: list[tuple[float, float, float]] = []

    def is_free(x: float, y: float, width: float, height: float) -> bool:
        if any(x < end and begin < x + width and abs(y - line) < height for begin, end, line in taken):
            return False
        taken.append((x, x + width, y))
        return True

    for one in series:
        if one.is_named and one.name:
            x, y = field.at(median(one.xs), median(one.ys))
            name = truncated(one.name, MAX_NAME)
            width = text_width(name, TITLE_SIZE)
            x = min(max(x, field.left + width / 2 + 4), field.right - width / 2)
            if is_free(x - width / 2 - 3, y, width + 6, 20):
                box = f'x="{x - width / 2 - 3:.1f}" y="{y - 9:.1f}" width="{width + 6:.1f}" height="18" rx="4"'
                parts.append(f'<rect class="halo" {box}/>')
                parts.append(text_svg(name, round(x - width / 2, 1), round(y + 4.5, 1), TITLE_SIZE, "title"))
        for label, *point in zip(one.labels, one.xs, one.ys, strict=False):
            x, y = field.at(*point)
            width = text_width(label, SMALL_SIZE)
            is_clear = not any(x < left < x + width + 8 and abs(y - top) < 7 for left, top in points)
            if is_clear and is_free(x + RADIUS + 3, y, width, 11):
                parts.append(text_svg(label, round(x + RADIUS + 3, 1), round(y + 4, 1), SMALL_SIZE, "shape"))
    return "".join(parts), max((end for _, end, _ in taken), default=0.0)
