"""A drawing as PNG or PDF: the elements of the SVG, drawn by Matplotlib at the same coordinates.

It reads what this package writes: `rect`, `path`, `text` and `image` in groups whose class is a kind of layer.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

from netspec.display.drawing.theme import LIGHT, STYLES
from netspec.language.lazy import lazy

figure = lazy("matplotlib.figure")
agg = lazy("matplotlib.backends.backend_agg")
patches = lazy("matplotlib.patches")
mpl_path = lazy("matplotlib.path")
pillow = lazy("PIL.Image")

PIXELS = 96
"""CSS pixels in an inch."""
SCALE = 2
"""Pixels of a PNG for each CSS pixel."""
POINTS = 72 / PIXELS
ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "A": 7, "Z": 0}
NO_DATE = {"pdf": {"CreationDate": None}}


def picture_of(svg: str, form: str) -> bytes:
    """The drawing as a file of that format, `png` or `pdf`, in light colors; the same drawing gives the same bytes."""
    root = ElementTree.fromstring(svg)
    width, height = (float(root.attrib[key]) for key in ("width", "height"))
    picture = figure.Figure(figsize=(width / PIXELS, height / PIXELS), dpi=PIXELS * SCALE, facecolor=LIGHT["page"])
    agg.FigureCanvasAgg(picture)
    axes = picture.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    for number, (element, kind) in enumerate(_elements(root, "")):
        _draw(axes, element, kind, number)
    content = BytesIO()
    picture.savefig(content, format=form, metadata=NO_DATE.get(form))
    return content.getvalue()


def _elements(parent: ElementTree.Element, kind: str) -> Iterator[tuple[ElementTree.Element, str]]:
    """Every shape and text, with the kind of layer that it belongs to."""
    for element in parent:
        name = element.tag.rpartition("}")[2]
        if name == "g":
            yield from _elements(element, element.attrib.get("class", kind))
        elif name in ("rect", "path", "text", "image") and element.attrib.get("width") != "100%":
            yield element, kind


def _style(element: ElementTree.Element, kind: str) -> dict[str, str]:
    style: dict[str, str] = {}
    for name in element.attrib.get("class", "").split():
        style |= STYLES[name]
    return {key: LIGHT.get(kind if value == "kind" else value, value) for key, value in style.items()}


def _draw(axes: Any, element: ElementTree.Element, kind: str, order: int) -> None:
    style, given = _style(element, kind), element.attrib
    if element.tag.endswith("image"):
        x, y, width, height = (float(given[key]) for key in ("x", "y", "width", "height"))
        pixels = pillow.open(BytesIO(base64.b64decode(given["href"].partition(",")[2]))).convert("RGBA")
        limits = axes.get_xlim(), axes.get_ylim()
        axes.imshow(pixels, extent=(x, x + width, y + height, y), interpolation="nearest", aspect="auto", zorder=order)
        axes.set(xlim=limits[0], ylim=limits[1])
        return
    if element.tag.endswith("text"):
        size = float(given["font-size"]) * POINTS
        weight = "bold" if "font-weight" in given else "normal"
        place = float(given["x"]), float(given["y"])
        font = {"family": "DejaVu Sans Mono", "size": size, "weight": weight}
        if "transform" in given:  # written upwards
            font |= {"rotation": 90, "rotation_mode": "anchor"}
        axes.text(*place, element.text or "", color=style["fill"], zorder=order, parse_math=False, **font)
        return
    fill = style.get("fill", "none")
    dashes = tuple(float(part) for part in style.get("stroke-dasharray", "").split())
    look = {
        "facecolor": (fill, float(given.get("fill-opacity", style.get("fill-opacity", 1))))
        if fill != "none"
        else "none",
        "edgecolor": style.get("stroke", "none"),
        "linewidth": float(style.get("stroke-width", 1)) * POINTS,
        "linestyle": (0, dashes) if dashes else "-",
        "zorder": order,
    }
    if element.tag.endswith("rect"):
        x, y, width, height = (float(given[key]) for key in ("x", "y", "width", "height"))
        radius = float(given.get("rx", 0))
        shape = f"round,pad=0,rounding_size={radius}" if radius else "square,pad=0"
        axes.add_patch(patches.FancyBboxPatch((x, y), width, height, boxstyle=shape, **look))
    else:
        axes.add_patch(patches.PathPatch(_path(given["d"]), **look))


def _path(text: str) -> Any:
    """A path of Matplotlib; arcs, which only round corners, are straight."""
    points: list[tuple[float, float]] = []
    codes: list[int] = []
    kinds = mpl_path.Path
    x = y = 0.0
    start = (0.0, 0.0)
    for command, rest in re.findall(r"([MLHVCAZmlhvcaz])([^MLHVCAZmlhvcaz]*)", text):
        numbers = [float(part) for part in re.findall(r"-?[\d.]+(?:e-?\d+)?", rest)]
        base_x, base_y = (x, y) if command.islower() else (0.0, 0.0)
        kind = command.upper()
        size = ARGUMENTS[kind]
        if kind == "Z":
            points.append(start)
            codes.append(kinds.CLOSEPOLY)
            x, y = start
            continue
        for first in range(0, len(numbers), size):
            given = numbers[first : first + size]
            if kind == "C":
                pairs = [(base_x + a, base_y + b) for a, b in zip(given[::2], given[1::2], strict=True)]
                points += pairs
                codes += [kinds.CURVE4] * 3
                x, y = pairs[-1]
                continue
            if kind == "H":
                x = base_x + given[0]
            elif kind == "V":
                y = base_y + given[0]
            else:
                x, y = base_x + given[-2], base_y + given[-1]
            points.append((x, y))
            codes.append(kinds.MOVETO if kind == "M" else kinds.LINETO)
            if kind == "M":
                start = (x, y)
            base_x, base_y = (x, y) if command.islower() else (0.0, 0.0)
    return mpl_path.Path(points, codes)
