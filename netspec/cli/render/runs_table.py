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

from netspec.display.metric_text import best_value, metric_text, plain_metrics
from netspec.display.text import duration_text, line_width, plural, wants_color
from netspec.language.text import printable, wrap
from netspec.runs.catalog import RunInfo, main_metric, metric_names

if TYPE_CHECKING:
    from rich.console import RenderableType

STATES = {"finished": "green", "running": "cyan", "interrupted": "yellow", "broken": "red"}
MIN_METRICS = 2
LESS_IMPORTANT = ("time", "params", "started")
"""Columns that are left out, in this order, where the table is wider than the terminal with `MIN_METRICS` metrics."""


def console() -> Console:
    """A console as wide as lines may be, in color only on a terminal."""
    is_terminal, color = sys.stdout.isatty(), wants_color(sys.stdout)
    return Console(
        file=sys.stdout, width=line_width(), no_color=not color, force_terminal=is_terminal and color, highlight=False
    )


def print_runs(
    runs: Sequence[RunInfo],
    settings: Mapping[str, Sequence[str]] | None = None,
    *,
    every: bool = False,
    sort: str | None = None,
    with_size: bool = False,
) -> None:
    """A row for each run, and below why some are broken and which hold several runs; `settings` are further
    columns.

    Metrics that do not fit are left out, or are in further tables where `every` one is wanted.
    """
    out, settings = console(), settings or {}
    waiting = metric_names(runs) if every else main_metrics(runs, sort)
    repeated = [name for name in ("seeds", "folds", "runs") if any(getattr(run, name) for run in runs)]
    columns = [*COLUMNS, *repeated, *(["size"] if with_size else [])]
    while True:
        table, shown = _widest(out, runs, columns, waiting, settings, must_fit=every)
        out.print(table, width=max(out.width, table_width(out, table)), soft_wrap=True)
        waiting = waiting[shown:] if every else []
        if not waiting:
            break
        columns, settings = ["run"], {}
    for run in runs:
        if run.reason:
            text = f"  {run.name}  {run.reason}"
            out.print(Text("\n".join(wrap(printable(text), out.width, "    "))), soft_wrap=True)
        if run.members:
            what = "the best of" if run.runs else "the means of"
            note = f"{what} {plural(run.members, run.noun)}; `netspec runs --runs {run.path}` lists them"
            out.print(Text("\n".join(wrap(f"  {printable(run.name)}  {note}", out.width, "    "))), soft_wrap=True)


def _widest(
    out: Console,
    runs: Sequence[RunInfo],
    columns: Sequence[str],
    metrics: Sequence[str],
    settings: Mapping[str, Sequence[str]],
    *,
    must_fit: bool,
) -> tuple[Table, int]:
    """The table with as many of the first metrics as fit into a line, and how many they are."""
    names, count = list(columns), len(metrics)
    left_out = [name for name in LESS_IMPORTANT if name in columns]
    while table_width(out, table := runs_table(runs, names, metrics[:count], settings)) > out.width:
        if count > MIN_METRICS or (count > must_fit and not left_out):
            count -= 1
        elif left_out:
            names.remove(left_out.pop(0))
        else:
            break
    return table, count


def table_width(out: Console, table: Table) -> int:
    """How wide a table is with nothing truncated."""
    return Measurement.get(out, out.options.update(width=10_000), table).maximum


def main_metrics(runs: Sequence[RunInfo], sort: str | None) -> list[str]:
    """At most four metrics for the columns of a table, the most important ones first."""
    names = metric_names(runs)
    metrics = plain_metrics(names)
    order = [sort, main_metric(runs), *(f"test_{name}" for name in metrics[:1]), "val_loss", "loss"]
    order += [f"val_{name}" for name in metrics] + metrics
    wanted = dict.fromkeys(name for name in order if name in names)
    return [name for name in wanted if name is not None][:4]


COLUMNS = ("run", "state", "started", "epochs", "params", "time")
LEFT = ("run", "state", "started")
"""The columns before the metrics, and of texts."""


def runs_table(
    runs: Sequence[RunInfo], columns: Sequence[str], metrics: Sequence[str], settings: Mapping[str, Sequence[str]]
) -> Table:
    """The runs as a table; the best of several values of a spec is highlighted."""
    table = empty_table()
    style = "bold" if len({run.spec for run in runs}) > 1 else ""
    cells: dict[str, Callable[[RunInfo], RenderableType]] = {
        "run": lambda run: Text(printable(run.name), style=style),
        "state": state_cell,
        "started": lambda run: when_text(run.made),
        "epochs": epochs_text,
        "seeds": lambda run: str(run.seeds or ""),
        "folds": lambda run: str(run.folds or ""),
        "runs": lambda run: str(run.runs or ""),
        "params": parameters_text,
        "time": lambda run: duration_text(run.seconds),
        "size": lambda run: size_text(run.size),
    }
    front = [name for name in (*LEFT, "epochs", "seeds", "folds", "runs") if name in columns]
    back = [name for name in columns if name not in front]
    for name in (*front, *settings, *metrics, *back):
        table.add_column(Text(printable(name)), justify="left" if name in LEFT else "right", no_wrap=True)
    of_metrics = [metric_cells(name, runs, [run.spec for run in runs]) for name in metrics]
    for i, run in enumerate(runs):
        table.add_row(
            *(cells[name](run) for name in front), *(Text(printable(texts[i])) for texts in settings.values()),
            *(column[i] for column in of_metrics),
            *(cells[name](run) for name in back),
        )  # fmt: skip
    return table


def empty_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def state_cell(run: RunInfo) -> Text:
    return Text(run.state, style=STATES[run.state])


def epochs_text(run: RunInfo) -> str:
    return f"{run.epochs}/{run.of}" if run.of and run.epochs_text.isdecimal() else run.epochs_text


def parameters_text(run: RunInfo) -> str:
    return f"{run.parameters:,}" if run.parameters is not None else ""


def metric_cells(name: str, runs: Sequence[RunInfo], groups: Sequence[str], *, in_full: bool = False) -> list[Text]:
    """The cells of a metric, one for each run; in each group of runs the best of several values is highlighted.
    `in_full`: the best ones also have a star, and means over seeds their standard deviation."""
    values: dict[str, list[float]] = {}
    for run, group in zip(runs, groups, strict=True):
        values.setdefault(group, []).extend([run.metrics[name]] if name in run.metrics else [])
    best = {group: value for group, found in values.items() if (value := best_value(name, found)) is not None}
    cells = []
    for run, group in zip(runs, groups, strict=True):
        is_best = group in best and run.metrics.get(name) == best[group]
        text = metric_text(name, run.metrics[name]) if name in run.metrics else ""
        if in_full and name in run.stds:
            text += f" ± {metric_text(name, run.stds[name])}"
        if in_full and best:
            text += " *" if is_best else "  "
        cells.append(Text(text, style="bold green" if is_best else ""))
    return cells


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
