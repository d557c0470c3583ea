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
MAX_NAME = 28
BAR_LENGTH, BAR_HEIGHT = 72.0, 3.0
"""The bar below the number of parameters: how long it is for all parameters of the network."""


def text_width(text: str, size: float) -> float:
    """At most how wide a text is in a common monospace font."""
    return 0.61 * size * len(text)


STACK = 5.0
"""How far the further cards of a block or of copies in a row are seen above the first."""


@dataclass(frozen=True, slots=True)
class Card:
    """A box that is not open: its lines of code, a line below, and its size without the shape below it. `stack` is the
    part of the height that shows further cards."""

    title: tuple[str, ...]
    note: str
    width: float
    height: float
    has_glyph: bool
    stack: float = 0.0

    @property
    def text_left(self) -> float:
        """Where the text starts, from the left edge."""
        return PADDING + (GLYPH if self.has_glyph else STRIPE)


def card_of(box: Box) -> Card:
    if box.is_port:
        return Card((), "", 0.0, 0.0, has_glyph=False)
    has_glyph = box.shape is not None and box.kind not in ("merge", "output")
    title = wrapped_code(box.title, MAX_TITLE, "  ")
    if box.count > 1:
        title[-1] += f" × {box.count}"
    note = note_of(box)
    widths = [text_width(line, TITLE_SIZE) for line in title] + [text_width(note, SMALL_SIZE)]
    widths += [BAR_LENGTH] if box.fraction else []
    width = max(widths) + 2 * PADDING + (GLYPH if has_glyph else STRIPE)
    lines = text_height(len(title), note, box)
    height = max(lines + 10.0, 36.0 if has_glyph else 26.0)
    stack = STACK if box.count > 1 or box.inside is not None else 0.0
    return Card(tuple(title), note, round(width), round(height + stack), has_glyph, stack)


def text_height(lines: int, note: str, box: Box) -> float:
    """How high the title, the note and the bar are together."""
    return lines * LINE + (13.0 if note else 0.0) + (BAR_HEIGHT + 3.0 if box.fraction or box.is_shared else 0.0)


def note_of(box: Box) -> str:
    """The line below the title: the name, and the number of weights, of copies as a product, as the bar is of all."""
    parts = []
    if box.is_named:
        parts.append(box.name if len(box.name) <= MAX_NAME else f"{box.name[: MAX_NAME - 1]}…")
    if box.layer is not None and box.layer.word == "attention" and len(box.reads) > 1:
        parts.append("cross-attention")
    if box.is_shared:
        parts.append("shared")
    if box.counts.parameters:
        times = f"{box.total_count} × " if box.total_count > 1 else ""
        parts.append(f"{times}{number_text(box.counts.parameters)} params")
    return "  ".join(parts)


def frame_title(box: Box) -> str:
    """What is written on an open block."""
    shared = " (shared)" if box.is_shared_again else ""
    return f"{box.title}{shared}" if box.count == 1 else f"{box.title}{shared} × {box.count}"


def details_of(box: Box) -> tuple[str, ...]:
    """What is told of a box on hover: what it computes, its formula, and how its parameters are counted."""
    flow = ", ".join(map(str, box.reads))
    lines = [f"{box.name} = {box.title}" if box.layer is not None else f"{box.kind} {box.name or box.title}"]
    lines += [f"{flow} -> {box.shape}" if flow and box.shape is not None else flow or str(box.shape)]
    if box.layer is not None and (formula := word_page(type(box.layer)).facts.get("Formula")):
        lines.append(formula)
    each, copies = (" each", f", all {box.total_count} copies together") if box.total_count > 1 else ("", "")
    if box.is_shared:
        lines.append("shares its weights with the one above")
    elif box.counts.parameters:
        lines.append(f"{number_text(box.counts.parameters)} parameters{each}{_sum_text(box)}")
        lines.append(f"{_percent(box.fraction)} of the parameters of the network{copies}")
    if box.counts.state:
        lines.append(f"{number_text(box.counts.state)} numbers of state{each}")
    if box.counts.macs != 0:
        lines.append(f"{number_text(box.counts.macs)} multiply-adds per example{each}")
    return tuple(lines)


def _percent(fraction: float) -> str:
    return f"{fraction:.1%}" if fraction >= 0.001 else "less than 0.1%"


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
    """Code in lines that are not much longer, broken after commas, and long names after a `_`."""
    lines = [""]
    for number, part in enumerate(title.split(", ")):
        if number and len(lines[-1]) + len(part) + 2 > length:
            lines[-1] += ","
            lines.append(indent)
        elif number:
            lines[-1] += ", "
        first, *rest = _pieces(part, length)
        lines[-1] += first
        lines += [indent + piece for piece in rest]
    return lines


def _pieces(name: str, length: int) -> list[str]:
    """A name in pieces, if it is much longer than a line."""
    pieces = []
    while len(name) > 1.5 * length:
        cut = name.rfind("_", 1, length) + 1 or length
        pieces.append(name[:cut])
        name = name[cut:]
    return [*pieces, name]
