"""Curves in the terminal: in ASCII, the same in a file or a pipe, or in braille dots, two by four in a character."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

MARK = "*"
BLANK = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille character, by row and column."""

Span = tuple[float, float]
"""The smallest and the largest value in a column."""


def curve_lines(columns: Sequence[Span], *, height: int, ends: tuple[str, str, str]) -> list[str]:
    """A curve in ASCII from 0 upwards, with labels at both axes.

    Args:
        columns: the values that each one shows.
        height: how many lines the curve has.
        ends: the labels below the first column, the middle and the last column.
    """
    top = max(high for _, high in columns) or 1.0
    middle = {height // 2: number_text(top * (1 - (height // 2) / (height - 1)))}
    rows = ["".join(MARK if bits else " " for bits in row) for row in _cells(columns, height, (1, 1), (0.0, top))]
    lines, left = _with_labels(rows, {0: number_text(top), **middle, height - 1: "0"}, " | ")
    return [*lines, " " * left + " +-" + "-" * len(columns), " " * (left + 3) + _below(ends, len(columns))]


def curve_text(
    xs: Sequence[float], ys: Sequence[float], marks: Mapping[str, float], *, width: int = 64, height: int = 14
) -> str:
    """A curve in dots over a logarithmic axis.

    Args:
        xs: increasing positive numbers.
        ys: as many numbers.
        marks: positions on the x axis by the character that marks them below it.
        width: columns of the curve.
        height: its rows.
    """
    logs = [math.log10(x) for x in xs]
    low, high = min(ys), max(ys)
    places = [logs[0] + (logs[-1] - logs[0]) * dot / (2 * width - 1) for dot in range(2 * width)]
    values = [_between(logs, ys, place) for place in places]
    columns = [(min(a, b), max(a, b)) for a, b in pairwise([values[0], *values])]
    cells = _cells(columns, height, (4, 2), (low, high if high > low else low + 1))
    rows = ["".join(chr(BLANK + bits) for bits in row).rstrip(chr(BLANK)) for row in cells]
    lines, left = _with_labels(rows, {0: number_text(high), height - 1: number_text(low)}, " ┤")
    return "\n".join([*lines, *_log_axis(logs, marks, left, width)])


def dots_text(values: Sequence[float], ends: tuple[str, str], *, width: int, height: int) -> list[str]:
    """A curve in dots over equally spaced places, with the `ends` of its axis; what is not finite is a gap.

    Args:
        values: at least two, of which some are finite.
        ends: the texts of the smallest and the largest one.
        width: columns of the curve.
        height: its rows.
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    places = [(len(values) - 1) * dot / (2 * width - 1) for dot in range(2 * width)]
    dots = [_between(range(len(values)), values, place) for place in places]
    pairs = [pair if all(map(math.isfinite, pair)) else None for pair in pairwise([dots[0], *dots])]
    columns = [(min(pair), max(pair)) if pair is not None else None for pair in pairs]
    cells = _cells(columns, height, (4, 2), (low, high if high > low else low + 1))
    rows = ["".join(chr(BLANK + bits) for bits in row).rstrip(chr(BLANK)) for row in cells]
    return _with_labels(rows, {0: ends[1], height - 1: ends[0]}, " ┤")[0]


def number_text(value: float) -> str:
    """A number in few characters: 0.001, 2.5e-06."""
    return f"{value:.3g}"


def _cells(columns: Sequence[Span | None], height: int, dots: tuple[int, int], limits: Span) -> list[list[int]]:
    """The bits of each character: `dots` rows and columns of a curve in each, the limits in the first and last row."""
    down, across = dots
    cells = [[0] * (len(columns) // across) for _ in range(height)]
    bottom, top = limits
    for at, span in enumerate(columns):
        if span is None:
            continue
        last, first = (round((top - value) / (top - bottom) * (down * height - 1)) for value in span)
        for row in range(first, last + 1):
            cells[row // down][at // across] |= DOTS[row % down][at % across]
    return cells


def _with_labels(rows: Sequence[str], labels: Mapping[int, str], line: str) -> tuple[list[str], int]:
    """The rows after an axis with labels, and the width of the labels."""
    left = max(len(label) for label in labels.values())
    return [f"{labels.get(i, ''):>{left}}{line}{row}".rstrip() for i, row in enumerate(rows)], left


def _below(ends: tuple[str, str, str], width: int) -> str:
    """Three labels at the beginning, the middle and the end of a line; the middle one only where there is room."""
    first, middle, last = ends
    begin, end = (width - len(middle)) // 2, width - len(last)
    line = first.ljust(max(end, len(first) + 1))
    if begin > len(first) and begin + len(middle) < end:
        line = line[:begin] + middle + line[begin + len(middle) :]
    return line + last


def _between(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """The value at x of the straight lines through the points."""
    at = next((i for i in range(1, len(xs)) if xs[i] >= x), len(xs) - 1)
    fraction = min(1.0, max(0.0, (x - xs[at - 1]) / (xs[at] - xs[at - 1])))
    return ys[at - 1] + fraction * (ys[at] - ys[at - 1])


def _log_axis(logs: Sequence[float], marks: Mapping[str, float], left: int, width: int) -> list[str]:
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
    gap = " " * (left + 2)
    lines = [f"{' ' * left} └{''.join(line)}", gap + "".join(texts).rstrip()]
    return [*lines, gap + "".join(below).rstrip()] if marks else lines
