"""The rows of a table in the order of time, one series after the other, with the places where a series is interrupted.

Input: a `Table`, and which of its columns are the time and the group. Output: `SeriesRows`, or what is wrong with the
times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.series import BadTime, Gaps, GapsRefused
from netspec.data.errors.tables import DateUnclear
from netspec.data.formats.tables.cells import MISSING, number
from netspec.data.formats.tables.table import Table
from netspec.data.transforms.columns import read_dates
from netspec.data.transforms.dates import detect_formats
from netspec.data.transforms.times import NUMBERS, distance_text, time_texts
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np

MIN_STEP, MAX_STEP = 0.5, 1.5
"""Two rows follow each other if their distance is between these times the usual one: months have 28 to 31 days."""


@dataclass(frozen=True, eq=False)
class SeriesRows:
    """How the rows of a table are ordered. All arrays have an entry for each row, in the order of time.

    `place` is the index in the table, `series` the number of the series in `names`, `segment` that of the stretch
    without gaps; `times` are in seconds from 1970 (or plain numbers), None without a column of times. `interval` is
    the usual distance of two rows, `format` how times are written.
    """

    file: str
    place: Array
    line: Array
    series: Array
    segment: Array
    names: tuple[str, ...]
    times: Array | None = None
    format: str | None = None
    interval: float | None = None

    @property
    def gaps(self) -> Array:
        """The rows after which a series is interrupted."""
        is_gap = (np.diff(self.segment) != 0) & (np.diff(self.series) == 0)
        return np.flatnonzero(is_gap)

    def time_texts(self, times: Array) -> list[str]:
        """Times as the file writes them."""
        assert self.format is not None
        return time_texts(times, self.format)

    def gap_problem(self, *, windows: int | None = None) -> Unplaced | None:
        """The warning about gaps, by which a number of windows is left out; the error where it is None."""
        gaps = self.gaps
        if not len(gaps) or self.times is None or self.interval is None:
            return None
        first = int(gaps[0])
        before, after = self.time_texts(self.times[first : first + 2])
        count = f"{len(gaps):,} gap{'' if len(gaps) == 1 else 's'}"
        distance = distance_text(self.interval, self.format)
        kind = GapsRefused if windows is None else Gaps
        fields: dict[str, Any] = {} if windows is None else {"windows": f"{windows:,}"}
        gap = partial(Unplaced, kind, option="gaps" if windows is None else "file", file=self.file, gaps=count)
        return gap(row=int(self.line[first]), before=before, after=after, distance=distance, **fields)


def cells_of(table: Table, name: str) -> list[str]:
    """The cells of a column that is read as texts."""
    return [*(table.names[name] if name in table.names else table.targets[name])]


def order_rows(
    table: Table,
    time: str | None,
    group: str | None,
    *,
    date_format: str | None = None,
    interval: float | None = None,
) -> SeriesRows:
    """The rows in the order of time.

    Args:
        table: with the columns of the time and the group as texts.
        time: the column of times; None: rows are in their order, and at equal distances.
        group: the column that tells series apart.
        date_format: how times are written (None: detected).
        interval: the usual distance of two rows (None: the median of all).

    Raises:
        Unplaced: a time is missing, or in another format, or twice in a series.
    """
    lines, count = np.asarray(table.rows), len(table)
    series = np.zeros(count, np.int64)
    names: tuple[str, ...] = ("",)
    if group is not None:
        cells = cells_of(table, group)
        _check_cells(table, group, cells, "group")
        names = tuple(dict.fromkeys(cells))
        number_of = {name: index for index, name in enumerate(names)}
        series = np.fromiter((number_of[cell] for cell in cells), np.int64, count)
    if time is None:
        place = np.argsort(series, kind="stable")
        return SeriesRows(table.file, place, lines[place], series[place], series[place], names)
    cells = cells_of(table, time)
    _check_cells(table, time, cells, "missing")
    date_format = date_format or time_format(table, time, cells)
    times = _read_times(table, time, cells, date_format)
    place = np.lexsort((times, series))
    times, series = times[place], series[place]
    steps, is_same = np.diff(times), np.diff(series) == 0
    _check_twice(table, cells, place, (steps <= 0) & is_same, group)
    if interval is None:
        inner = steps[is_same]
        interval = float(np.median(inner)) if len(inner) else None
    is_break = ~is_same
    if interval is not None:
        is_break = is_break | (steps < MIN_STEP * interval) | (steps > MAX_STEP * interval)
    segment = np.concatenate([[0], np.cumsum(is_break)])
    return SeriesRows(table.file, place, lines[place], series, segment, names, times, date_format, interval)


def time_format(table: Table, time: str, cells: Sequence[str]) -> str:
    """How times are written; raises Unplaced when that is not clear."""
    found = detect_formats(cells)
    if not found and all(number(cell) is not None for cell in cells):
        return NUMBERS
    if len(found) != 1:
        options = " or ".join(f'`of("{time}", as = date("{one.replace("%.f", ".%f")}"))`' for one in found)
        unclear = partial(Unplaced, DateUnclear, option="time", column=time, row=table.rows[0])
        raise unclear(cell=cells[0][:40], case="" if found else "none", options=options)
    return found[0]


def _read_times(table: Table, time: str, cells: Sequence[str], date_format: str) -> Array:
    if date_format == NUMBERS:
        values = [number(cell) for cell in cells]
        if None not in values:
            return np.array(values, np.float64)
        date_format = "unix"  # which reports the cell that is not a number
    return read_dates(time, cells, date_format, (table.file, table.rows))


def _check_cells(table: Table, column: str, cells: Sequence[str], case: str) -> None:
    """Raises Unplaced for a cell without a value."""
    empty = [not cell or (case == "missing" and cell.lower() in MISSING) for cell in cells]
    if any(empty):
        row = next(compress(table.rows, empty))
        raise Unplaced(BadTime, option="time" if case == "missing" else "group", case=case, file=table.file, row=row,
                       column=column)  # fmt: skip


def _check_twice(table: Table, cells: Sequence[str], place: Array, is_twice: Array, group: str | None) -> None:
    """Raises Unplaced for two rows of a series with the same time."""
    if not is_twice.any():
        return
    first = int(np.flatnonzero(is_twice)[0])
    one, two = (int(place[index]) for index in (first, first + 1))
    twice = partial(Unplaced, BadTime, option="time", case="one series" if group is None else "", file=table.file)
    raise twice(row=table.rows[one], other=table.rows[two], time=cells[one])
