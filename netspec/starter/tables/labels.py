"""Tables with a label for each row that stays the same for a while, such as an activity: windows with a label each.

Input: an open table, its target and its columns. Output: `Found`, or None where rows are examples of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from netspec.data.dataset.lazy_rows import Array
from netspec.language.lazy import np
from netspec.language.values import to_source
from netspec.starter.draft import Found, Setting
from netspec.starter.tables.columns import Column, shown
from netspec.starter.tables.leaks import without_copies, without_leaks
from netspec.starter.tables.opening import OpenTable
from netspec.starter.tables.options import names_text
from netspec.starter.tables.targets import TargetColumn
from netspec.starter.tables.times import Times, file_options, find_counted_times

MIN_STRETCH = 16
"""Labels that stay the same for fewer rows are those of single rows."""

MIN_STRETCHES = 4
"""The stretches that a series has on average at least: those at its end are not all that it has of a label."""

MAX_PAST = 128
"""Rows of the longest window."""

WINDOWS_OF_ROW = 10
"""The number of windows that hold a row, about."""


def survey_labels(table: OpenTable, path: str, goal: TargetColumn, columns: Sequence[Column]) -> Found | None:
    """What a table gives as windows with a label; None where its rows are not a series, or labels change in each."""
    times = find_counted_times(table, columns)
    if times is None or goal.missing or table.is_sample:
        return None
    cells = table.cells[goal.name]
    used = [*without_copies(without_leaks(columns, goal, table))]
    apart = (times.column.name, times.group)
    inputs = [c.name for c in used if c.kind == "number" and not c.missing and not c.marks and c.name not in apart]
    stretch = _stretch(times, cells)
    if not inputs or stretch is None or times.rows < MIN_STRETCHES * stretch:
        return None
    past = min(MAX_PAST, stretch // 2)
    step = max(1, past // WINDOWS_OF_ROW)
    options = [to_source(path), f"past = {past}", "ahead = 0", *([f"step = {step}"] if step > 1 else [])]
    options += [f"time = {to_source(times.column.name)}"]
    options += [f"group = {to_source(times.group)}"] if times.group is not None else []
    options += [f"inputs = {names_text(inputs)}", f"targets = {to_source(goal.name)}", "task = classes"]
    options += file_options(table)
    unused = [c.name for c in used if c.name not in (*inputs, *apart)]
    why = {c.name: f" ({c.reason})" if c.reason else "" for c in used}
    findings = [
        *table.findings,
        f"{shown(goal.name)} is one of {len(goal.counts)} classes, and stays the same for {stretch} rows (the median)",
        f"the rows follow each other at equal distances ({shown(times.column.name)}): the class of the last of {past} "
        "rows is predicted from them",
        *([f"{shown(times.group)} tells several series apart"] if times.group is not None else []),
    ]
    findings += [f"left out: {', '.join(shown(name) + why[name] for name in unused[:12])}"] if unused else []
    if times.group is not None:
        folds = f"grouped({min(5, len(np.unique(times.series)))}, by = {to_source(times.group)})"
        findings.append(f"`folds = {folds}` in `data` says how good it is for a {shown(times.group)} never seen before")
    settings = (
        Setting("val", "last(15%)", "the end of each series: windows at random would share rows"),
        Setting("test", "last(15%)"),
        Setting("normalize", "standard"),
    )
    title = f"Predicts {shown(goal.name)} from windows over the rows of {table.file}, {table.file_rows:,} rows."
    return Found("steps", f"windows({', '.join(options)})", title, tuple(findings), settings)


def _stretch(times: Times, cells: Sequence[str]) -> int | None:
    """The median number of rows with the same label, one after the other in a series; None where that is too few, or
    where a series has a single label."""
    order = np.lexsort((times.seconds, times.series))
    series = times.series[order]
    labels: Array = np.unique(np.asarray(cells), return_inverse=True)[1].reshape(-1)[order]
    is_new = np.concatenate([[True], (np.diff(labels) != 0) | (np.diff(series) != 0)])
    lengths = np.diff(np.append(np.flatnonzero(is_new), len(labels)))
    per_series = np.bincount(series[is_new])
    median = int(np.median(lengths))
    return median if median >= MIN_STRETCH and per_series.min() > 1 else None
