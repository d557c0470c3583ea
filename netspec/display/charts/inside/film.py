"""Decision regions that change over the epochs: as an SVG that plays by itself, or as a page with a slider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from netspec.display.charts.field import Field
from netspec.display.charts.inside.regions import field_image
from netspec.display.charts.key import fitted
from netspec.display.charts.plane import Plane, plane_svg
from netspec.display.drawing.cards import SMALL_SIZE, text_width
from netspec.display.drawing.styles.flow import text_svg
from netspec.display.drawing.theme import style_sheet
from netspec.language.files.assets import asset

PACKAGE = "netspec.display.charts"

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

SECONDS = 0.16
"""How long a frame is seen."""
HOLD = 12
"""Frames for which the last one is seen."""
GAP = 12.0
"""Left of a caption."""


@dataclass(frozen=True)
class Frame:
    """A caption, and the pixels of the regions as `region_colors` gives them."""

    caption: str
    colors: Array


def film_svg(plane: Plane, frames: Sequence[Frame]) -> str:
    """A picture that plays the frames again and again; where less motion is preferred, the last one.

    Args:
        plane: what is around them.
        frames: at least one.
    """
    total = (len(frames) + HOLD - 1) * SECONDS
    ends = {"frame": 100 * SECONDS / total, "last": 100 * HOLD * SECONDS / total}
    rules = "".join(
        f"@keyframes {name}{{from{{visibility:visible}}{end:.6f}%,to{{visibility:hidden}}}}"
        for name, end in ends.items()
    )
    plays = f"#film>g{{animation:frame {total:.2f}s step-end infinite}}#film>g:last-child{{animation-name:last}}"
    delays = [f"animation-delay:{number * SECONDS - total:.2f}s" for number in range(len(frames))]
    style = f"<style>{rules}@media(prefers-reduced-motion:no-preference){{{plays}}}</style>" if len(frames) > 1 else ""
    return _film(plane, frames, delays, style)


def film_html(plane: Plane, frames: Sequence[Frame]) -> str:
    """A page that plays the frames once, with a slider and a button; arguments are those of `film_svg`."""
    title = escape(plane.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style_sheet(':root')}{asset(PACKAGE, 'film.css')}</style></head><body><main><h1>{title}</h1>"
        f"{_film(plane, frames, [''] * len(frames))}"
        '<div class="tools"><button id="play" type="button">play</button>'
        f'<input id="frame" type="range" min="0" max="{len(frames) - 1}" value="0" aria-label="epoch"></div>'
        "<p>space: play or pause; left and right: one frame</p></main>"
        f"<script>{asset(PACKAGE, 'film.js')}</script></body></html>\n"
    )


def _film(plane: Plane, frames: Sequence[Frame], styles: Sequence[str], sheet: str = "") -> str:
    """The plane with the frames in its field; the captions are beside the name of the vertical axis."""
    room = plane.size[0] - max(text_width(frame.caption, SMALL_SIZE) for frame in frames) - GAP
    shown = replace(plane, y_name=fitted(plane.y_name, room))
    return plane_svg(shown, lambda field: sheet + _frames(frames, styles, field))


def _frames(frames: Sequence[Frame], styles: Sequence[str], field: Field) -> str:
    """The frames above each other, of which the last one is seen."""
    parts = []
    for number, (frame, style) in enumerate(zip(frames, styles, strict=True), 1):
        seen = "visible" if number == len(frames) else "hidden"
        image = field_image(frame.caption, frame.colors, field)
        shown = fitted(frame.caption, field.width)
        start = field.right - text_width(shown, SMALL_SIZE)
        caption = text_svg(shown, start, field.top - 9, SMALL_SIZE, "shape")
        parts.append(f'<g style="visibility:{seen};{style}">{image}{caption}</g>')
    return f'<g id="film">{"".join(parts)}</g>'
