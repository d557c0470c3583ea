"""Where everything is: places for a network's boxes and wires, blocks open or closed.

Layers, their order and the columns are found once for each plan (`layout_of`). Sizes depend on which blocks are open,
so places are computed for each choice (`arrange`); a page opens and closes blocks by itself: `assets/drawing.js` does
what `arrange` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netspec.compiler.ir.outline import Box, Plan
from netspec.display.drawing.cards import (
    FRAME_PADDING,
    FRAME_TITLE,
    SMALL_SIZE,
    STRIP,
    TITLE_SIZE,
    card_of,
    frame_title,
    shape_label,
    text_width,
)
from netspec.display.drawing.layout.columns import Columns, columns_of
from netspec.display.drawing.layout.layering import Layered, layered

PORT_GAP = 16.0
LAYER_GAP = 18.0
MAX_LAYER_GAP = 60.0
SLOPE = 0.12
"""How much higher a gap is for each pixel that a wire moves sideways in it."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The size of an item around its x: `height` has the strip for the shape in it, `entries` and `exits` are the
    x of its ports from there."""

    left: float
    right: float
    height: float
    strip: float
    entries: tuple[float, ...]
    exits: tuple[float, ...]


@dataclass(eq=False)
class Layout:
    """The layers and columns of a plan, and the sizes of its closed boxes; `inner` has the layouts of its blocks."""

    plan: Plan
    graph: Layered
    columns: Columns
    extents: list[Extent]
    inner: dict[int, Layout]


@dataclass(eq=False)
class PlacedBox:
    """`x` is where its main wire goes; `top` and `bottom` are without the strip below."""

    box: Box
    x: float
    left: float
    right: float
    top: float
    bottom: float
    entries: tuple[float, ...]
    exits: tuple[float, ...]
    inside: Placed | None = None


@dataclass(eq=False)
class PlacedWire:
    """Vertical pieces (x, top, bottom), from above; what is between two of them is a curve."""

    pieces: list[tuple[float, float, float]]


@dataclass(eq=False)
class Placed:
    """A plan in its own coordinates: the x of its first entry is 0, its top is 0."""

    boxes: list[PlacedBox]
    wires: list[PlacedWire]
    left: float
    right: float
    height: float


def layout_of(plan: Plan, size_of: Callable[[Box, int], Extent] | None = None) -> Layout:
    """Lays out a plan and the plans inside; `size_of` gives the size of a closed box with its number of inputs."""
    size_of = size_of or closed_extent
    inner = {n: layout_of(box.inside, size_of) for n, box in enumerate(plan.boxes) if box.inside is not None}
    graph = layered(plan, {n: _port_places(layout) for n, layout in inner.items()})
    inputs = [0] * len(plan.boxes)
    for wire in plan.wires:
        inputs[wire.target] = max(inputs[wire.target], wire.target_port + 1)
    extents = [size_of(box, count) for box, count in zip(plan.boxes, inputs, strict=True)]
    return Layout(plan, graph, columns_of(graph), extents, inner)


def _port_places(layout: Layout) -> list[float]:
    """Where the entries of a plan are when it is open, in their order: from -0.5, left, to 0.5."""
    first = layout.graph.layers[0]
    entries = [index for index, box in enumerate(layout.plan.boxes) if box.kind == "entry"]
    return [(first.index(entry) + 0.5) / len(first) - 0.5 for entry in entries]


def closed_extent(box: Box, inputs: int) -> Extent:
    """The size of a box that is not open."""
    card = card_of(box)
    label = shape_label(box)
    strip = STRIP if label else 0.0
    half = card.width / 2
    gap = min(PORT_GAP, card.width / (inputs + 1))
    entries = tuple(gap * (number - (inputs - 1) / 2) for number in range(inputs))
    right = max(half, 6 + text_width(label, SMALL_SIZE)) if label else half
    exits = (0.0,)
    return Extent(half, right, card.height + strip, strip, entries, exits)


def _open(box: Box, inside: Placed) -> Extent:
    """The size of a block that shows its plan: the first entry is where its main wire is. The shape of what it gives is
    that of a box inside, and not repeated below it."""
    entries = tuple(placed.x for placed in inside.boxes if placed.box.kind == "entry")
    exits = tuple(placed.x for placed in inside.boxes if placed.box.kind == "exit")
    title = text_width(frame_title(box), TITLE_SIZE) + 22
    left = max(-inside.left + FRAME_PADDING, title + FRAME_PADDING - min(entries, default=0.0))
    return Extent(left, inside.right + FRAME_PADDING, inside.height, 0.0, entries, exits)


def arrange(layout: Layout, is_open: Callable[[Box], bool]) -> Placed:
    """Places for everything, those blocks open that `is_open` says."""
    inside = {n: arrange(inner, is_open) for n, inner in layout.inner.items() if is_open(layout.plan.boxes[n])}
    extents = list(layout.extents)
    for index, placed in inside.items():
        extents[index] = _open(layout.plan.boxes[index], placed)
    x = layout.columns.positions([(extent.left, extent.right) for extent in extents])
    tops, bottoms = _layer_places(layout.graph, x, extents)
    rank = {item: number for number, layer in enumerate(layout.graph.layers) for item in layer}
    boxes = []
    for index, box in enumerate(layout.plan.boxes):
        extent, number = extents[index], rank[index]
        top = (tops[number] + bottoms[number] - extent.height) / 2
        boxes.append(
            PlacedBox(
                box,
                x[index],
                x[index] - extent.left,
                x[index] + extent.right,
                top,
                top + extent.height - extent.strip,
                tuple(x[index] + offset for offset in extent.entries),
                tuple(x[index] + offset for offset in extent.exits),
                inside.get(index),
            )
        )
    wires = _wires(layout.graph, x, extents, boxes, [(tops[rank[i]], bottoms[rank[i]]) for i in range(len(x))])
    origin = next((placed.x for placed in boxes if placed.box.kind == "entry"), 0.0)
    return _moved(Placed(boxes, wires, min(p.left for p in boxes), max(p.right for p in boxes), bottoms[-1]), origin)


def _layer_places(graph: Layered, x: Sequence[float], extents: Sequence[Extent]) -> tuple[list[float], list[float]]:
    """Top and bottom of each layer."""
    sideways = [0.0] * len(graph.layers)
    rank = {item: number for number, layer in enumerate(graph.layers) for item in layer}
    for upper, lower, _ in graph.segments():
        sideways[rank[upper]] = max(sideways[rank[upper]], abs(x[upper] - x[lower]))
    tops, bottoms, y = [], [], 0.0
    for number, layer in enumerate(graph.layers):
        height = max((extents[item].height for item in layer if item < graph.boxes), default=0.0)
        tops.append(y)
        bottoms.append(y + height)
        y += height + min(MAX_LAYER_GAP, LAYER_GAP + SLOPE * sideways[number])
        if number == 0 and height == 0.0:
            y += FRAME_TITLE - LAYER_GAP / 2
    return tops, bottoms


def _wires(
    graph: Layered,
    x: Sequence[float],
    extents: Sequence[Extent],
    boxes: Sequence[PlacedBox],
    bands: Sequence[tuple[float, float]],
) -> list[PlacedWire]:
    arriving: dict[int, list[tuple[float, int]]] = {}
    for number, (wire, route) in enumerate(zip(graph.wires, graph.routes, strict=True)):
        arriving.setdefault(wire.target, []).append((x[route[-2]], number))
    ends: dict[int, float] = {}
    for target, sources in arriving.items():
        offsets = extents[target].entries
        is_fixed = boxes[target].inside is not None
        for place, (_, number) in enumerate(sorted(sources)):
            port = graph.wires[number].target_port if is_fixed else place
            ends[number] = x[target] + (offsets[port] if offsets else 0.0)
    wires = []
    for number, (wire, route) in enumerate(zip(graph.wires, graph.routes, strict=True)):
        above, below = boxes[wire.source], boxes[wire.target]
        start = above.exits[wire.source_port] if wire.source_port < len(above.exits) else above.x
        pieces = [(start, above.bottom, bands[wire.source][1])]
        pieces += [(x[item], *bands[item]) for item in route[1:-1]]
        pieces.append((ends[number], bands[wire.target][0], below.top))
        wires.append(PlacedWire(pieces))
    return wires


def _moved(placed: Placed, origin: float) -> Placed:
    """In coordinates whose x starts at `origin`."""
    for box in placed.boxes:
        box.x, box.left, box.right = box.x - origin, box.left - origin, box.right - origin
        box.entries = tuple(place - origin for place in box.entries)
        box.exits = tuple(place - origin for place in box.exits)
    for wire in placed.wires:
        wire.pieces = [(place - origin, top, bottom) for place, top, bottom in wire.pieces]
    ends = [place for wire in placed.wires for place, _, _ in wire.pieces]
    placed.left = min([placed.left - origin, *ends])
    placed.right = max([placed.right - origin, *ends])
    return placed


def path_of(wire: PlacedWire, x: float = 0.0, y: float = 0.0, *, turned: bool = False) -> str:
    """An SVG path along a wire, moved by (x, y); `turned` has layers from left to right instead."""

    def point(across: float, along: float) -> str:
        return f"{along + x:g} {across + y:g}" if turned else f"{across + x:g} {along + y:g}"

    parts = []
    for number, (place, top, bottom) in enumerate(wire.pieces):
        if number == 0:
            parts.append(f"M{point(place, top)}")
        else:
            before, end = wire.pieces[number - 1][0], wire.pieces[number - 1][2]
            middle = (end + top) / 2
            curve = f"C{point(before, middle)} {point(place, middle)} {point(place, top)}"
            parts.append(f"L{point(place, top)}" if before == place else curve)
        if bottom != top:
            parts.append(f"L{point(place, bottom)}")
    return "".join(parts)
