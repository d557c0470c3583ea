"""Heat maps: numbers over an image, over the tokens of a text, or beside the columns of a table.

Colors become stronger with the number, from the color of the page on, so that they read in gray, on light and on dark
pages; what speaks for something and what speaks against it are shown apart, in colors that people with any color vision
tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil
from typing import TYPE_CHECKING, Literal

from netspec.display.charts.bars import Bar, rows_svg
from netspec.display.charts.grid import image_svg
from netspec.display.charts.key import COLORS, full_width, head_svg
from netspec.display.drawing.cards import SMALL_SIZE, text_width
from netspec.display.drawing.styles.flow import MARGIN, document, text_svg
from netspec.display.drawing.theme import rgb
from netspec.display.text import number_text
from netspec.language.lazy import np

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

Tone = Literal["positive", "negative"]

KINDS: dict[Tone, str] = {"positive": "dense", "negative": "conv"}
"""The colors, by their names in theme.py."""
MAX_OUTLINE = 64
"""The outline of a larger image is that of each second, third, … pixel."""
SIDE, GAP, LINE = 196.0, 22.0, 16.0
MAX_BARS = 30
TOKEN_SIZE, TOKEN_LINE, TEXT_WIDTH = 12.5, 26.0, 720.0
MAX_SHADE = 0.55
"""How much of the color is behind a token, so that it can be read on light and on dark pages."""
MIN_SHADE = 0.01
"""Below this fraction of the largest number nothing is marked."""


@dataclass(frozen=True)
class Panel:
    """Numbers from 0 over the pixels of an image, of the same height and width."""

    caption: str
    values: Array
    tone: Tone = "positive"
    unit: str = ""


@dataclass(frozen=True)
class ImageHeat:
    """An image (8-bit grays, or colors of shape (height, width, 3)) with panels beside it, all on one scale, over which
    its outline is drawn."""

    heading: str
    image: Array
    panels: Sequence[Panel]
    has_outline: bool = True


@dataclass(frozen=True)
class Bars:
    """A number for each name; of many the largest ones are shown, in the order given."""

    heading: str
    names: Sequence[str]
    values: Array


@dataclass(frozen=True)
class Tokens:
    """A number for each token of a text; `joint` tokens are characters, which are set without gaps."""

    heading: str
    texts: Sequence[str]
    values: Array
    joint: bool = False


def heat_svg(title: str, notes: Sequence[str], blocks: Sequence[ImageHeat | Bars | Tokens]) -> str:
    """A picture of blocks below each other.

    Args:
        title: what is shown.
        notes: lines below the title.
        blocks: one for each example, or for each of its inputs.
    """
    body, y = head_svg(title, notes=notes)
    y, right = y + 10, 0.0
    for block in blocks:
        if block.heading:
            y += LINE
            body += text_svg(block.heading, MARGIN, y, SMALL_SIZE, "title", bold=True)
            right = max(right, text_width(block.heading, SMALL_SIZE))
        y += 8
        part, width, height = _draw(block, MARGIN, y)
        body, right, y = body + part, max(right, width), y + height + GAP
    return document(title, body, full_width(title, right + 2 * MARGIN, notes), y + MARGIN - GAP)


def _draw(block: ImageHeat | Bars | Tokens, x: float, y: float) -> tuple[str, float, float]:
    """A block at a place, its width and its height."""
    if isinstance(block, ImageHeat):
        return _image(block, x, y)
    return _bars(block, x, y) if isinstance(block, Bars) else _tokens(block, x, y)


# ---------------------------------------------------------------- images


def _image(block: ImageHeat, x: float, y: float) -> tuple[str, float, float]:
    height, width = block.image.shape[:2]
    size = SIDE * width / max(height, width), SIDE * height / max(height, width)
    end = max((float(panel.values.max()) for panel in block.panels), default=0.0)
    captions = ["input", *(panel.caption for panel in block.panels)]
    bar = max([size[0], *(text_width(scale_text(panel), SMALL_SIZE) for panel in block.panels)])
    step = max(bar, *(text_width(text, SMALL_SIZE) for text in captions)) + GAP
    body = text_svg("input", x, y + 8, SMALL_SIZE, "shape") + image_svg("input", block.image, x, y + LINE, size)
    for number, panel in enumerate(block.panels, 1):
        left = x + number * step
        body += text_svg(panel.caption, left, y + 8, SMALL_SIZE, "shape")
        body += image_svg(panel.caption, heat_colors(panel.values, end, panel.tone), left, y + LINE, size)
        if block.has_outline:
            body += f'<path class="ray" d="{outline(block.image, left, y + LINE, size)}"/>'
        body += scale_svg(panel, end, left, y + LINE + size[1] + 8, bar)
    return body, step * len(captions) - GAP, LINE + size[1] + 8 + 10 + LINE


def heat_colors(values: Array, end: float, tone: Tone) -> Array:
    """Numbers from 0 to `end` as 8-bit colors with an alpha channel: 0 is transparent, and `end` opaque."""
    colors = np.empty((*values.shape, 4), np.uint8)
    colors[..., :3] = rgb(KINDS[tone])
    colors[..., 3] = np.round(255 * np.clip(values / (end or 1.0), 0, 1))
    return colors


def outline(image: Array, x: float, y: float, size: tuple[float, float]) -> str:
    """The path between the bright and the dark pixels of an image, along the edges of pixels."""
    gray = np.asarray(image, float)
    gray = gray.mean(axis=-1) if gray.ndim == 3 else gray
    stride = ceil(max(gray.shape) / MAX_OUTLINE)
    gray = gray[::stride, ::stride]
    is_bright = gray > (gray.min() + gray.max()) / 2
    across, down = size[0] / is_bright.shape[1], size[1] / is_bright.shape[0]
    below, beside = np.argwhere(is_bright[:-1] != is_bright[1:]), np.argwhere(is_bright[:, :-1] != is_bright[:, 1:])
    lines = [f"M{x + column * across:.1f} {y + (row + 1) * down:.1f}h{across:.1f}" for row, column in below]
    return "".join(
        [*lines, *(f"M{x + (column + 1) * across:.1f} {y + row * down:.1f}v{down:.1f}" for row, column in beside)]
    )


def scale_text(panel: Panel) -> str:
    """What is below a scale."""
    return f"0  {panel.unit}  {number_text(float(panel.values.max()), 3)}"


def scale_svg(panel: Panel, end: float, x: float, y: float, width: float) -> str:
    """The colors from 0 to the largest number of a panel, with both numbers and the unit between them."""
    largest = float(panel.values.max())
    text = number_text(largest, 3)
    colors = heat_colors(np.linspace(0, largest, 64)[None], end, panel.tone)
    body = image_svg(f"0 to {text}", colors, x, y, (width, 8))
    middle = (text_width("0", SMALL_SIZE) + width - text_width(f"{text}{panel.unit}", SMALL_SIZE)) / 2
    body += text_svg("0", x, y + 21, SMALL_SIZE, "shape") + text_svg(panel.unit, x + middle, y + 21, SMALL_SIZE, "note")
    return body + text_svg(text, x + width - text_width(text, SMALL_SIZE), y + 21, SMALL_SIZE, "shape")


# ---------------------------------------------------------------- tables


def _bars(block: Bars, x: float, y: float) -> tuple[str, float, float]:
    values = np.asarray(block.values, float)
    shown = np.sort(np.argsort(-np.abs(values), kind="stable")[:MAX_BARS])
    bars = [Bar(block.names[i], float(values[i]), color=COLORS.index(_kind(values[i]))) for i in shown]
    body, right, bottom = rows_svg(bars, x, y)
    if len(shown) < len(values):
        bottom += 18
        body += text_svg(f"the largest {len(shown)} of {len(values)}", x, bottom + 14, SMALL_SIZE, "note")
    return body, right - MARGIN, bottom + 16 - y


def _kind(value: float) -> str:
    """The class of what speaks for something, or against it."""
    return KINDS["positive" if value >= 0 else "negative"]


# ---------------------------------------------------------------- texts


def _tokens(block: Tokens, x: float, y: float) -> tuple[str, float, float]:
    """Tokens in lines, darker where the number is larger; a line below those that speak against."""
    end = float(np.abs(block.values).max()) or 1.0
    gap, inner = (0.0, 0.0) if block.joint else (5.0, 4.0)
    body, left, top, right = "", x, y, x
    for text, value in zip(block.texts, block.values.tolist(), strict=True):
        shown = visible(text)
        width = text_width(shown, TOKEN_SIZE) + 2 * inner
        if left > x and left + width > x + TEXT_WIDTH:
            left, top = x, top + TOKEN_LINE
        kind = _kind(value)
        shade = MAX_SHADE * abs(value) / end
        line = f'<path class="mark" d="M{left:.1f} {top + 19:g}h{width:.1f}"/>' if value < -MIN_SHADE * end else ""
        body += (
            f'<g class="{kind}"><title>{escape(f"{text}: {value:.4g}")}</title><rect class="stripe" '
            f'fill-opacity="{shade:.3f}" x="{left:.1f}" y="{top:g}" width="{width:.1f}" height="18"/>{line}</g>'
        )
        body += text_svg(shown, left + inner, top + 13, TOKEN_SIZE, "title")
        left += width + gap
        right = max(right, left)
    legend = [("largest", float(block.values.max()))]
    if (smallest := float(block.values.min())) < -MIN_SHADE * end:
        legend.append(("smallest (negative ones have a line below)", smallest))
    left, top = x, top + TOKEN_LINE + 4
    for name, value in legend:
        text = f"{name}: {number_text(value, 3)}"
        kind, shade = _kind(value), MAX_SHADE * abs(value) / end
        line = f'<path class="mark" d="M{left:g} {top + 11:g}h14"/>' if value < 0 else ""
        swatch = f'<rect class="stripe" fill-opacity="{shade:.3f}" x="{left:g}" y="{top:g}" width="14" height="10"/>'
        body += f'<g class="{kind}">{swatch}{line}</g>' + text_svg(text, left + 20, top + 9, SMALL_SIZE, "shape")
        left += 20 + text_width(text, SMALL_SIZE) + 18
    return body, max(right, left - 18) - MARGIN, top + 12 - y


def visible(text: str) -> str:
    """A character that has no ink as one that stands for it."""
    return {" ": "␣", "\n": "↵", "\t": "→"}.get(text, text)
