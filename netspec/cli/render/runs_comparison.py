"""What `netspec runs compare` prints: a column for each run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from netspec.cli.render.runs_table import (
    console,
    empty_table,
    epochs_text,
    metric_cells,
    parameters_text,
    state_cell,
    table_width,
)
from netspec.display.metric_text import by_split
from netspec.display.text import duration_text
from netspec.language.diagnostics import CompileError
from netspec.language.text import printable
from netspec.runs import diff
from netspec.runs.catalog import RunInfo, meaning_of_run, metric_names
from netspec.spec.canonical import Meaning

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

MAX_COLUMN = 30
"""Longer values are broken into several lines."""
MAX_SETTINGS = 3
"""Of more options that differ, the table of runs shows none."""
ALWAYS = ("train.epochs", "train.seeds")
"""Settings with a column in every table of runs."""
MIN_COLUMN = 14
"""As narrow as a column may get to have more runs side by side."""


def differing_settings(runs: Sequence[RunInfo]) -> dict[str, list[str]]:
    """The settings in which the specs of runs differ (runs/diff.py)."""
    return diff.differing_settings(list(map(_meaning, runs)))


def differing_options(runs: Sequence[RunInfo]) -> dict[str, list[str]]:
    """The same, down to the options of words."""
    return diff.differing_options(list(map(_meaning, runs)))


def settings_columns(runs: Sequence[RunInfo]) -> dict[str, list[str]]:
    """The options in which runs of the same spec differ, as columns of their table, where they are few; `epochs` and
    `seeds` have a column already."""
    found: dict[str, dict[Path, str]] = {}
    for spec in dict.fromkeys(run.spec for run in runs):
        group = [run for run in runs if run.spec == spec and run.state != "broken"]
        if len({run.hash for run in group}) < 2:  # they mean the same
            continue
        options = {name: texts for name, texts in differing_options(group).items() if name not in ALWAYS}
        if len({*found, *options}) <= MAX_SETTINGS:
            for name, texts in options.items():
                found.setdefault(name, {}).update(zip((run.path for run in group), texts, strict=True))
    short = [name.rpartition(".")[2] for name in found]
    names = short if len({*short}) == len(short) else [*found]
    return {n: [cells.get(run.path, "") for run in runs] for n, cells in zip(names, found.values(), strict=True)}


def _meaning(run: RunInfo) -> Meaning | None:
    """The canonical form of the spec of a run; None if it cannot be read, as for some broken runs."""
    try:
        return meaning_of_run(run.path)
    except CompileError:
        return None


def _layers(run: RunInfo) -> object:
    """What the network of a run means."""
    meaning = _meaning(run)
    return None if meaning is None else (meaning.layers, meaning.outputs)


def print_comparison(runs: Sequence[RunInfo], settings: Mapping[str, Sequence[str]]) -> None:
    """A column for each run; below each other in groups of runs where they do not fit side by side."""
    out = console()
    begin = 0
    while begin < len(runs):
        count, width = len(runs) - begin, MAX_COLUMN
        while table_width(out, table := _comparison(runs, settings, begin, count, width)) > out.width:
            if width > MIN_COLUMN:
                width -= 2
            elif count > 1:
                count -= 1
            else:
                break
        out.print(table)
        begin += count
    for run in runs:
        if run.members:
            what = "the best" if run.runs else "mean ± standard deviation"
            out.print(f"{run.name}: {what} of {run.members} {run.noun}s", style="dim", markup=False)
    out.print("*: the best of these runs", style="dim", markup=False)
    if len(runs) == 2 and _layers(runs[0]) != _layers(runs[1]):
        out.print(f"layers that differ: netspec diff {runs[0].path} {runs[1].path}", style="dim", markup=False)


def _comparison(
    runs: Sequence[RunInfo], settings: Mapping[str, Sequence[str]], begin: int, count: int, width: int
) -> Table:
    """The columns of `count` runs, first what differs; the best values are those of all."""
    shown = slice(begin, begin + count)
    table = empty_table()
    table.add_column("")
    for run in runs[shown]:
        table.add_column(Text(printable(run.name)), justify="right", overflow="fold", max_width=width)
    rows: dict[str, Callable[[RunInfo], RenderableType]] = {
        "state": state_cell,
        "spec": lambda run: Text(printable(f"{run.spec} {(run.hash or '')[:6]}".strip())),
        "epochs": epochs_text,
        "best epoch": lambda run: str(run.best_epoch or ""),
        "time": lambda run: duration_text(run.seconds),
        "parameters": parameters_text,
    }
    for name, cell in rows.items():
        table.add_row(name, *map(cell, runs[shown]))
    if settings:
        table.add_section()
    for name, texts in settings.items():
        table.add_row(Text(printable(name), style="yellow"), *(Text(printable(text)) for text in texts[shown]))
    table.add_section()
    for name in by_split(metric_names(runs)):
        table.add_row(Text(printable(name)), *metric_cells(name, runs, [""] * len(runs), in_full=True)[shown])
    return table
