"""What `netspec runs compare` prints: a column for each run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from netspec.language.diagnostics import CompileError
from netspec.language.text import printable
from netspec.report.text import duration_text
from netspec.runs.catalog import RunInfo, meaning_of_run, metric_names
from netspec.runs.diff import option_name, text_of
from netspec.spec.canonical import Meaning, Value

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

ABSENT = "—"
"""What a run has for a setting that its version of netspec, or its spec, does not have at all."""
MAX_COLUMN = 30
"""Longer values are broken into several lines."""


def differing_settings(runs: Sequence[RunInfo]) -> dict[str, list[str]]:
    """The settings (`train.epochs`) in which the specs of runs differ, with a value for each run."""
    found = {name: [_text(value) for value in values] for name, values in _settings(runs)}
    return {name: texts for name, texts in found.items() if len(set(texts)) > 1}


def differing_options(runs: Sequence[RunInfo]) -> dict[str, list[str]]:
    """The same, down to the options of words (`train.optimizer.b1`); an option that is not written has its default."""
    return {name: texts for key, values in _settings(runs) for name, texts in _by_option(key, values)}


def _settings(runs: Sequence[RunInfo]) -> Iterator[tuple[str, list[Value | None]]]:
    meanings = [_meaning(run) for run in runs]
    for section in ("data", "train"):
        settings: list[Mapping[str, Value]] = [getattr(meaning, section, {}) for meaning in meanings]
        for name in dict.fromkeys(name for values in settings for name in values):
            yield f"{section}.{name}", [values.get(name) for values in settings]


def _text(value: Value | None) -> str:
    return ABSENT if value is None else text_of(value)


def _by_option(name: str, values: Sequence[Value | None]) -> Iterator[tuple[str, list[str]]]:
    """The differing options of a setting: word by word where all runs have the same words, otherwise whole."""
    calls = [value for value in values if isinstance(value, dict)]
    chains = [value for value in values if isinstance(value, list)]
    if len(calls) == len(values) and len({call["word"] for call in calls}) == 1:
        for option in dict.fromkeys(option for call in calls for option in call["options"]):
            shown = f"{name}.{option_name(calls[0]['word'], option)}"
            yield from _by_option(shown, [call["options"].get(option) for call in calls])
    elif len(chains) == len(values) and len({len(chain) for chain in chains}) == 1:
        for position, links in enumerate(zip(*chains, strict=True)):
            yield from _by_option(name if len(chains[0]) == 1 else f"{name}[{position + 1}]", links)
    elif len(set(map(_text, values))) > 1:
        yield name, [_text(value) for value in values]


def _meaning(run: RunInfo) -> Meaning | None:
    """The canonical form of the spec of a run; None if it cannot be read, as for some broken runs."""
    try:
        return meaning_of_run(run.path)
    except CompileError:
        return None


def print_comparison(runs: Sequence[RunInfo], settings: Mapping[str, Sequence[str]]) -> None:
    """A column for each run; below each other in groups of runs where they do not fit side by side."""
    out = console()
    begin = 0
    while begin < len(runs):
        count = len(runs) - begin
        table = _comparison(runs, settings, begin, count)
        while count > 1 and table_width(out, table) > out.width:
            count -= 1
            table = _comparison(runs, settings, begin, count)
        out.print(table)
        begin += count
    for run in runs:
        if run.seeds:
            out.print(f"{run.name}: mean ± standard deviation of {run.seeds} seeds", style="dim", markup=False)
    out.print("*: the best of these runs", style="dim", markup=False)
    if len({run.hash for run in runs}) > 1 and len(runs) == 2:
        out.print(f"layers that differ: netspec diff {runs[0].path} {runs[1].path}", style="dim", markup=False)


def _comparison(runs: Sequence[RunInfo], settings: Mapping[str, Sequence[str]], begin: int, count: int) -> Table:
    """The columns of `count` runs; the best values are those of all."""
    shown = slice(begin, begin + count)
    table = empty_table()
    table.add_column("")
    for run in runs[shown]:
        table.add_column(Text(printable(run.name)), justify="right", overflow="fold", max_width=MAX_COLUMN)
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
    table.add_section()
    for name in metric_names(runs):
        table.add_row(Text(printable(name)), *metric_cells(name, runs, [""] * len(runs), in_full=True)[shown])
    if settings:
        table.add_section()
    for name, texts in settings.items():
        table.add_row(Text(printable(name), style="yellow"), *(Text(printable(text)) for text in texts[shown]))
    return table
