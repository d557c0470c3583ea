"""Tensors of VGSL as netspec's images, sequences and vectors."""

from __future__ import annotations

from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.shape import Dim, Shape, Size
from netspec.language.source import Span
from netspec.layers.reshape import Flatten, Permute, Reshape


def sizes_of(shape: Shape) -> tuple[Size, Size, Size]:
    """Height, width and depth."""
    sizes = (*(1,) * (3 - shape.rank), *shape.sizes)
    return sizes[0], sizes[1], sizes[2]


def as_image(sketch: Sketch, x: Step, span: Span, *, is_column: bool = False) -> Step:
    """The same as an image; a sequence is its only row, or its only column."""
    if x.is_lost or x.shape.rank == 3:
        return x
    height, width, depth = sizes_of(x.shape)
    return _reshaped(sketch, x, (width, height, depth) if is_column else (height, width, depth), span)


def as_line(sketch: Sketch, x: Step, along: str, span: Span) -> Step | None:
    """A sequence along an axis, or the vector that a single position is; None if there are several of them."""
    if x.is_lost or x.shape.rank == 1 or (x.shape.rank == 2 and along == "x"):
        return _reshaped(sketch, x, (1, *x.shape.sizes), span) if x.shape.rank == 1 else x
    height, width, depth = sizes_of(x.shape)
    if (height if along == "x" else width) != 1:
        return None
    return _reshaped(sketch, x, (width if along == "x" else height, depth), span)


def flat(sketch: Sketch, x: Step, span: Span) -> Step:
    """A vector."""
    return x if x.is_lost or x.shape.rank == 1 else sketch.add(Flatten(), x, span=span)


def split_axis(sketch: Sketch, x: Step, numbers: list[int], span: Span) -> Step | str:
    """Split an axis into two parts, and move one of them to another axis; or why that cannot be done.

    `numbers` are the axis (1 to 3), the two sizes (0: the rest), and the axes that the two parts go to.
    """
    axis, high, low, high_to, low_to = numbers
    if not all(1 <= number <= 3 for number in (axis, high_to, low_to)):
        return "the axes are 1 (height), 2 (width) and 3 (depth)"
    if (high_to == axis) == (low_to == axis):
        return f"one part has to stay in axis {axis}, and the other one moves"
    sizes = list(sizes_of(x.shape))
    parts = _parts(sizes[axis - 1], high, low)
    if parts is None:
        return f"axis {axis} has {sizes[axis - 1]} positions, which are not {high}x{low}"
    stays = 0 if high_to == axis else 1
    target = low_to if stays == 0 else high_to
    pieces = [[(position, size)] for position, size in enumerate(sizes, 1)]
    pieces[axis - 1] = [(4, parts[stays])]
    pieces[target - 1].insert(0, (5, parts[1 - stays]))  # before those of that axis
    labels = {4: (axis, stays), 5: (axis, 1 - stays)}
    new = [piece for group in pieces for piece in group if piece[1] != 1]
    old = sorted(new, key=lambda piece: labels.get(piece[0], (piece[0], 0)))
    order = [1 + old.index(piece) for piece in new]
    if order != sorted(order):
        x = _reshaped(sketch, x, tuple(size for _, size in old), span)
        x = sketch.add(Permute(order=order), x, span=span)
    done: list[Size] = []
    for group in pieces:
        size: Size = 1
        for _, factor in group:
            size = size * factor
        done.append(size)
    return _reshaped(sketch, x, tuple(done[1:]) if done[0] == 1 else tuple(done), span)


def _parts(size: Size, high: int, low: int) -> tuple[Size, Size] | None:
    """The sizes of the two parts."""
    if high and low:
        return (high, low) if size == high * low else None
    known = high or low
    if not known or (isinstance(size, int) and size % known) or (isinstance(size, Dim) and known != 1):
        return None
    rest = size // known
    return (high, rest) if high else (rest, low)


def _reshaped(sketch: Sketch, x: Step, sizes: tuple[Size, ...], span: Span) -> Step:
    return x if x.is_lost or x.shape.sizes == sizes else sketch.add(Reshape(shape=sizes), x, span=span)
