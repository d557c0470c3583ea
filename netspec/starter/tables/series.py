"""Tables whose rows follow each other in time: windows over them, and a forecast.

Input: an open table, and the target. Output: `Found`, or None where the rows are not a series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.dates import DAY, parse_dates
from netspec.data.transforms.times import distance_text
from netspec.language.lazy import np
from netspec.language.values import to_source
from netspec.starter.draft import Found, Setting
from netspec.starter.tables.columns import Column, shown
from netspec.starter.tables.opening import OpenTable
from netspec.starter.tables.options import names_text
from netspec.starter.tables.table import columns_of
from netspec.starter.tables.targets import target_column

MIN_ROWS = 60
"""Shorter series have too few windows."""

REGULAR = 0.9
"""The fraction of equal distances in time from which on rows are a series."""

SEASONS = (
    (60.0, ((60, "an hour"), (1440, "a day"))),
    (300.0, ((288, "a day"), (2016, "a week"))),
    (600.0, ((144, "a day"), (1008, "a week"))),
    (900.0, ((96, "a day"), (672, "a week"))),
    (1800.0, ((48, "a day"), (336, "a week"))),
    (3600.0, ((24, "a day"), (168, "a week"))),
    (DAY, ((7, "a week"),)),
    (7 * DAY, ((52, "a year"),)),
    (30.4 * DAY, ((12, "a year"),)),
    (91.3 * DAY, ((4, "a year"),)),
)
"""The rows of seasons, the short one first, by the distance of two rows in seconds."""

SEASONS_NEEDED = 12
"""A series has at least so often the rows of a season that windows are long enough for."""


@dataclass(frozen=True)
class Times:
    """The column of times, the usual distance of two rows in seconds, and the column that tells series apart."""

    column: Column
    interval: float
    group: str | None = None
    rows: int = 0


def find_times(table: OpenTable, columns: Sequence[Column]) -> Times | None:
    """The times of a series: dates that follow each other at equal distances, in the table or within each group."""
    dates = [column for column in columns if column.kind == "date" and not column.missing and len(column.formats) == 1]
    groups = [column for column in columns if column.kind == "category" and not column.missing]
    for column in dates:
        seconds = parse_dates(column.cells, column.formats[0])
        if (interval := _interval(seconds, np.zeros(len(seconds), np.int64))) is not None:
            return Times(column, interval, rows=table.rows)
        for group in groups:
            numbers = {name: index for index, name in enumerate(group.counts)}
            series = np.array([numbers[cell] for cell in group.cells])
            if (interval := _interval(seconds, series)) is not None:
                return Times(column, interval, group.name, rows=int(np.bincount(series).min()))
    return None


def survey_series(table: OpenTable, path: str, target: str, folder: Path) -> Found | None:
    """What a table gives as a series; None where it is not one, or its target is not a number."""
    goal = target_column(table.file, target, table.cells[target], table.form)
    columns = columns_of(table, target, folder)
    times = find_times(table, columns)
    if times is None or goal.is_classes or goal.missing or times.rows < MIN_ROWS:
        return None
    known = next((seasons for step, seasons in SEASONS if 0.9 * step <= times.interval <= 1.1 * step), ())
    seasons = [one for one in known if SEASONS_NEEDED * one[0] <= times.rows]
    season, name = seasons[-1] if seasons else (0, "")
    ahead = max(1, min(seasons[0][0] if seasons else 8, times.rows // 20))
    past = season if len(seasons) > 1 else max(2, min(3 * (season or 16), times.rows // 6))
    others = [c for c in columns if c.kind == "number" and not c.missing and not c.marks]
    inputs = [target, *(column.name for column in others)]
    options = [to_source(path), f"past = {past}", f"ahead = {ahead}"]
    options += [f"season = {season}"] if season else []
    options += [f"time = {to_source(times.column.name)}"]
    options += [f"group = {to_source(times.group)}"] if times.group is not None else []
    options += [f"inputs = {names_text(inputs)}", f"targets = {to_source(target)}"]
    options += [f"known = {to_source(times.column.name)}"]
    options += [
        f"{key} = {value}" for key, value in table.options if key in ("delimiter", "encoding", "decimal", "thousands")
    ]
    distance = distance_text(times.interval, times.column.formats[0])
    findings = [
        *table.findings,
        f"the rows follow each other in time ({shown(times.column.name)}, {distance} apart): {ahead} rows are forecast "
        f"from the last {past}",
        *([f"{shown(times.group)} tells several series apart"] if times.group is not None else []),
        *(
            [f"a season of {season} rows is {name}: the value a season before is a forecast to compare with"]
            if season
            else []
        ),
    ]
    unused = [c.name for c in columns if c.name not in (*inputs, times.column.name, times.group)]
    findings += [f"left out: {', '.join(map(shown, unused[:12]))}"] if unused else []
    settings = (
        Setting("val", "last(15%)", "the end of the series, never random rows: no look into the future"),
        Setting("test", "last(15%)"),
        Setting("normalize", "standard"),
    )
    title = f"Forecasts {shown(target)} from the rows of {table.file}, {table.file_rows:,} rows."
    return Found("series", f"windows({', '.join(options)})", title, tuple(findings), settings)


def _interval(seconds: Array, series: Array) -> float | None:
    """The usual distance of two rows in the same series; None where times are not regular, or twice in a series."""
    order = np.lexsort((seconds, series))
    steps = np.diff(seconds[order])[np.diff(series[order]) == 0]
    if len(steps) < len(seconds) / 2 or not len(steps) or np.isnan(steps).any() or (steps <= 0).any():
        return None
    usual = float(np.median(steps))
    is_usual = (steps > 0.85 * usual) & (steps < 1.15 * usual)  # months have 28 to 31 days
    return usual if is_usual.mean() >= REGULAR else None
