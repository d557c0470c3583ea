"""Matrices of numbers as SVG, with a name for each row and each column: attention weights, weights of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from netspec.language.lazy import np
from netspec.report.charts.grid import MAX_WIDTH, image_svg, shaded
from netspec.report.drawing.cards import SMALL_SIZE, TITLE_SIZE, text_width
from netspec.report.drawing.styles.flow import MARGIN, document, text_svg
from netspec.report.drawing.theme import LIGHT

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

MAX_CELL, MIN_CELL, WANTED_SIDE = 18.0, 2.0, 300.0
GAP, HEAD = 24.0, 22.0
MIN_LABELED = 12.0
"""The smallest side of a cell beside which each row has its name; of smaller ones every tenth has its number."""


@dataclass(frozen=True)
class Matrix:
    """Numbers of shape (rows, columns), and a caption."""

    caption: str
    values: Array


def matrices_svg(
    title: str, matrices: Sequence[Matrix], rows: Sequence[str], columns: Sequence[str], names: tuple[str, str]
) -> str:
    """A picture of matrices of one shape, on one scale: white is 0, the largest number is blue; where there are
    negative numbers, they are blue and positive ones orange.

    Args:
        title: what is shown.
        matrices: at least one.
        rows: the names of the rows.
        columns: the names of the columns, which are written upwards where they are wider than a cell.
        names: what rows and columns are.
    """
    cell = min(MAX_CELL, max(MIN_CELL, WANTED_SIDE / max(len(rows), len(columns))))
    side, across = _ticks(rows, cell), _ticks(columns, cell)
    left = max([text_width(text, SMALL_SIZE) for _, text in side] + [text_width(names[0], SMALL_SIZE)]) + 8
    is_upright = any(text_width(text, SMALL_SIZE) > cell for _, text in across)
    above = max(text_width(text, SMALL_SIZE) for _, text in across) + 8 if is_upright else SMALL_SIZE + 8
    width, height = cell * len(columns), cell * len(rows)
    step = max(left + width, left + text_width(names[1], SMALL_SIZE)) + GAP, HEAD + 14 + above + height + GAP
    per_line = max(1, min(len(matrices), int((MAX_WIDTH + GAP) // step[0])))
    top = MARGIN + TITLE_SIZE
    largest = max(float(np.abs(one.values).max()) for one in matrices) or 1.0
    is_signed = any(float(one.values.min()) < 0 for one in matrices)
    colors = f"blue {-largest:.3g}, white 0, orange {largest:.3g}" if is_signed else f"white 0, blue {largest:.3g}"
    scale = f"a row for each {names[0]}, a column for each {names[1]}; {colors}"
    body = text_svg(title, MARGIN, top, TITLE_SIZE, "title", bold=True)
    body += text_svg(scale, MARGIN, top + 20, SMALL_SIZE, "shape")
    top += 30
    for number, one in enumerate(matrices):
        x, y = MARGIN + (number % per_line) * step[0], top + (number // per_line) * step[1]
        corner = x + left, y + HEAD + 14 + above
        body += text_svg(one.caption, corner[0], y + HEAD - 6, SMALL_SIZE, "title", bold=True)
        body += text_svg(names[1], corner[0], y + HEAD + 9, SMALL_SIZE, "note")
        body += text_svg(names[0], corner[0] - 8 - text_width(names[0], SMALL_SIZE), corner[1] - 6, SMALL_SIZE, "note")
        fractions = one.values / largest
        pixels = shaded(fractions, (-1.0, 1.0)) if is_signed else _blues(fractions)
        body += image_svg(one.caption, pixels, *corner, (width, height))
        for place, text in side:
            body += text_svg(
                text, corner[0] - 6 - text_width(text, SMALL_SIZE), corner[1] + place + 4, SMALL_SIZE, "shape"
            )
        for place, text in across:
            shift = 4.0 if is_upright else -text_width(text, SMALL_SIZE) / 2
            body += text_svg(text, corner[0] + place + shift, corner[1] - 6, SMALL_SIZE, "shape", is_upright=is_upright)
    lines = ceil(len(matrices) / per_line)
    right = max(per_line * step[0] - GAP, text_width(title, TITLE_SIZE), text_width(scale, SMALL_SIZE))
    return document(title, body, right + 2 * MARGIN, top + lines * step[1] - GAP + MARGIN)


def _ticks(names: Sequence[str], cell: float) -> list[tuple[float, str]]:
    """The middle of a cell, and what is written there."""
    if cell >= MIN_LABELED:
        return [((number + 0.5) * cell, name) for number, name in enumerate(names)]
    every = 10 if len(names) * cell / 10 < 40 * cell else 50
    return [((number - 0.5) * cell, str(number)) for number in (1, *range(every, len(names) + 1, every))]


def _blues(fractions: Array) -> Array:
    """Numbers from 0 to 1 as 8-bit colors."""
    blue = np.array([int(LIGHT["conv"][i : i + 2], 16) for i in (1, 3, 5)], float)
    colors: Array = np.round(255 + np.clip(fractions, 0, 1)[..., None] * (blue - 255)).astype(np.uint8)
    return colors
