"""Drawings in the manner of the LeNet-5 and AlexNet papers: feature maps from left to right, as solids whose
proportions follow their shapes, with the windows that slide over them.

LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document recognition; Krizhevsky, Sutskever
and Hinton 2012, ImageNet classification with deep convolutional neural networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set as AbstractSet
from dataclasses import replace
from html import escape
from math import log2, sqrt

from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.outline import Box, Plan, Wire, flattened, outline_of
from netspec.display.drawing.cards import LINE, SMALL_SIZE, details_of, text_width, wrapped_code
from netspec.display.drawing.glyph import known, largest_side
from netspec.display.drawing.layout.arrange import Extent, Placed, PlacedBox, PlacedWire, arrange, layout_of, path_of
from netspec.display.drawing.styles.flow import HEAD, HEADING, MARGIN, document, heading_svg, text_svg
from netspec.language.shape import Shape

ABSORBED = ("activation", "norm", "dropout", "reshape", "output")
"""Layers that are not drawn: what they give looks like what they take."""
SIDE = 150.0
SLANT = 0.45
RISE = 0.9
"""How far the depth goes up for each pixel to the right."""
MAX_LINE = 14
MAX_LINES = 4
MAX_LENGTH = 16
"""Blocks are dissolved, outer ones first, while there are at most this number of maps in a row."""
ENTRY_GAP = 8.0
MIN_WINDOW = 0.08
"""Windows are drawn at least with this fraction of a side, to be seen."""


def network_maps(network: Graph) -> str:
    """The feature maps of a network as SVG."""
    plan = _maps_of(outline_of(network))
    largest = largest_side(plan.shapes())
    placed = arrange(layout_of(plan, lambda box, inputs: _extent(box, inputs, largest)), lambda box: False)
    heading, room = heading_svg(network)
    body = "".join(_maps(placed, plan.wires, MARGIN, MARGIN + HEADING - placed.left, largest))
    width, height = placed.height + 2 * MARGIN, placed.right - placed.left + 2 * MARGIN + HEADING
    return document(network.name, heading + body, max(width, room), height)


def _maps_of(plan: Plan) -> Plan:
    """What is drawn: no block of a single map, and no others as long as the drawing stays short. Copies in a row of
    something longer stay one box, since the count is of all of it."""
    dissolved = {box.key for box in plan.all_boxes() if box.inside is not None and _is_one_map(box.inside)}
    shown = _without(plan, dissolved)
    while True:
        blocks = {box.key for box in shown.boxes if box.inside is not None and box.count == 1}
        more = _without(plan, dissolved | blocks)
        if not blocks or _length(more) > MAX_LENGTH:
            return shown
        dissolved |= blocks
        shown = more


def _without(plan: Plan, blocks: AbstractSet[str]) -> Plan:
    return reduced(flattened(plan, lambda box: box.key in blocks))


def _length(plan: Plan) -> int:
    """The number of boxes on the longest way."""
    steps = [1] * len(plan.boxes)
    for wire in sorted(plan.wires, key=lambda wire: wire.target):
        steps[wire.target] = max(steps[wire.target], steps[wire.source] + 1)
    return max(steps)


def _is_one_map(inside: Plan) -> bool:
    boxes = [box for box in inside.all_boxes() if box.inside is None and not box.is_port]
    return sum(box.kind not in ABSORBED for box in boxes) == 1


def reduced(plan: Plan) -> Plan:
    """The plan without layers that only change the numbers."""
    source_of = {w.target: (w.source, w.source_port) for w in plan.wires if w.target_port == 0}
    stands_for: dict[int, tuple[int, int]] = {}
    place: dict[int, int] = {}
    result = Plan()
    for index, box in enumerate(plan.boxes):
        if box.kind in ABSORBED and index in source_of:
            source, port = source_of[index]
            stands_for[index] = stands_for.get(source, (source, port))
        else:
            place[index] = result.add(replace(box))
    for wire in plan.wires:
        if wire.target in place:
            source, port = stands_for.get(wire.source, (wire.source, wire.source_port))
            result.wires.append(Wire(place[source], place[wire.target], port, wire.target_port))
    return result


def _solid(shape: Shape, largest: int) -> tuple[float, float, float]:
    """Width, height and depth. A vector is a standing bar, a sequence a sheet."""
    sizes = [known(size) for size in shape.sizes] or [1]
    channels = min(1.0, log2(1 + sizes[-1]) / 11)
    if shape.vocabulary is not None:
        return 12.0, _side(sizes[0], largest), 0.0
    if len(sizes) == 1:
        return 12.0, 16 + 150 * channels, 6.0
    if len(sizes) == 2:
        return 8 + 70 * channels, _side(sizes[0], largest), 0.0
    return 4 + 56 * channels, _side(sizes[-3], largest), SLANT * _side(sizes[-2], largest)


def _side(size: int, largest: int) -> float:
    return 8 + (SIDE - 8) * sqrt(min(1.0, size / largest))


def _caption(box: Box) -> list[str]:
    """What is written below a map: the hover has what does not fit."""
    text = box.title if box.count == 1 else f"{box.title} × {box.count}"
    lines = wrapped_code(text, MAX_LINE)
    lines = lines if len(lines) <= MAX_LINES else [*lines[: MAX_LINES - 1], "…)"]
    return [*lines, "(shared)"] if box.is_shared or box.is_used_again else lines


def _extent(box: Box, inputs: int, largest: int) -> Extent:
    """The room of a solid with its texts, turned: the layers go from left to right."""
    shape = box.shape or Shape(())
    width, height, depth = _solid(shape, largest)
    rise = depth * RISE
    caption = _caption(box)
    widest = max([text_width(line, SMALL_SIZE) for line in [*caption, str(shape)]])
    above, below = height / 2 + rise + LINE, height / 2 + LINE * (len(caption) + 0.5)
    gap = min(ENTRY_GAP, height / (inputs + 1))
    entries = tuple(gap * (number - (inputs - 1) / 2) for number in range(inputs))
    return Extent(above, below, max(width + depth, widest) + 12, 0.0, entries, (0.0,))


def _maps(placed: Placed, wires: Sequence[Wire], x: float, y: float, largest: int) -> Iterator[str]:
    for given, wire in zip(wires, placed.wires, strict=True):
        if _window_of(placed.boxes[given.target].box) and placed.boxes[given.source].box.shape:
            continue  # the window shows the way
        source, target = placed.boxes[given.source], placed.boxes[given.target]
        wire = _touching(wire, _right_of(source, largest), _corner(target, 0.0, 0.0, largest)[0])
        tip, _, along = wire.pieces[-1]
        yield f'<path class="wire" d="{path_of(wire, x, y, turned=True)}"/>'
        yield f'<path class="head" d="M{along + x:g} {tip + y:g}l{-1.6 * HEAD:g} {-HEAD:g}v{2 * HEAD:g}z"/>'
    for box in placed.boxes:
        yield _map(box, x, y, largest)
    for given in wires:
        target = placed.boxes[given.target]
        if _window_of(target.box):
            yield _window(placed.boxes[given.source], target, x, y, largest)


def _touching(wire: PlacedWire, start: float, end: float) -> PlacedWire:
    """The wire from solid to solid: the room of a solid is as wide as its texts."""
    first, *between = [list(piece) for piece in wire.pieces]
    first[1], (between or [first])[-1][2] = start, end
    return PlacedWire([(across, top, bottom) for across, top, bottom in (first, *between)])


def _right_of(placed: PlacedBox, largest: int) -> float:
    """Where a solid ends at the height of its wire, which is that of the middle of its front."""
    width, height, depth = _solid(placed.box.shape or Shape(()), largest)
    reach = min(depth, height / 2 / RISE)
    return _corner(placed, 0.0, 0.0, largest)[0] + width + reach


def _map(placed: PlacedBox, x: float, y: float, largest: int) -> str:
    box = placed.box
    shape = box.shape or Shape(())
    width, height, depth = _solid(shape, largest)
    rise = depth * RISE
    left, top = _corner(placed, x, y, largest)
    right, middle_x = left + width, left + (width + depth) / 2
    parts = [f"<title>{escape(chr(10).join(details_of(box)))}</title>"]
    parts.append(f'<rect class="side" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>')
    if depth:
        lid = f"M{left:.1f} {top:.1f}l{depth:.1f} {-rise:.1f}h{width:.1f}l{-depth:.1f} {rise:.1f}z"
        side = f"M{right:.1f} {top:.1f}l{depth:.1f} {-rise:.1f}v{height:.1f}l{-depth:.1f} {rise:.1f}z"
        parts += [f'<path class="side top" d="{lid}"/>', f'<path class="side back" d="{side}"/>']
    label = str(shape)
    parts.append(_centered(label, middle_x, top - rise - 5, "shape"))
    for number, line in enumerate(_caption(box)):
        parts.append(_centered(line, middle_x, top + height + LINE * (number + 0.9), "title"))
    return f'<g class="{box.kind}">{"".join(parts)}</g>'


def _corner(placed: PlacedBox, x: float, y: float, largest: int) -> tuple[float, float]:
    """The upper left corner of the front of a solid."""
    width, height, depth = _solid(placed.box.shape or Shape(()), largest)
    return (placed.top + placed.bottom - width - depth) / 2 + x, placed.x + y - height / 2


def _window(source: PlacedBox, target: PlacedBox, x: float, y: float, largest: int) -> str:
    """The window on the side of the solid that it slides over, and what it gives: one place of the next solid."""
    shape, given = source.box.shape, target.box.shape
    if shape is None or given is None or len(shape.sizes) != 3:
        return ""
    width, height, depth = _solid(shape, largest)
    left, top = _corner(source, x, y, largest)
    sizes = zip(_window_of(target.box), shape.sizes, strict=False)
    tall, wide = (min(1.0, max(MIN_WINDOW, k / known(size))) for k, size in sizes)
    x0, x1 = (left + width + depth * (1 + sign * wide) / 2 for sign in (-1, 1))
    up0, up1 = (RISE * depth * (1 + sign * wide) / 2 for sign in (-1, 1))
    y0, y1 = top + height * (1 - tall) / 2, top + height * (1 + tall) / 2
    end_x, end_y = _corner(target, x, y, largest)
    end_y += _solid(given, largest)[1] * 0.3
    frame = f"M{x0:.1f} {y0 - up0:.1f}L{x1:.1f} {y0 - up1:.1f}V{y1 - up1:.1f}L{x0:.1f} {y1 - up0:.1f}z"
    rays = f"M{x1:.1f} {y0 - up1:.1f}L{end_x:.1f} {end_y:.1f}L{x1:.1f} {y1 - up1:.1f}"
    return f'<path class="window" d="{frame}"/><path class="ray" d="{rays}"/>'


def _window_of(box: Box) -> tuple[int, ...]:
    """The window of a convolution or a pool over an image, height and width."""
    sizes = getattr(box.layer, "kernel", None) or getattr(box.layer, "window", None)
    if sizes is None or not box.reads or len(box.reads[0].sizes) != 3:
        return ()
    return (sizes, sizes) if isinstance(sizes, int) else tuple(sizes)


def _centered(text: str, x: float, y: float, kind: str) -> str:
    return text_svg(text, x - text_width(text, SMALL_SIZE) / 2, y, SMALL_SIZE, kind)
