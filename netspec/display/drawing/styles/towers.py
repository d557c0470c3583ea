"""Drawings of nets with several inputs whose parts stand side by side: an encoder on the left of the decoder that
reads it.

Vaswani et al. 2017, Attention is all you need, first drawing.
"""

from __future__ import annotations

from collections.abc import Callable

from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.outline import Plan, Wire, opened, outline_of
from netspec.display.drawing.glyph import largest_side
from netspec.display.drawing.layout.arrange import Placed, arrange, layout_of
from netspec.display.drawing.styles.flow import HEAD, HEADING, MARGIN, document, heading_svg, plan_svg

MIN_STEPS = 3
"""A part stands beside another if it has at least this number of steps more than what it meets there."""
TOP = MARGIN + HEADING
CHANNEL = 44.0
HOP = 5.0
"""The radius of the arc in which a wire passes over another one."""
TURN = 12.0


def network_towers(network: Graph, levels: int | None = None) -> str | None:
    """The drawing as SVG; None for a network that has no such parts."""
    plan = outline_of(network)
    side = _side_boxes(plan)
    if not side:
        return None
    main_plan, main_place = _part(plan, lambda index: index not in side)
    side_plan, side_place = _part(plan, lambda index: index in side)
    is_open = opened(plan, levels)
    main, beside = (arrange(layout_of(part), is_open) for part in (main_plan, side_plan))
    largest = largest_side(plan.shapes())
    side_x = MARGIN - beside.left
    main_x = side_x + beside.right + CHANNEL - main.left
    heading, room = heading_svg(network)
    body = "".join([heading, *plan_svg(main, main_x, TOP, largest), *plan_svg(beside, side_x, TOP, largest)])
    for wire in plan.wires:
        if wire.source in side and wire.target not in side:
            ends = Wire(side_place[wire.source], main_place[wire.target], wire.source_port, wire.target_port)
            body += _across(main, beside, ends, main_x, side_x)
    width = max(main_x + main.right + MARGIN, room)
    return document(network.name, body, width, TOP + max(main.height, beside.height + 2 * TURN) + MARGIN)


def _side_boxes(plan: Plan) -> set[int]:
    """The boxes that depend on one input alone and end deep beside something shallow that they meet."""
    inputs = [index for index, box in enumerate(plan.boxes) if box.kind == "input"]
    reads: dict[int, set[int]] = {index: {index} for index in inputs}
    steps = [0] * len(plan.boxes)
    sources: dict[int, list[int]] = {}
    for wire in plan.wires:
        sources.setdefault(wire.target, []).append(wire.source)
    side: set[int] = set()
    for index in range(len(plan.boxes)):
        found = sources.get(index, [])
        reads.setdefault(index, set()).update(*(reads[source] for source in found))
        inside = plan.boxes[index].inside
        size = 1 if inside is None else len(inside.boxes)
        steps[index] = max((steps[source] + size for source in found), default=0)
        for deep in found:
            others = [source for source in found if not reads[source] & reads[deep]]
            if len(reads[deep]) == 1 and any(steps[deep] >= steps[source] + MIN_STEPS for source in others):
                side |= reads[deep]
    return {index for index, read in reads.items() if read and read <= side}


def _part(plan: Plan, belongs: Callable[[int], bool]) -> tuple[Plan, dict[int, int]]:
    """Some boxes of a plan with the wires between them, and their new numbers."""
    part, place = Plan(), {}
    for index, box in enumerate(plan.boxes):
        if belongs(index):
            place[index] = part.add(box)
    for wire in plan.wires:
        if wire.source in place and wire.target in place:
            part.wires.append(Wire(place[wire.source], place[wire.target], wire.source_port, wire.target_port))
    return part, place


def _across(main: Placed, beside: Placed, wire: Wire, main_x: float, side_x: float) -> str:
    """A wire from the bottom of a part, up between the two, and down into what reads it."""
    source, target = beside.boxes[wire.source], main.boxes[wire.target]
    start_x, start_y = source.x + side_x, source.bottom + TOP
    low = start_y + TURN + 17
    lane = main_x + main.left - CHANNEL / 2
    ports = target.entries
    end_x = (ports[wire.target_port] if wire.target_port < len(ports) else target.x + TURN) + main_x
    end_y = target.top + TOP
    high = end_y - TURN
    others = sorted(x + main_x for port, x in enumerate(ports) if port != wire.target_port)
    hops = "".join(
        f"H{x - HOP:g}a{HOP:g} {HOP:g} 0 0 1 {2 * HOP:g} 0" for x in others if lane < x - HOP < end_x - 2 * HOP
    )
    path = f"M{start_x:g} {start_y:g}V{low:g}H{lane:g}V{high:g}{hops}H{end_x:g}V{end_y:g}"
    head = f"M{end_x:g} {end_y:g}l{-HEAD:g} {-1.6 * HEAD:g}h{2 * HEAD:g}z"
    return f'<path class="wire" stroke-linejoin="round" d="{path}"/><path class="head" d="{head}"/>'
