"""The column of times of a table whose rows follow each other, and the column that tells several series apart.

Input: an open table and its columns. Output: `Times`, or None where the rows are not a series.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.dates import parse_dates
from netspec.language.lazy import np
from netspec.language.values import to_source
from netspec.starter.tables.columns import Column, shown
from netspec.starter.tables.opening import OpenTable

REGULAR = 0.9
"""The fraction of equal distances in time from which on rows are a series."""

LIKE_TIME = re.compile(r"(?i)t|ts|.*(time|stamp|second|sec|msec|millis).*")
"""Names of columns whose numbers may be times."""

ROWS_OF_GROUP = 20
"""A column of numbers tells series apart where each has more rows on average."""


@dataclass(frozen=True, eq=False)
class Times:
    """The column of times, these in seconds (or plain numbers), the number of the series of each row, the usual
    distance of two rows, and the column that tells series apart; `rows` are those of the shortest series."""

    column: Column
    seconds: Array
    series: Array
    interval: float
    group: str | None = None
    rows: int = 0

    @property
    def options(self) -> list[str]:
        """The two columns as options of `windows`."""
        group = [] if self.group is None else [f"group = {to_source(self.group)}"]
        return [f"time = {to_source(self.column.name)}", *group]

    @property
    def findings(self) -> list[str]:
        """What is said of the column that tells series apart."""
        return [] if self.group is None else [f"{shown(self.group)} tells several series apart"]


def find_times(table: OpenTable, columns: Sequence[Column]) -> Times | None:
    """The times of a series: dates that follow each other at equal distances, in the table or within each group."""
    dates = [column for column in columns if column.kind == "date" and not column.missing and len(column.formats) == 1]
    return _regular(table, [(column, parse_dates(column.cells, column.formats[0])) for column in dates], columns)


def find_counted_times(table: OpenTable, columns: Sequence[Column]) -> Times | None:
    """The same of times that may be plain numbers, such as the seconds of a recording."""
    numbers = [
        column
        for column in columns
        if LIKE_TIME.fullmatch(column.name) and column.kind != "date" and not column.missing and not column.marks
    ]
    timed = [(column, column.numbers) for column in numbers if np.isfinite(column.numbers).all()]
    return find_times(table, columns) or _regular(table, timed, columns)


def _regular(table: OpenTable, timed: Sequence[tuple[Column, Array]], columns: Sequence[Column]) -> Times | None:
    """The first of some columns of times that are at equal distances, in the table or within each group."""
    groups = [
        column
        for column in columns
        if not column.missing
        and (column.kind == "category" or (column.kind == "number" and len(column.counts) * ROWS_OF_GROUP < table.rows))
    ]
    for column, seconds in timed:
        alone = np.zeros(len(seconds), np.int64)
        if (interval := _interval(seconds, alone)) is not None:
            return Times(column, seconds, alone, interval, rows=table.rows)
        for group in groups:
            if group is column:
                continue
            numbers = {name: index for index, name in enumerate(group.counts)}
            series = np.array([numbers[cell] for cell in group.cells])
            if (interval := _interval(seconds, series)) is not None:
                return Times(column, seconds, series, interval, group.name, rows=int(np.bincount(series).min()))
    return None


def _interval(seconds: Array, series: Array) -> float | None:
    """The usual distance of two rows in the same series; None where times are not regular, or twice in a series."""
    order = np.lexsort((seconds, series))
    steps = np.diff(seconds[order])[np.diff(series[order]) == 0]
    if len(steps) < len(seconds) / 2 or not len(steps) or np.isnan(steps).any() or (steps <= 0).any():
        return None
    usual = float(np.median(steps))
    is_usual = (steps > 0.85 * usual) & (steps < 1.15 * usual)  # months have 28 to 31 days
    return usual if is_usual.mean() >= REGULAR else None


def file_options(table: OpenTable) -> list[str]:
    """How the file is written, as options of `windows`."""
    return [
        f"{key} = {value}" for key, value in table.options if key in ("delimiter", "encoding", "decimal", "thousands")
    ]
