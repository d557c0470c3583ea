"""What is above a chart: its title, and the key, which says what each color, line and marker stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from netspec.display.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.display.drawing.styles.flow import MARGIN, text_svg
from netspec.language.text import truncated

COLORS = (
    *("conv", "dense", "recurrent", "attention", "embedding", "activation", "pool", "other"),
    *("removed", "block"),
)
"""Classes of theme.py; the first eight are colors that people with any color vision tell apart. More series begin
again, of points with another marker."""
RADIUS = 2.6
"""Of the markers of points in a large picture, which are about twice as wide."""
SWATCH, SPOT, KEY_LINE, KEY_GAP, NOTE_LINE = 22.0, 12.0, 18.0, 16.0, 16.0
SHAPES = (
    "M{left:.1f} {top:.1f}h{d:.1f}v{d:.1f}h-{d:.1f}z",
    "M{x:.1f} {above:.1f}l{r:.1f} {r:.1f}l-{r:.1f} {r:.1f}l-{r:.1f} -{r:.1f}z",
    "M{x:.1f} {above:.1f}l{r:.1f} {h:.1f}h-{h:.1f}z",
    "M{left:.1f} {top:.1f}"
    "h{t:.1f}v-{t:.1f}h{t:.1f}v{t:.1f}h{t:.1f}v{t:.1f}h-{t:.1f}v{t:.1f}h-{t:.1f}v-{t:.1f}h-{t:.1f}z",
    "M{x:.1f} {below:.1f}l{r:.1f} -{h:.1f}h-{h:.1f}z",
)
"""Square, diamond, triangle, cross, triangle on its tip: no two of fifty classes have the same color and marker."""
DIAMOND = 1
Sign: TypeAlias = Literal["line", "points", "marked", "bars", "best"]


@dataclass(frozen=True)
class Entry:
    """A name in the key.

    Args:
        name: what it is.
        color: counts the colors; None is that of the text.
        sign: how it is drawn in the chart; `best` is the mark of the best weights.
        look: the classes of a line (theme.py).
    """

    name: str
    color: int | None = 0
    sign: Sign = "line"
    look: str = "mark"

    @property
    def sign_width(self) -> float:
        return SPOT if self.sign in ("points", "marked", "best") else SWATCH

    def sign_svg(self, x: float, y: float) -> str:
        """What is left of the name, with its middle at `y`."""
        middle = x + self.sign_width / 2
        if self.sign == "points":
            drawn = f'<path class="stripe" d="{marker(self.color, middle, y, 1.5 * RADIUS)}"/>'
        elif self.sign == "best":
            drawn = f'<path class="stripe" d="{marker(DIAMOND, middle, y, 1.5 * RADIUS)}"/>'
        elif self.sign == "bars":
            drawn = f'<path class="stripe" d="M{x + 4:g} {y - 5:g}h{SWATCH - 8:g}v10h{8 - SWATCH:g}z"/>'
        elif self.sign == "marked":
            drawn = f'<path class="ray" d="M{middle:g} {y - 6:g}v12"/>'
            drawn += f'<path class="stripe" d="{marker(0, middle, y, 1.25 * RADIUS)}"/>'
        else:
            drawn = f'<path class="{self.look}" d="M{x:g} {y:g}h{SWATCH:g}"/>'
        return f'<g class="{color_class(self.color)}">{drawn}</g>'


def head_svg(
    title: str, entries: Sequence[Entry] = (), width: float = 0.0, notes: Sequence[str] = ()
) -> tuple[str, float]:
    """The title of a picture, notes and its key, as many names in a line as fit, and where they end.

    Args:
        title: what is shown.
        entries: those whose name is empty are left out.
        width: of the key, which begins at `MARGIN`.
        notes: lines below the title.
    """
    bottom = MARGIN + TITLE_SIZE
    body = text_svg(title, MARGIN, bottom, TITLE_SIZE, "title", bold=True)
    for note in notes:
        bottom += NOTE_LINE
        body += text_svg(note, MARGIN, bottom, SMALL_SIZE, "note")
    x, y = MARGIN, bottom + KEY_LINE + 2
    for entry in entries:
        if not entry.name:
            continue
        room = entry.sign_width + 6
        name = fitted(entry.name, width - room)
        needed = room + text_width(name, SMALL_SIZE)
        if x > MARGIN and x + needed > MARGIN + width:
            x, y = MARGIN, y + KEY_LINE
        body += entry.sign_svg(x, y - 4) + text_svg(name, x + room, y, SMALL_SIZE, "shape")
        x, bottom = x + needed + KEY_GAP, y
    return body, bottom


def full_width(title: str, width: float, notes: Sequence[str] = ()) -> float:
    """That of a picture whose title and notes may be wider than what is below them."""
    texts = text_width(title, TITLE_SIZE), *(text_width(note, SMALL_SIZE) for note in notes)
    return max(width, max(texts) + 2 * MARGIN)


def fitted(text: str, width: float) -> str:
    """A small text, or its beginning where it is wider than that; nothing where no character fits."""
    count = int(width / text_width("x", SMALL_SIZE))
    return truncated(text, count) if count > 0 else ""


def marker(color: int | None, x: float, y: float, radius: float = RADIUS) -> str:
    """The path of a marker around a point; which one depends on the number of the color."""
    number, large = color or 0, 1.35 * radius  # shapes that are narrow at their ends are as large as squares look
    shape = (number + number // len(COLORS)) % len(SHAPES)
    left, top = (x - radius, y - radius) if shape == 0 else (x - large, y - 0.45 * radius)
    return SHAPES[shape].format(
        x=x, left=left, top=top, above=y - large, below=y + large, r=large, d=2 * radius, h=2 * large, t=0.9 * radius
    )


def color_class(number: int | None) -> str:
    """The class of a group with the color of that number; None is that of the text."""
    return "merge" if number is None else COLORS[number % len(COLORS)]
