"""Matrices of numbers as SVG, with a name for each row and each column: attention weights, weights of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from netspec.display.charts.grid import MAX_WIDTH, image_svg, shaded, signed_scale
from netspec.display.charts.inside.heat import Panel, heat_colors, scale_svg
from netspec.display.charts.key import full_width, head_svg
from netspec.display.drawing.cards import SMALL_SIZE, text_width
from netspec.display.drawing.styles.flow import MARGIN, document, text_svg
from netspec.language.lazy import np

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

MAX_CELL, MIN_CELL, WANTED_SIDE = 22.0, 2.0, 300.0
FEW, LARGE_CELL = 8, 38.0
"""With at most `FEW` rows and columns, cells have the side `LARGE_CELL`, in pixels, and their numbers in them."""
GAP, HEAD = 24.0, 22.0
SHADE = 0.7
"""How much of the color is in the cell of the largest number, so that it can be read on light and on dark pages."""
MIN_HATCHED = 6.0
BAR_WIDTH = 150.0
MAX_NAMED, MIN_LABELED = 60, 12.0
"""How many rows and columns at most have their names, beside cells of at least this side; of more, every tenth has its
number."""


@dataclass(frozen=True)
class Matrix:
    """Numbers of shape (rows, columns), and a caption."""

    caption: str
    values: Array


def matrices_svg(
    title: str,
    matrices: Sequence[Matrix],
    rows: Sequence[str],
    columns: Sequence[str],
    names: tuple[str, str, str],
    masked: Array | None = None,
) -> str:
    """A picture of matrices of one shape, on one scale, the bluer the larger; where there are negative numbers, they
    are blue and positive ones orange.

    Args:
        title: what is shown.
        matrices: at least one.
        rows: the names of the rows.
        columns: the names of the columns, which are written upwards where they are wider than a cell.
        names: what rows and columns are, and the numbers.
        masked: which cells have no number, of the shape of a matrix.
    """
    cell, is_small = _cell(len(rows), len(columns)), max(len(rows), len(columns)) <= FEW
    side, across = _ticks(rows, cell[1]), _ticks(columns, cell[0])
    left = max([text_width(text, SMALL_SIZE) for _, text in side] + [text_width(names[0], SMALL_SIZE)]) + 8
    is_upright = any(text_width(text, SMALL_SIZE) > cell[0] for _, text in across)
    above = max(text_width(text, SMALL_SIZE) for _, text in across) + 8 if is_upright else SMALL_SIZE + 8
    width, height = cell[0] * len(columns), cell[1] * len(rows)
    step = max(left + width, left + text_width(names[1], SMALL_SIZE)) + GAP, HEAD + 14 + above + height + GAP
    per_line = max(1, min(len(matrices), int((MAX_WIDTH + GAP) // step[0])))
    largest = max(float(np.abs(one.values).max()) for one in matrices) or 1.0
    is_signed = any(float(one.values.min()) < 0 for one in matrices)
    end = largest / SHADE
    scale = f"a row for each {names[0]}, a column for each {names[1]}"
    scale += "; hatched: masked" if masked is not None and masked.any() and min(cell) >= MIN_HATCHED else ""
    body, top = head_svg(title, notes=[scale])
    top += 10
    for number, one in enumerate(matrices):
        x, y = MARGIN + (number % per_line) * step[0], top + (number // per_line) * step[1]
        corner = x + left, y + HEAD + 14 + above
        body += text_svg(one.caption, corner[0], y + HEAD - 6, SMALL_SIZE, "title", bold=True)
        body += text_svg(names[1], corner[0], y + HEAD + 9, SMALL_SIZE, "note")
        body += text_svg(names[0], corner[0] - 8 - text_width(names[0], SMALL_SIZE), corner[1] - 6, SMALL_SIZE, "note")
        pixels = shaded(one.values, (-end, end)) if is_signed else heat_colors(one.values, end, "negative")
        body += image_svg(one.caption, pixels, *corner, (width, height))
        body += _cells(one.values, masked, *corner, cell, has_numbers=is_small)
        for place, text in side:
            body += text_svg(
                text, corner[0] - 6 - text_width(text, SMALL_SIZE), corner[1] + place + 4, SMALL_SIZE, "shape"
            )
        for place, text in across:
            shift = 4.0 if is_upright else -text_width(text, SMALL_SIZE) / 2
            body += text_svg(text, corner[0] + place + shift, corner[1] - 6, SMALL_SIZE, "shape", is_upright=is_upright)
    lines = ceil(len(matrices) / per_line)
    x, y = MARGIN + left, top + lines * step[1]
    bar = Panel("", np.array([largest]), "negative", names[2])
    body += signed_scale(largest, x, y, full=end) if is_signed else scale_svg(bar, end, x, y, BAR_WIDTH)
    width = full_width(title, max(per_line * step[0] - GAP, left + BAR_WIDTH) + 2 * MARGIN, [scale])
    return document(title, body, width, top + lines * step[1] + 26 + MARGIN)


def _cell(rows: int, columns: int) -> tuple[float, float]:
    """The width and the height of a cell: a square, except where only one side has room for names."""
    both = _side(max(rows, columns))
    return (_side(columns), _side(rows)) if min(rows, columns) <= MAX_NAMED < max(rows, columns) else (both, both)


def _side(count: int) -> float:
    smallest = MIN_LABELED if count <= MAX_NAMED else MIN_CELL
    return LARGE_CELL if count <= FEW else min(MAX_CELL, max(smallest, WANTED_SIDE / count))


def _cells(
    values: Array, masked: Array | None, x: float, y: float, cell: tuple[float, float], *, has_numbers: bool
) -> str:
    """What is on the cells of a matrix: its numbers, and lines through masked cells."""
    body = ""
    for (row, column), value in np.ndenumerate(values):
        left, top = x + cell[0] * column, y + cell[1] * row
        if masked is not None and masked[row, column]:
            line = f"M{left:.1f} {top + cell[1]:.1f}l{cell[0]:.1f} {-cell[1]:.1f}"
            body += f'<path class="ray" d="{line}"/>' if min(cell) >= MIN_HATCHED else ""
        elif has_numbers:
            text = f"{value:.2f}"
            shift = (cell[0] - text_width(text, SMALL_SIZE)) / 2
            body += text_svg(text, left + shift, top + cell[1] / 2 + 4, SMALL_SIZE, "title")
    return body


def _ticks(names: Sequence[str], cell: float) -> list[tuple[float, str]]:
    """The middle of a cell, and what is written there."""
    if cell >= MIN_LABELED:
        return [((number + 0.5) * cell, name) for number, name in enumerate(names)]
    every = 10 if len(names) * cell / 10 < 40 * cell else 50
    return [((number - 0.5) * cell, str(number)) for number in (1, *range(every, len(names) + 1, every))]
