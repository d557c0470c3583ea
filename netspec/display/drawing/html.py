"""A drawing as a page: blocks open and close, details are shown on hover, nothing is loaded from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from netspec.compiler.ir.cost import total_cost
from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.outline import Box, opened, outline_of
from netspec.compiler.ir.printer import total_lines
from netspec.display.drawing.cards import (
    FRAME_PADDING,
    FRAME_TITLE,
    SMALL_SIZE,
    STRIP,
    TITLE_SIZE,
    card_of,
    details_of,
    frame_title,
    shape_label,
    text_width,
)
from netspec.display.drawing.glyph import largest_side
from netspec.display.drawing.layout import arrange, columns
from netspec.display.drawing.layout.arrange import Layout, layout_of
from netspec.display.drawing.styles.flow import HEAD, MARGIN, card_svg, text_svg
from netspec.display.drawing.theme import style_sheet
from netspec.language.files.assets import asset

PACKAGE = "netspec.display.drawing"

CONSTANTS = {
    "rounds": columns.ROUNDS,
    "gap": columns.GAP,
    "wireGap": columns.WIRE_GAP,
    "layerGap": arrange.LAYER_GAP,
    "maxLayerGap": arrange.MAX_LAYER_GAP,
    "slope": arrange.SLOPE,
    "strip": STRIP,
    "frameTitle": FRAME_TITLE,
    "framePadding": FRAME_PADDING,
    "margin": MARGIN,
    "head": HEAD,
}


def network_html(network: Graph, levels: int | None = None) -> str:
    """A page with the drawing of a network; `levels` as for `network_svg`."""
    plan = outline_of(network)
    largest = largest_side(plan.shapes())
    is_open = opened(plan, levels)
    data = {
        "constants": CONSTANTS,
        "plan": _plan_json(layout_of(plan), largest),
        "open": [box.key for box in plan.all_boxes() if box.inside is not None and is_open(box)],
    }
    totals = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in total_lines(total_cost(network))
    )
    name = escape(network.name)
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    has_blocks = "" if any(box.inside is not None for box in plan.all_boxes()) else " hidden"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style_sheet(':root')}{asset(PACKAGE, 'drawing.css')}</style></head><body>"
        f"<header><h1>{name}</h1><dl>{totals}</dl>"
        f'<div class="tools" role="group" aria-label="blocks"{has_blocks}>'
        '<button id="open" type="button">open all blocks</button>'
        '<button id="close" type="button">close all blocks</button></div></header>'
        f'<main tabindex="0" aria-label="drawing of {name}">'
        f'<svg id="drawing" role="group" aria-label="{name}"></svg></main>'
        '<aside id="details" aria-live="polite"></aside>'
        f'<script type="application/json" id="network">{text}</script><script>{asset(PACKAGE, "drawing.js")}</script>'
        "</body></html>\n"
    )


def _plan_json(layout: Layout, largest: int) -> dict[str, Any]:
    """What the page needs to arrange a plan; the numbers of `Layout`, and the closed boxes as SVG."""
    return {
        "boxes": [_box_json(index, box, layout, largest) for index, box in enumerate(layout.plan.boxes)],
        "layers": layout.graph.layers,
        "column": layout.columns.column,
        "order": layout.columns.order,
        "routes": layout.graph.routes,
        "wires": [[w.source, w.target, w.source_port, w.target_port] for w in layout.graph.wires],
    }


def _box_json(index: int, box: Box, layout: Layout, largest: int) -> dict[str, Any]:
    extent = layout.extents[index]
    label = shape_label(box)
    found: dict[str, Any] = {
        "key": box.key,
        "kind": box.kind,
        "closed": [extent.left, extent.right, extent.height, extent.strip],
        "entries": extent.entries,
        "details": details_of(box),
    }
    if not box.is_port:
        found["card"] = card_svg(box, 0.0, 0.0, largest)
    if label:
        found["label"] = text_svg(label, 0.0, 0.0, SMALL_SIZE, "shape")
    if box.inside is not None:
        found["inside"] = _plan_json(layout.inner[index], largest)
        found["title"] = text_svg(frame_title(box), 0.0, 0.0, TITLE_SIZE, "title", bold=True)
        found["titleWidth"] = text_width(frame_title(box), TITLE_SIZE)
        found["name"] = f"block {frame_title(box)}, {card_of(box).note}"
    return found
