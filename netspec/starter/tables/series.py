"""Tables whose rows follow each other in time: windows over them, and a forecast.

Input: an open table, its target and its columns. Output: `Found`, or None where the rows are not a series.
"""

from __future__ import annotations

from collections.abc import Sequence

from netspec.data.transforms.dates import DAY
from netspec.data.transforms.times import distance_text
from netspec.language.lazy import np
from netspec.language.values import to_source
from netspec.starter.draft import Found, Setting
from netspec.starter.tables.columns import Column, shown
from netspec.starter.tables.labels import survey_labels
from netspec.starter.tables.opening import OpenTable
from netspec.starter.tables.options import names_text
from netspec.starter.tables.targets import TargetColumn
from netspec.starter.tables.times import Times, file_options, find_times

MIN_ROWS = 60
"""Shorter series have too few windows."""

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


PERIODS_NEEDED = 3
"""The years, weeks or days that a series has at least when its forecast is told the position in them."""


def survey_series(table: OpenTable, path: str, goal: TargetColumn, columns: Sequence[Column]) -> Found | None:
    """What a table gives as a series; None where it is not one."""
    if goal.is_classes:
        return survey_labels(table, path, goal, columns)
    times = find_times(table, columns)
    if times is None or goal.missing or times.rows < MIN_ROWS:
        return None
    known = next((seasons for step, seasons in SEASONS if 0.9 * step <= times.interval <= 1.1 * step), ())
    seasons = [one for one in known if SEASONS_NEEDED * one[0] <= times.rows]
    season, name = seasons[-1] if seasons else (0, "")
    ahead = max(1, min(seasons[0][0] if seasons else 8, times.rows // 20))
    past = season if len(seasons) > 1 else max(2, min(3 * (season or 16), times.rows // 6))
    others = [c for c in columns if c.kind == "number" and not c.missing and not c.marks and c.name != times.group]
    inputs = [goal.name, *(column.name for column in others)]
    options = [to_source(path), f"past = {past}", f"ahead = {ahead}"]
    options += [f"season = {season}"] if season else []
    options += [f"time = {to_source(times.column.name)}"]
    options += [f"group = {to_source(times.group)}"] if times.group is not None else []
    options += [f"inputs = {names_text(inputs)}", f"targets = {to_source(goal.name)}"]
    parts = _calendar(times)
    if parts:
        form = times.column.formats[0].replace("%.f", ".%f")
        said = f"{to_source(form)}, parts = [{', '.join(parts)}]"
        options += [f"known = {to_source(times.column.name)}"]
        options += [f"per_column = of({to_source(times.column.name)}, as = date({said}))"]
    options += file_options(table)
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
    title = f"Forecasts {shown(goal.name)} from the rows of {table.file}, {table.file_rows:,} rows."
    return Found("series", f"windows({', '.join(options)})", title, tuple(findings), settings)


def _calendar(times: Times) -> list[str]:
    """The parts of the times that a forecast is told: those whose values come again within the training. What grows
    with time has values in the test that no training row has."""
    seconds = times.seconds
    length = float(seconds.max() - seconds.min())
    days = np.floor(seconds / DAY)
    return [
        name
        for name, period, varies in (
            ("year", 365.25 * DAY, times.interval < 300 * DAY),
            ("week", 7 * DAY, len(np.unique(days % 7)) > 1 and times.interval < 7 * DAY),
            ("day", DAY, len(np.unique(seconds % DAY)) > 1 and times.interval < DAY),
        )
        if varies and length >= PERIODS_NEEDED * period
    ]
