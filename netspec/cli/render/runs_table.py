"""The tables of `netspec runs`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from netspec.cli.output import wants_color
from netspec.cli.render.progress import duration_text, metric_text
from netspec.language.diagnostics import CompileError
from netspec.runs.catalog import RunInfo, main_figure, meaning_of_run
from netspec.runs.diff import text_of
from netspec.spec.canonical import Meaning, Value
from netspec.training.metrics import is_higher_better

if TYPE_CHECKING:
    from rich.console import RenderableType

STATES = {"finished": "green", "running": "cyan", "interrupted": "yellow", "broken": "red"}
WIDE = 200
"""Columns of a table that goes to a file or a pipe."""


def console() -> Console:
    """A console that writes as wide as there is room, and in color only to a terminal."""
    is_terminal = sys.stdout.isatty()
    colour = wants_color(sys.stdout)
    return Console(
        file=sys.stdout,
        width=None if is_terminal else WIDE,
        no_color=not colour,
        force_terminal=is_terminal and colour,
        highlight=False,
    )


def print_runs(
    runs: Sequence[RunInfo], *, every: bool = False, sort: str | None = None, with_size: bool = False
) -> None:
    """A row for each run, and below why some are broken. Metrics that do not fit are left out."""
    out = console()
    figures = all_metric_names(runs, every=every, sort=sort)
    table = runs_table(runs, figures, with_size=with_size)
    while not every and figures and table_width(out, table) > out.width:
        figures.pop()
        table = runs_table(runs, figures, with_size=with_size)
    out.print(table, width=max(out.width, table_width(out, table)), soft_wrap=True)
    for run in runs:
        if run.reason:
            out.print(Text.assemble("  ", (run.name, "bold"), f"  {run.reason}"))


def table_width(out: Console, table: Table) -> int:
    """How wide a table is with nothing truncated."""
    return Measurement.get(out, out.options.update(width=10_000), table).maximum


def all_metric_names(runs: Sequence[RunInfo], *, every: bool, sort: str | None) -> list[str]:
    """The metrics that get a column, the most important ones first, at most four."""
    names = list(dict.fromkeys(name for run in runs for name in run.figures))
    if every:
        return names
    plain = [name for name in names if not name.startswith(("val_", "test_"))]
    metrics = [name for name in plain if not name.endswith("loss") and name != "penalty"]
    order = [sort, main_figure(runs), *(f"test_{name}" for name in metrics[:1]), "val_loss", "loss"]
    order += [f"val_{name}" for name in metrics] + metrics
    wanted = dict.fromkeys(name for name in order if name in names)
    return [name for name in wanted if name is not None][:4]


def runs_table(runs: Sequence[RunInfo], figures: Sequence[str], *, with_size: bool = False) -> Table:
    """The runs as a table; the best of several values of a spec is highlighted."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    several = len({run.spec for run in runs}) > 1
    table.add_column("run", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("started", no_wrap=True)
    table.add_column("epochs", justify="right", no_wrap=True)
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("params", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    if with_size:
        table.add_column("size", justify="right", no_wrap=True)
    best = {(spec, name): _best(runs, spec, name) for spec in {r.spec for r in runs} for name in figures}
    for run in runs:
        cells: list[RenderableType] = [
            Text(run.name, style="bold" if several else ""),
            Text(run.state, style=STATES[run.state]),
            when_text(run.made),
            f"{run.epochs}/{run.of}" if run.of is not None else str(run.epochs),
            *(_metric_cell(run, name, best[run.spec, name]) for name in figures),
            f"{run.parameters:,}" if run.parameters is not None else "",
            duration_text(run.seconds),
        ]
        table.add_row(*cells, *([size_text(run.size)] if with_size else []))
    return table


def _best(runs: Sequence[RunInfo], spec: str, name: str) -> float | None:
    """The best value among the runs of a spec; None when there is nothing to compare."""
    values = [run.figures[name] for run in runs if run.spec == spec and name in run.figures]
    if len(values) < 2 or min(values) == max(values):
        return None
    return max(values) if is_higher_better(name) else min(values)


def _metric_cell(run: RunInfo, name: str, best: float | None) -> Text:
    value = run.figures.get(name)
    if value is None:
        return Text("")
    return Text(metric_text(name, value), style="bold green" if value == best else "")


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
    """The settings (`train.epochs`) and counts in which the specs of runs differ, with a value for each run."""
    meanings = [_meaning(run) for run in runs]
    found: dict[str, list[str]] = {}
    for section in ("data", "train"):
        settings: list[Mapping[str, Value]] = [getattr(meaning, section, {}) for meaning in meanings]
        for name in dict.fromkeys(name for values in settings for name in values):
            texts = [text_of(values[name]) if name in values else "—" for values in settings]
            if len(set(texts)) > 1:
                found[f"{section}.{name}"] = texts
    return found


def _meaning(run: RunInfo) -> Meaning | None:
    """What the spec of a run means; None when it is unknown, as for some broken runs."""
    try:
        return meaning_of_run(run.path)
    except CompileError:
        return None


def print_comparison(runs: Sequence[RunInfo], settings: Mapping[str, Sequence[str]]) -> None:
    """A column for each run."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    for run in runs:
        table.add_column(run.name, justify="right", overflow="fold")
    table.add_row("state", *(Text(run.state, style=STATES[run.state]) for run in runs))
    table.add_row("spec", *(f"{run.spec} {(run.hash or '')[:6]}".strip() for run in runs))
    table.add_row("epochs", *(f"{run.epochs}/{run.of}" if run.of else str(run.epochs) for run in runs))
    table.add_row("best epoch", *(str(run.best_epoch or "") for run in runs))
    table.add_row("time", *(duration_text(run.seconds) for run in runs))
    table.add_row("parameters", *(f"{run.parameters:,}" if run.parameters is not None else "" for run in runs))
    table.add_section()
    for name in dict.fromkeys(name for run in runs for name in run.figures):
        values = [run.figures[name] for run in runs if name in run.figures]
        best = None if min(values) == max(values) else (max if is_higher_better(name) else min)(values)
        table.add_row(name, *(_metric_cell(run, name, best) for run in runs))
    if settings:
        table.add_section()
    for name, texts in settings.items():
        table.add_row(Text(name, style="yellow"), *texts)
    out = console()
    out.print(table)
    if len({run.hash for run in runs}) > 1 and len(runs) == 2:
        out.print(f"layers that differ: netspec diff {runs[0].path} {runs[1].path}", style="dim")
