"""A curve in the terminal, drawn with braille dots: two columns and four rows of them in each character."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800


def curve_text(
    xs: Sequence[float], ys: Sequence[float], marks: Mapping[str, float], *, width: int = 64, height: int = 14
) -> str:
    """A curve over a logarithmic axis.

    Args:
        xs: positive numbers that grow.
        ys: numbers, one for each of them.
        marks: places on the x axis by the one character that stands below them.
        width: columns of the curve.
        height: its rows.
    """
    logs = [math.log10(x) for x in xs]
    low, high = min(ys), max(ys)
    spread = (high - low) or 1.0
    columns, rows = 2 * width, 4 * height
    cells = [[_BLANK] * width for _ in range(height)]
    before: int | None = None
    for column in range(columns):
        value = _between(logs, ys, logs[0] + (logs[-1] - logs[0]) * column / (columns - 1))
        row = round((high - value) / spread * (rows - 1))
        first, last = (row, row) if before is None else (min(row, before), max(row, before))
        for dot in range(first, last + 1):
            cells[dot // 4][column // 2] |= _DOTS[dot % 4][column % 2]
        before = row
    labels = {0: f"{high:.3g}", height - 1: f"{low:.3g}"}
    margin = max(map(len, labels.values()))
    lines = [
        f"{labels.get(i, ''):>{margin}} ┤{''.join(map(chr, row))}".rstrip(chr(_BLANK)) for i, row in enumerate(cells)
    ]
    return "\n".join([*lines, *_axis(logs, marks, margin, width)])


def _between(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """The value at x of the straight lines through the points."""
    at = next((i for i in range(1, len(xs)) if xs[i] >= x), len(xs) - 1)
    share = min(1.0, max(0.0, (x - xs[at - 1]) / (xs[at] - xs[at - 1])))
    return ys[at - 1] + share * (ys[at] - ys[at - 1])


def _axis(logs: Sequence[float], marks: Mapping[str, float], margin: int, width: int) -> list[str]:
    """The x axis with powers of ten, and the marks below it."""

    def place(log: float) -> int:
        return round((log - logs[0]) / (logs[-1] - logs[0]) * (width - 1))

    line, texts, below = ["─"] * width, [" "] * (width + 6), [" "] * width
    for power in range(math.ceil(logs[0] - 1e-9), math.floor(logs[-1] + 1e-9) + 1):
        at = place(power)
        line[at] = "┬"
        texts[at : at + 4] = f"1e{power}".ljust(4)
    for mark, x in marks.items():
        below[place(math.log10(x))] = mark
    gap = " " * (margin + 2)
    lines = [f"{' ' * margin} └{''.join(line)}", gap + "".join(texts).rstrip()]
    return [*lines, gap + "".join(below).rstrip()] if marks else lines
