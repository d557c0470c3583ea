"""How large a box is, and what is written on it. All lengths are in CSS pixels."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from netspec.compiler.ir.outline import Box
from netspec.compiler.ir.printer import count as number_text
from netspec.language.reference.entries import word_page

TITLE_SIZE, SMALL_SIZE = 12.5, 10.5
LINE = 16.0
PADDING = 9.0
STRIPE = 5.0
GLYPH = 40.0
"""The room for the picture of the feature map, left of the text."""
STRIP = 17.0
"""The room below a box for the shape of what it gives."""
FRAME_TITLE = 26.0
FRAME_PADDING = 12.0
MAX_TITLE = 34


def text_width(text: str, size: float) -> float:
    """At most how wide a text is in a common monospace font."""
    return 0.61 * size * len(text)


@dataclass(frozen=True, slots=True)
class Card:
    """A box that is not open: its lines of code, a line below, and its size without the shape below it."""

    title: tuple[str, ...]
    note: str
    width: float
    height: float
    has_glyph: bool

    @property
    def text_left(self) -> float:
        """Where the text starts, from the left edge."""
        return PADDING + (GLYPH if self.has_glyph else STRIPE)


def card_of(box: Box) -> Card:
    if box.is_port:
        return Card((), "", 0.0, 0.0, has_glyph=False)
    has_glyph = box.shape is not None and box.kind not in ("merge", "output")
    title = tuple(wrapped_code(box.title, MAX_TITLE, "  "))
    note = note_of(box)
    widths = [text_width(line, TITLE_SIZE) for line in title] + [text_width(note, SMALL_SIZE)]
    width = max(widths) + 2 * PADDING + (GLYPH if has_glyph else STRIPE)
    lines = len(title) * LINE + (13.0 if note else 0.0)
    height = max(lines + 10.0, 36.0 if has_glyph else 26.0)
    return Card(title, note, round(width), round(height), has_glyph)


def note_of(box: Box) -> str:
    """The line below the title: the number of weights, and how many copies there are."""
    parts = [f"× {box.count}"] if box.count > 1 else []
    if box.is_named:
        parts.append(box.name)
    if box.is_shared_again:
        parts.append("shared")
    if box.counts.parameters:
        parts.append(f"{number_text(box.counts.parameters)} params" + (" each" if box.count > 1 else ""))
    return "  ".join(parts)


def frame_title(box: Box) -> str:
    """What is written on an open block."""
    return box.title if box.count == 1 else f"{box.title} × {box.count}"


def details_of(box: Box) -> tuple[str, ...]:
    """What is told of a box on hover: what it computes, its formula, and how its parameters are counted."""
    flow = ", ".join(map(str, box.reads))
    lines = [f"{box.name} = {box.title}" if box.layer is not None else f"{box.kind} {box.name or box.title}"]
    lines += [f"{flow} -> {box.shape}" if flow and box.shape is not None else flow or str(box.shape)]
    if box.layer is not None and (formula := word_page(type(box.layer)).facts.get("Formula")):
        lines.append(formula)
    each = " each" if box.count > 1 else ""
    if box.is_shared_again:
        lines.append("shares its weights with the one above")
    elif box.counts.parameters:
        lines.append(f"{number_text(box.counts.parameters)} parameters{each}{_sum_text(box)}")
    if box.counts.state:
        lines.append(f"{number_text(box.counts.state)} numbers of state{each}")
    if box.counts.macs != 0:
        lines.append(f"{number_text(box.counts.macs)} multiply-adds per example{each}")
    return tuple(lines)


def _sum_text(box: Box) -> str:
    """How the parameters of a layer add up."""
    if box.row is None:
        return ""
    parts = [f"{name} {'x'.join(map(str, box.row.sizes[name]))}" for name in box.row.weights]
    sizes = [number_text(prod(box.row.sizes[name])) for name in box.row.weights]
    return (f" = {' + '.join(sizes)}" if len(sizes) > 1 else "") + f": {', '.join(parts)}"


def shape_label(box: Box) -> str:
    return "" if box.shape is None else str(box.shape)


def wrapped_code(title: str, length: int, indent: str = "") -> list[str]:
    """Code in lines that are not much longer, broken after commas."""
    lines, line = [], ""
    for part in title.split(", "):
        if line and len(line) + len(part) + 2 > length:
            lines.append(line + ",")
            line = indent + part
        else:
            line = f"{line}, {part}" if line else part
    return [*lines, line]
