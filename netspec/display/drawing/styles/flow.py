"""A drawing as SVG: one file without any reference to others, in light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from math import ceil

from netspec.compiler.ir.cost import total_cost
from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.outline import Box, opened, outline_of
from netspec.compiler.ir.printer import count as number_text
from netspec.display.drawing.cards import (
    BAR_HEIGHT,
    BAR_LENGTH,
    FRAME_PADDING,
    GLYPH,
    LINE,
    SMALL_SIZE,
    STRIP,
    TITLE_SIZE,
    card_of,
    details_of,
    frame_title,
    shape_label,
    text_height,
    text_width,
)
from netspec.display.drawing.glyph import glyph_svg, largest_side
from netspec.display.drawing.layout.arrange import Placed, PlacedBox, PlacedWire, arrange, layout_of, path_of
from netspec.display.drawing.theme import style_sheet

MARGIN = 16.0
HEAD = 4.0
HEADING = 38.0
"""The room of the name of a network and its number of parameters."""
SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def network_svg(network: Graph, levels: int | None = None) -> str:
    """The drawing of a network.

    Args:
        network: what is drawn.
        levels: how many levels of blocks are open; None: as many as read well on a page.
    """
    plan = outline_of(network)
    placed = arrange(layout_of(plan), opened(plan, levels))
    heading, room = heading_svg(network)
    width, height = placed.right - placed.left + 2 * MARGIN, placed.height + 2 * MARGIN + HEADING
    x = MARGIN - placed.left + max(0.0, room - width) / 2
    body = "".join(plan_svg(placed, x, MARGIN + HEADING, largest_side(plan.shapes())))
    return document(network.name, heading + body, max(width, room), height)


def heading_svg(network: Graph, x: float = MARGIN) -> tuple[str, float]:
    """The name of a network and the number of its parameters, of which bars are fractions; and how wide a drawing with
    them is at least."""
    total = f"{number_text(total_cost(network).parameters)} parameters"
    name = text_svg(network.name, x, MARGIN + TITLE_SIZE - 3, TITLE_SIZE, "title", bold=True)
    width = max(text_width(network.name, TITLE_SIZE), text_width(total, SMALL_SIZE))
    return name + text_svg(total, x, MARGIN + TITLE_SIZE + 12, SMALL_SIZE, "note"), width + 2 * MARGIN


def document(title: str, body: str, width: float, height: float, description: str = "") -> str:
    """An SVG file; `description` says in words what it shows, for those who do not see it."""
    name = escape(title)
    words = f"<desc>{escape(description)}</desc>" if description else ""
    width, height = ceil(width), ceil(height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="net" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{name}">'
        f"<title>{name}</title>{words}<style>{style_sheet('.net')}</style>"
        f'<rect class="page" width="100%" height="100%"/>{body}</svg>\n'
    )


def plan_svg(placed: Placed, x: float, y: float, largest: int) -> Iterator[str]:
    """The boxes and wires of a plan, moved by (x, y)."""
    for box in placed.boxes:
        yield _box(box, x, y, largest)
    for wire in placed.wires:
        yield _wire(wire, x, y)


def _wire(wire: PlacedWire, x: float, y: float) -> str:
    end_x, _, end_y = wire.pieces[-1]
    head = f"M{end_x + x:g} {end_y + y:g}l{-HEAD:g} {-1.6 * HEAD:g}h{2 * HEAD:g}z"
    return f'<path class="wire" d="{path_of(wire, x, y)}"/><path class="head" d="{head}"/>'


def _box(placed: PlacedBox, x: float, y: float, largest: int) -> str:
    box = placed.box
    if box.is_port:
        return ""
    inner = _frame(placed, x, y, largest) if placed.inside is not None else _card(placed, x, y, largest)
    label = shape_label(box) if placed.inside is None else ""
    if label:
        exits = placed.exits[0] if placed.exits else placed.x
        inner += text_svg(label, exits + x + 6, placed.bottom + y + STRIP - 5, SMALL_SIZE, "shape")
    if box.mark:
        inner += _mark(placed, x, y)
    hover = escape("\n".join(details_of(box)))
    return f'<g class="{box.kind}"><title>{hover}</title>{inner}</g>'


def _mark(placed: PlacedBox, x: float, y: float) -> str:
    """A line around a box that differs in another network, with a sign."""
    card = card_of(placed.box)
    width = card.width + card.stack if placed.inside is None else placed.right - placed.left
    left, top, height, mark = placed.left + x, placed.top + y, placed.bottom - placed.top, placed.box.mark
    sign = text_svg(SIGNS[mark], left + 2, top - 4, TITLE_SIZE, mark, bold=True)
    radius = 4 if placed.inside is None else 8
    return f'<g class="{mark}">{_rect("mark", left, top, width, height, radius)}{sign}</g>'


def _frame(placed: PlacedBox, x: float, y: float, largest: int) -> str:
    left, top, width = placed.left + x, placed.top + y, placed.right - placed.left
    height = placed.bottom - placed.top
    assert placed.inside is not None
    name, words = frame_title(placed.box), placed.box.other_words
    title = _words_svg(name, words, left + FRAME_PADDING, top + 17)
    title += text_svg(name, left + FRAME_PADDING, top + 17, TITLE_SIZE, "title", bold=True)
    return (
        _rect("frame", left, top, width, height, 8)
        + title
        + "".join(plan_svg(placed.inside, placed.x + x, placed.top + y, largest))
    )


def _card(placed: PlacedBox, x: float, y: float, largest: int) -> str:
    return card_svg(placed.box, placed.left + x, placed.top + y, largest)


def card_svg(box: Box, left: float, top: float, largest: int) -> str:
    """A box that is not open, with its upper left corner at (left, top)."""
    card = card_of(box)
    parts = []
    top, height = top + card.stack, card.height - card.stack
    for shift in (card.stack, card.stack / 2, 0.0) if card.stack else (0.0,):
        parts.append(_rect("card", left + shift, top - shift, card.width, height))
    stripe = f"M{left + 5:g} {top:g}h-1a4 4 0 0 0 -4 4v{height - 8:g}a4 4 0 0 0 4 4h1z"
    parts.append(f'<path class="stripe" d="{stripe}"/>')
    if card.has_glyph and box.shape is not None:
        parts.append(glyph_svg(box.shape, largest, left + 8, top + (height - GLYPH + 4) / 2, GLYPH - 4))
    baseline = top + (height - text_height(len(card.title), card.note, box)) / 2 + 12
    for line in card.title:
        parts.append(_words_svg(line, box.other_words, left + card.text_left, baseline))
        parts.append(text_svg(line, left + card.text_left, baseline, TITLE_SIZE, "title"))
        baseline += LINE
    if card.note:
        parts.append(text_svg(card.note, left + card.text_left, baseline - 2, SMALL_SIZE, "note"))
    if box.fraction:
        parts += _bar(box.fraction, left + card.text_left, baseline + 3)
    return "".join(parts)


def _words_svg(line: str, words: Iterable[str], x: float, baseline: float) -> str:
    """What is behind the words of a line that another network does not have."""
    places = [(line.find(word), word) for word in words if word in line]
    return "".join(
        f'<rect class="changed" fill-opacity="0.3" x="{x + text_width(line[:place], TITLE_SIZE):.1f}" '
        f'y="{baseline - 12:g}" width="{text_width(word, TITLE_SIZE):.1f}" height="{LINE:g}" rx="2"/>'
        for place, word in places
    )


def _bar(fraction: float, left: float, top: float) -> Iterator[str]:
    """The fraction of the parameters, as a part of a line."""
    for kind, part in (("track", 1.0), ("stripe", max(fraction, 0.02))):
        width = BAR_LENGTH * part
        yield f'<rect class="{kind}" x="{left:g}" y="{top:g}" width="{width:.1f}" height="{BAR_HEIGHT:g}"/>'


def _rect(kind: str, x: float, y: float, width: float, height: float, radius: float = 4) -> str:
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"/>'


def text_svg(
    text: str, x: float, y: float, size: float, kind: str, *, bold: bool = False, is_upright: bool = False
) -> str:
    """A text that is as wide as was reckoned, in whatever font; with `is_upright` it is written upwards."""
    weight = ' font-weight="600"' if bold else ""
    weight += f' transform="rotate(-90 {x:g} {y:g})"' if is_upright else ""
    width = text_width(text, size)
    return (
        f'<text class="{kind}" x="{x:g}" y="{y:g}" font-size="{size:g}"{weight} '
        f'textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )
