"""The tables of `netspec runs`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from netspec.language.diagnostics import CompileError
from netspec.report.metric_text import metric_text
from netspec.report.text import duration_text, wants_color
from netspec.runs.catalog import RunInfo, main_metric, meaning_of_run, metric_names
from netspec.runs.diff import text_of
from netspec.spec.canonical import Meaning, Value
from netspec.training.metrics import is_higher_better

if TYPE_CHECKING:
    from rich.console import RenderableType

STATES = {"finished": "green", "running": "cyan", "interrupted": "yellow", "broken": "red"}
WIDE = 200
"""Columns of a table that goes to a file or a pipe."""


def console() -> Console:
    """A console as wide as the terminal, in color only there."""
    is_terminal, color = sys.stdout.isatty(), wants_color(sys.stdout)
    width = None if is_terminal else WIDE
    return Console(
        file=sys.stdout, width=width, no_color=not color, force_terminal=is_terminal and color, highlight=False
    )


def print_runs(
    runs: Sequence[RunInfo], *, every: bool = False, sort: str | None = None, with_size: bool = False
) -> None:
    """A row for each run, and below why some are broken. Metrics that do not fit are left out."""
    out = console()
    metrics = metric_names(runs) if every else main_metrics(runs, sort)
    table = runs_table(runs, metrics, with_size=with_size)
    while not every and metrics and table_width(out, table) > out.width:
        metrics.pop()
        table = runs_table(runs, metrics, with_size=with_size)
    out.print(table, width=max(out.width, table_width(out, table)), soft_wrap=True)
    for run in runs:
        if run.reason:
            out.print(Text.assemble("  ", (run.name, "bold"), f"  {run.reason}"))


def table_width(out: Console, table: Table) -> int:
    """How wide a table is with nothing truncated."""
    return Measurement.get(out, out.options.update(width=10_000), table).maximum


def main_metrics(runs: Sequence[RunInfo], sort: str | None) -> list[str]:
    """At most four metrics for the columns of a table, the most important ones first."""
    names = metric_names(runs)
    plain = [name for name in names if not name.startswith(("val_", "test_"))]
    metrics = [name for name in plain if not name.endswith("loss") and name != "penalty"]
    order = [sort, main_metric(runs), *(f"test_{name}" for name in metrics[:1]), "val_loss", "loss"]
    order += [f"val_{name}" for name in metrics] + metrics
    wanted = dict.fromkeys(name for name in order if name in names)
    return [name for name in wanted if name is not None][:4]


def runs_table(runs: Sequence[RunInfo], metrics: Sequence[str], *, with_size: bool = False) -> Table:
    """The runs as a table; the best of several values of a spec is highlighted."""
    table = _empty_table()
    style = "bold" if len({run.spec for run in runs}) > 1 else ""
    left, right = ("run", "state", "started"), ("epochs", *metrics, "params", "time", *(["size"] if with_size else []))
    for name in (*left, *right):
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    columns = [_metric_cells(name, runs, [run.spec for run in runs]) for name in metrics]
    for i, run in enumerate(runs):
        state, made, size = _state_cell(run), when_text(run.made), [size_text(run.size)] if with_size else []
        metric_cells, time = [column[i] for column in columns], duration_text(run.seconds)
        table.add_row(
            Text(run.name, style=style), state, made, _epochs(run), *metric_cells, _parameters(run), time, *size
        )
    return table


def _empty_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _state_cell(run: RunInfo) -> Text:
    return Text(run.state, style=STATES[run.state])


def _epochs(run: RunInfo) -> str:
    return f"{run.epochs}/{run.of}" if run.of else str(run.epochs)


def _parameters(run: RunInfo) -> str:
    return f"{run.parameters:,}" if run.parameters is not None else ""


def _metric_cells(name: str, runs: Sequence[RunInfo], groups: Sequence[str]) -> list[Text]:
    """The cells of a metric, one for each run; in each group of runs the best of several values is highlighted."""
    values: dict[str, set[float]] = {}
    for run, group in zip(runs, groups, strict=True):
        values.setdefault(group, set()).update([run.metrics[name]] if name in run.metrics else [])
    best = {g: (max if is_higher_better(name) else min)(found) for g, found in values.items() if len(found) > 1}
    return [
        Text(
            metric_text(name, run.metrics[name]) if name in run.metrics else "",
            style="bold green" if group in best and run.metrics.get(name) == best[group] else "",
        )
        for run, group in zip(runs, groups, strict=True)
    ]


def when_text(made: datetime | None) -> str:
    """Local time to the minute, or the day for those of other years."""
    if made is None:
        return ""
    here = made.astimezone()
    return here.strftime("%d %b %H:%M" if here.year == datetime.now().astimezone().year else "%Y-%m-%d")


def size_text(size: float) -> str:
    """Bytes in the unit that reads best."""
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"


# ---------------------------------------------------------------- side by side


def differing_settings(runs: Sequence[RunInfo]) -> dict[str, list[str]]:
    """The settings (`train.epochs`) in which the specs of runs differ, with a value for each run."""
    meanings = [_meaning(run) for run in runs]
    differing: dict[str, list[str]] = {}
    for section in ("data", "train"):
        settings: list[Mapping[str, Value]] = [getattr(meaning, section, {}) for meaning in meanings]
        for name in dict.fromkeys(name for values in settings for name in values):
            texts = [text_of(values[name]) if name in values else "—" for values in settings]
            if len(set(texts)) > 1:
                differing[f"{section}.{name}"] = texts
    return differing


def _meaning(run: RunInfo) -> Meaning | None:
    """The canonical form of the spec of a run; None if it cannot be read, as for some broken runs."""
    try:
        return meaning_of_run(run.path)
    except CompileError:
        return None


def print_comparison(runs: Sequence[RunInfo], settings: Mapping[str, Sequence[str]]) -> None:
    """A column for each run."""
    table = _empty_table()
    table.add_column("")
    for run in runs:
        table.add_column(run.name, justify="right", overflow="fold")
    rows: dict[str, Callable[[RunInfo], RenderableType]] = {
        "state": _state_cell,
        "spec": lambda run: f"{run.spec} {(run.hash or '')[:6]}".strip(),
        "epochs": _epochs,
        "best epoch": lambda run: str(run.best_epoch or ""),
        "time": lambda run: duration_text(run.seconds),
        "parameters": _parameters,
    }
    for name, cell in rows.items():
        table.add_row(name, *map(cell, runs))
    table.add_section()
    for name in metric_names(runs):
        table.add_row(name, *_metric_cells(name, runs, [""] * len(runs)))
    if settings:
        table.add_section()
    for name, texts in settings.items():
        table.add_row(Text(name, style="yellow"), *texts)
    out = console()
    out.print(table)
    if len({run.hash for run in runs}) > 1 and len(runs) == 2:
        out.print(f"layers that differ: netspec diff {runs[0].path} {runs[1].path}", style="dim")
