"""The weights of a run as a table, and small ones as numbers, for `netspec show RUN --weights`.

Input: arrays by name, in the order of the layers. Output: text, or plain data for JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from netspec.display.text import line_width, table_lines
from netspec.language.text import wrap, wrap_cell

HEADS = ("weight", "shape", "min", "mean", "max", "std")
MAX_NUMBERS = 128
"""Arrays with at most this many numbers are shown in full."""
MAX_COLUMNS = 12
"""Numbers or filters side by side."""
STATE = "@state/"
"""The prefix of what is not trained, as in the file."""


def ordered(arrays: Mapping[str, Any], layers: Sequence[str]) -> dict[str, Any]:
    """The same arrays in the order of the layers, kernels before biases, and trained ones first."""
    positions = {name: position for position, name in enumerate(layers)}

    def key(name: str) -> tuple[bool, int, bool, str]:
        layer = name.removeprefix(STATE).rpartition("/")[0]
        return name.startswith(STATE), positions.get(layer, len(positions)), name.endswith("bias"), name

    return {name: arrays[name] for name in sorted(arrays, key=key)}


def weights_json(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One record for each array; those that are small have their `values`."""
    records = []
    for name, array in arrays.items():
        statistics = dict(zip(HEADS[2:], _statistics(array), strict=True))
        values = {"values": array.tolist()} if array.size <= MAX_NUMBERS else {}
        records.append({"weight": name.removeprefix(STATE), "trained": not name.startswith(STATE)} | {
            "shape": list(array.shape), **statistics, **values,
        })  # fmt: skip
    return records


def weights_text(arrays: Mapping[str, Any]) -> str:
    """The table, and the numbers of small arrays below it."""
    width = line_width()
    lines = table_lines([HEADS, *(_row(name, array) for name, array in arrays.items())], left=2, width=width)
    for name, array in arrays.items():
        numbers = _numbers(array, width - 2)
        if numbers:
            lines += [
                "",
                *wrap_cell(_label(name), width),
                *(part for line in numbers for part in wrap(f"  {line}", width, " " * 6)),
            ]
    return "\n".join(lines)


def _row(name: str, array: Any) -> tuple[str, ...]:
    shape = "x".join(map(str, array.shape)) or "1"
    return (_label(name), shape, *(f"{value:.3g}" for value in _statistics(array)))


def _label(name: str) -> str:
    return f"{name.removeprefix(STATE)} (not trained)" if name.startswith(STATE) else name


def _statistics(array: Any) -> tuple[float, ...]:
    return tuple(float(x) for x in (array.min(), array.mean(), array.max(), array.std()))


def _numbers(array: Any, room: int) -> list[str]:
    """A vector in lines, a matrix in rows, filters side by side, in `room` columns of the terminal; nothing for arrays
    that are too large to read."""
    if not 0 < array.size <= MAX_NUMBERS or array.shape[-1:] == ():
        return []
    largest = float(abs(array).max())
    decimals = min(6, max(0, 2 - math.floor(math.log10(largest)))) if 0 < largest < math.inf else 0
    cells = [f"{value:.{decimals}f}" for value in array.reshape(-1).tolist()]
    width = max(map(len, cells))
    if array.ndim == 1 or array.shape[1:] == (1,):
        return [_line(part, width) for part in _parts(cells, max(1, min(MAX_COLUMNS, (room + 1) // (width + 1))))]
    if array.ndim == 2 and array.shape[1] <= MAX_COLUMNS:
        return [_line(part, width) for part in _parts(cells, array.shape[1])]
    return _filters(array.shape, cells, width, room) if array.ndim == 4 else []


def _filters(shape: tuple[int, ...], cells: Sequence[str], width: int, room: int) -> list[str]:
    """Pictures of height x width, one for each input channel and filter; as many side by side as there is room for."""
    height, across, channels, filters = shape
    if across > MAX_COLUMNS:
        return []
    lines: list[str] = []
    pictures = [(channel, number) for channel in range(channels) for number in range(filters)]
    names = {(c, n): f"filter {n + 1}" + (f", channel {c + 1}" if channels > 1 else "") for c, n in pictures}
    size = max(across * (width + 1) - 1, *map(len, names.values()))
    for group in _parts(pictures, max(1, min(MAX_COLUMNS // across, (room + 3) // (size + 3)))):
        of = [names[picture] for picture in group]
        lines += [""] if lines else []
        lines.append("   ".join(name.ljust(size) for name in of).rstrip())
        for row in range(height):
            parts = []
            for channel, number in group:
                at = [((row * across + x) * channels + channel) * filters + number for x in range(across)]
                parts.append(_line([cells[place] for place in at], width).ljust(size))
            lines.append("   ".join(parts).rstrip())
    return lines


def _line(cells: Sequence[str], width: int) -> str:
    return " ".join(cell.rjust(width) for cell in cells)


def _parts(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[begin : begin + size] for begin in range(0, len(items), size)]
