"""A curve in letters: as wide as the terminal, and the same in a file or a pipe."""

from __future__ import annotations

from collections.abc import Sequence

MARK = "*"


def curve_lines(columns: Sequence[tuple[float, float]], *, height: int, ends: tuple[str, str, str]) -> list[str]:
    """A curve from 0 upwards over a row of columns, with labels at both axes.

    Args:
        columns: the least and the greatest value in each column.
        height: how many lines the curve has.
        ends: what stands below the first column, the middle and the last column.
    """
    top = max(high for _, high in columns) or 1.0
    labels = {0: number_text(top), height // 2: number_text(top * (1 - (height // 2) / (height - 1))), height - 1: "0"}
    left = max(len(label) for label in labels.values())
    rows = [[" "] * len(columns) for _ in range(height)]
    for at, (low, high) in enumerate(columns):
        first, last = (round((1 - value / top) * (height - 1)) for value in (high, low))
        for row in range(first, last + 1):
            rows[row][at] = MARK
    lines = [f"{labels.get(i, ''):>{left}} | {''.join(row)}".rstrip() for i, row in enumerate(rows)]
    lines.append(" " * left + " +-" + "-" * len(columns))
    lines.append(" " * (left + 3) + _below(ends, len(columns)))
    return lines


def _below(ends: tuple[str, str, str], width: int) -> str:
    """Three labels at the beginning, the middle and the end of a line; the middle one only where there is room."""
    first, middle, last = ends
    begin, end = (width - len(middle)) // 2, width - len(last)
    line = first.ljust(max(end, len(first) + 1))
    if begin > len(first) and begin + len(middle) < end:
        line = line[:begin] + middle + line[begin + len(middle) :]
    return line + last


def number_text(value: float) -> str:
    """A number in few letters: 0.001, 2.5e-06."""
    return f"{value:.3g}"
