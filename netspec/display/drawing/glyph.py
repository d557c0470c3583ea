"""Feature maps as small solids whose proportions follow the shape: width and height by the square root of the sizes,
the channels by their logarithm."""

from __future__ import annotations

from math import log2, sqrt

from netspec.language.shape import Shape, Size

FRONT = 22.0
DEPTH = 11.0
SLANT = 0.5
"""How much the depth goes up for each pixel to the right."""


def known(size: Size, unknown: int = 64) -> int:
    """A size as a number; a formula counts as `unknown`."""
    return size if isinstance(size, int) else unknown


def largest_side(shapes: list[Shape]) -> int:
    """The largest height, width or length in a network, which the solids are drawn in proportion to."""
    return max((known(size) for shape in shapes for size in shape.sizes[:-1]), default=1)


def solid(shape: Shape, largest: int) -> tuple[float, float, float]:
    """Width, height and depth in pixels. A vector is a bar, a sequence a sheet of steps x channels."""
    sizes = [known(size) for size in shape.sizes]
    if shape.vocabulary is not None or not sizes:
        return _side(sizes[0] if sizes else 1, largest), 4.0, 0.0
    channels = min(1.0, log2(1 + sizes[-1]) / 11)
    if len(sizes) == 1:
        return 5.0, 6 + 20 * channels, 0.0
    if len(sizes) == 2:
        return _side(sizes[0], largest), 4 + 20 * channels, 0.0
    height, width = sizes[-3], sizes[-2]
    return _side(width, largest), _side(height, largest), 2 + DEPTH * channels


def _side(size: int, largest: int) -> float:
    return 4 + (FRONT - 4) * sqrt(min(1.0, size / largest))


def glyph_svg(shape: Shape, largest: int, x: float, y: float, room: float) -> str:
    """The solid as SVG, in the middle of a square of that size at (x, y)."""
    width, height, depth = solid(shape, largest)
    rise = depth * SLANT
    left = x + (room - width - depth) / 2
    top = y + (room - height + rise) / 2
    right, bottom = left + width, top + height
    front = f'<rect class="side" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
    if depth == 0:
        return front
    lid = f"M{left:.1f} {top:.1f}l{depth:.1f} {-rise:.1f}h{width:.1f}l{-depth:.1f} {rise:.1f}z"
    side = f"M{right:.1f} {top:.1f}l{depth:.1f} {-rise:.1f}v{height:.1f}L{right:.1f} {bottom:.1f}z"
    return f'<path class="side top" d="{lid}"/><path class="side back" d="{side}"/>{front}'
