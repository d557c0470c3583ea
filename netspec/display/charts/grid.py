"""Grids of small images as SVG: filters, feature maps, weights."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil
from typing import TYPE_CHECKING, Any

from netspec.display.charts.key import full_width, head_svg
from netspec.display.drawing.cards import SMALL_SIZE, text_width
from netspec.display.drawing.styles.flow import MARGIN, document, text_svg
from netspec.display.drawing.theme import rgb
from netspec.language.lazy import lazy, np

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

pillow = lazy("PIL.Image")

GAP = 10.0
LINE = 16.0
MAX_WIDTH = 900.0
BAR_WIDTH, BAR_HEIGHT = 160.0, 8.0
MAX_PIXELS = 96
"""Along the longer side of an image of which a small one is shown."""


NEGLIGIBLE = 1e-6
"""Beside the largest number, a smallest one that is as close to 0 is written as 0."""


@dataclass(frozen=True)
class Tile:
    """An image: numbers of shape (height, width), or 8-bit colors of shape (height, width, 3), and a caption."""

    pixels: Array
    caption: str = ""


@dataclass(frozen=True)
class Row:
    """Images with a heading; they are broken into lines where they are many. With `signed`, zero has the color of the
    page, positive numbers are orange and negative ones blue; otherwise the smallest number is black and the largest one
    white, or those of `limits`. All images of a row have the same scale."""

    heading: str
    tiles: Sequence[Tile]
    signed: bool = False
    side: float = 72.0
    limits: tuple[float, float] | None = None


def grid_svg(title: str, rows: Sequence[Row]) -> str:
    """A picture of rows of images."""
    body, y = head_svg(title)
    y, right = y + 10, 0.0
    for row in rows:
        scale, shown = _scale(row)
        heading = f"{row.heading}  {shown}".rstrip()
        body += text_svg(heading, MARGIN, y + LINE, SMALL_SIZE, "shape")
        right = max(right, text_width(heading, SMALL_SIZE))
        y += LINE + 8
        if row.signed and scale is not None:
            is_clipped = max(float(np.abs(tile.pixels).max()) for tile in row.tiles) > scale[1]
            body += signed_scale(scale[1], MARGIN, y, is_clipped=is_clipped)
            right = max(right, BAR_WIDTH + 20)
            y += BAR_HEIGHT + LINE + 6
        sizes = [_size(tile, row.side) for tile in row.tiles]
        width = max([size[0] for size in sizes] + [text_width(tile.caption, SMALL_SIZE) for tile in row.tiles])
        height = max(size[1] for size in sizes)
        has_captions = any(tile.caption for tile in row.tiles)
        columns = _columns(len(row.tiles), int((MAX_WIDTH + GAP) // (width + GAP)))
        for number, (tile, size) in enumerate(zip(row.tiles, sizes, strict=True)):
            x = MARGIN + (number % columns) * (width + GAP)
            top = y + (number // columns) * (height + GAP + (LINE if has_captions else 0))
            colors = tile.pixels if scale is None else shaded(tile.pixels, scale)
            body += image_svg(tile.caption, colors, x, top, size)
            if tile.caption:
                body += text_svg(tile.caption, x, top + height + 13, SMALL_SIZE, "shape")
            right = max(right, x + width - MARGIN)
        y += ceil(len(row.tiles) / columns) * (height + GAP + (LINE if has_captions else 0)) + 4
    return document(title, body, full_width(title, right + 2 * MARGIN), y + MARGIN - GAP)


def _columns(count: int, limit: int) -> int:
    """How many of some images are in a line: in as few lines as possible, which are equally long if they can be."""
    lines = ceil(count / max(1, limit))
    return ceil(count / lines)


def _scale(row: Row) -> tuple[tuple[float, float] | None, str]:
    """The numbers that are drawn darkest and brightest, and these in words; none of colors."""
    numbers = [tile.pixels for tile in row.tiles if tile.pixels.ndim == 2]
    if not numbers:
        return None, ""
    low, high = row.limits or (min(float(part.min()) for part in numbers), max(float(part.max()) for part in numbers))
    low = 0.0 if abs(low) < NEGLIGIBLE * high else low
    if row.signed:
        end = max(abs(low), abs(high)) or 1.0
        return (-end, end), ""
    return (low, high if high > low else low + 1), f"(black {low:.3g}, white {high:.3g})"


def _size(tile: Tile, side: float) -> tuple[float, float]:
    height, width = tile.pixels.shape[:2]
    scale = side / max(height, width)
    return width * scale, height * scale


def png_uri(colors: Array) -> str:
    """An image with 8-bit colors, or grays, as a URI that a page holds."""
    return _uri(pillow.fromarray(colors), "png")


def small_uri(colors: Array) -> str:
    """The same for an image of which a small one is shown: with at most `MAX_PIXELS` along its longer side, and as JPEG
    where that is shorter."""
    image = pillow.fromarray(colors)
    if max(image.size) <= MAX_PIXELS:
        return _uri(image, "png")
    scale = MAX_PIXELS / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    image = image.resize((width, height), pillow.Resampling.BOX)
    return min(_uri(image, "png"), _uri(image, "jpeg"), key=len)


def _uri(image: Any, form: str) -> str:
    content = io.BytesIO()
    image.save(content, form, optimize=True)
    return f"data:image/{form};base64,{base64.b64encode(content.getvalue()).decode()}"


def image_svg(caption: str, colors: Array, x: float, y: float, size: tuple[float, float]) -> str:
    """An image with 8-bit colors, or grays, at a place."""
    edge = f"M{x:g} {y:g}h{size[0]:g}v{size[1]:g}h{-size[0]:g}z"
    return (
        f'<image x="{x:g}" y="{y:g}" width="{size[0]:g}" height="{size[1]:g}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="{png_uri(colors)}">'
        f'<title>{escape(caption)}</title></image><path class="ray" d="{edge}"/>'
    )


def shaded(pixels: Array, scale: tuple[float, float]) -> Array:
    """Numbers as 8-bit colors with an alpha channel, or as gray where none is negative by its scale."""
    low, high = scale
    if low != -high:
        return np.round(255 * np.clip((pixels - low) / (high - low), 0, 1)).astype(np.uint8)
    ends = [np.array(rgb(name)) for name in ("conv", "dense")]
    alpha = np.round(255 * np.clip(np.abs(pixels) / high, 0, 1))[..., None]
    return np.concatenate([np.where((pixels < 0)[..., None], *ends), alpha], axis=-1).astype(np.uint8)


def signed_scale(end: float, x: float, y: float, *, full: float | None = None, is_clipped: bool = False) -> str:
    """The colors of signed numbers, of which `full` (`end`) has all of its color, with the ends and zero below; with
    `is_clipped` there are numbers beyond."""
    full = full or end
    colors = shaded(np.linspace(-end, end, 129)[None], (-full, full))
    body = image_svg("scale", colors, x, y, (BAR_WIDTH, BAR_HEIGHT))
    signs = ("≤ ", "", "≥ ") if is_clipped else ("", "", "")
    texts = [f"{sign}{number:.3g}" for sign, number in zip(signs, (-end, 0.0, end), strict=True)]
    for text, part in zip(texts, (0.0, 0.5, 1.0), strict=True):
        at = x + part * (BAR_WIDTH - text_width(text, SMALL_SIZE))
        body += text_svg(text, at, y + BAR_HEIGHT + 12, SMALL_SIZE, "shape")
    middle = f"M{x + BAR_WIDTH / 2:g} {y + BAR_HEIGHT:g}v3"
    return body + f'<path class="ray" d="{middle}"/>'
