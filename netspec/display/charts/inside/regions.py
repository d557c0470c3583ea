"""Decision regions as SVG: the plane of two inputs in the colors of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netspec.display.charts.axes import axis_between
from netspec.display.charts.field import Field
from netspec.display.charts.grid import image_svg
from netspec.display.charts.key import COLORS
from netspec.display.charts.plane import Plane, Series, plane_svg
from netspec.display.drawing.theme import rgb
from netspec.language.lazy import np

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

SIDE = 360.0
PALE = 0.6
"""How much of the color of the page is in that of a region whose class is certain."""


def regions_plane(
    title: str,
    ends: Sequence[tuple[float, float]],
    classes: Sequence[str],
    names: tuple[str, str],
    points: Any = None,
    labels: Sequence[int] | None = None,
    note: str = "",
) -> Plane:
    """What is around and above the regions.

    Args:
        title: what is shown.
        ends: the lowest and the highest number of both inputs.
        classes: their names.
        names: those of both inputs.
        points: examples to draw over the regions, of shape (examples, 2).
        labels: their class ids.
        note: a line below the title.
    """
    shown = np.zeros((0, 2)) if points is None else np.asarray(points, float)
    ids = np.full(len(shown), -1) if labels is None else np.asarray(labels)

    def of(number: int, name: str, color: int | None) -> Series:
        own = shown[ids == number]
        return Series(name, own[:, 0].tolist(), own[:, 1].tolist(), "points", color)

    series = [*(of(number, name, number) for number, name in enumerate(classes)), of(-1, "", None)]
    axes = [axis_between(*end) for end in ends]
    return Plane(title, *names, series, "", axes[0], axes[1], (SIDE, SIDE), (note,))


def regions_svg(plane: Plane, probabilities: Array) -> str:
    """The regions where each class is the most probable one, paler where it is less probable.

    Args:
        plane: what is around them.
        probabilities: an array of shape (second input, first input, classes), from the lowest numbers on.
    """
    colors = region_colors(probabilities)
    return plane_svg(plane, lambda field: field_image(plane.title, colors, field))


def field_image(caption: str, colors: Array, field: Field) -> str:
    """An image that fills a field."""
    return image_svg(caption, colors, field.left, field.top, (field.width, field.height))


def region_colors(probabilities: Array) -> Array:
    """The pixels of the regions with an alpha channel, from above; arguments are those of `regions_svg`."""
    colors = np.array([rgb(kind) for kind in COLORS], float)
    count, winner = probabilities.shape[-1], probabilities.argmax(axis=-1)
    lead = np.take_along_axis(probabilities, winner[..., None], axis=-1)
    sure = (lead - 1 / count) / (1 - 1 / count)
    alpha = np.round(255 * (1 - PALE) * sure)
    image: Array = np.concatenate([colors[winner % len(COLORS)], alpha], axis=-1)[::-1].astype(np.uint8)
    return image
