"""Drawings in every format and style."""

from __future__ import annotations

from functools import partial

from netspec.compiler.ir.graph import Graph
from netspec.display.drawing.diagrams import graphviz, mermaid
from netspec.display.drawing.html import network_html
from netspec.display.drawing.picture import picture_of
from netspec.display.drawing.styles.flow import network_svg
from netspec.display.drawing.styles.maps import network_maps
from netspec.display.drawing.styles.pair import Differences, pair_svg
from netspec.display.drawing.styles.towers import network_towers
from netspec.display.drawing.styles.u_shape import network_u
from netspec.display.pictures import Picture
from netspec.language.text import encodable

FORMATS = ("svg", "html", "png", "pdf", "mmd", "dot")
STYLES = ("flow", "maps", "blocks")
ALL_LEVELS = 1000


def draw(network: Graph, form: str = "svg", style: str = "flow", levels: int | None = None) -> bytes:
    """The drawing of a network as a file.

    Args:
        network: what is drawn.
        form: `svg`, `html` (blocks open and close), `png`, `pdf`, `mmd` (Mermaid) or `dot` (Graphviz).
        style: `flow`: layers from above; `maps`: feature maps from left to right, as in the LeNet-5 and AlexNet papers;
            `blocks`: as in papers on U-Net and the Transformer, where the network has such a form, else as `flow`.
            `html`, `mmd` and `dot` are flows.
        levels: how many levels of blocks are open; None: as many as read well.
    """
    if form == "html":
        return encodable(network_html(network, levels)).encode()
    if form in ("mmd", "dot"):
        return encodable((mermaid if form == "mmd" else graphviz)(network)).encode()
    if style == "maps":
        return _file(network_maps(network), form)
    svg = network_blocks(network, levels) if style == "blocks" else None
    return _file(svg or network_svg(network, levels), form)


def network_blocks(network: Graph, levels: int | None = None) -> str | None:
    """The drawing as papers on U-Net or the Transformer have it, as SVG; None for a network of another form."""
    return network_u(network) or network_towers(network, levels)


def picture_of_network(network: Graph, style: str = "flow", levels: int | None = None) -> Picture:
    """The same drawing for Python: as SVG, and as the other formats when it is saved."""
    others = ("html", "mmd", "dot") if style == "flow" else ()
    makers = {form: partial(draw, network, form, style, levels) for form in others}
    return Picture(draw(network, "svg", style, levels).decode(), makers)


def draw_pair(old: Graph, new: Graph, found: Differences, form: str = "svg") -> bytes:
    """Two networks side by side, with what differs, as `svg`, `png` or `pdf`."""
    return _file(pair_svg(old, new, found), form)


def _file(svg: str, form: str) -> bytes:
    svg = encodable(svg)
    return svg.encode() if form == "svg" else picture_of(svg, form)
