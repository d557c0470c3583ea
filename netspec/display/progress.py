"""How a training shows its progress: a live line on a terminal, and a row for each epoch, or for some of many."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from netspec.display.class_tables import table_text
from netspec.display.metric_text import (
    MetricColumns,
    balance_text,
    beaten_by,
    metric_parts,
    metric_text,
    metrics_of_epoch,
)
from netspec.display.problems import print_problems
from netspec.display.sparkline import WIDTH, Milestones, can_draw, sparkline
from netspec.display.text import duration_text, line_width, number_text, plural, wrapped
from netspec.training.loop.callback import Callback, Record, Tick

if TYPE_CHECKING:
    from rich.progress import Progress

COMPILING = "compiling …"
"""The first step, and that of a smaller last batch, are compiled for seconds before they run."""
MAX_SCALES = 4
"""How many normalized targets the first lines describe."""
BAR_WIDTH = 12
TIME_WIDTH = 12
"""Characters of a row for how long its epoch took: `  1 h 05 min`."""


def make_reporter(verbose: int = 1) -> PlainReporter | LiveReporter:
    """The reporter that suits where the output goes.

    Args:
        verbose: 1: a row for at most about 100 epochs, and a live line on a terminal; 2: a row for every epoch.
    """
    can_move = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and verbose == 1
    return LiveReporter(verbose) if can_move else PlainReporter(verbose)


class Rows(Callback):
    """Common to the reporters for people: the curve of the loss, and a row for some of the epochs."""

    def __init__(self, verbose: int = 1) -> None:
        self.verbose = verbose

    def start(self, record: Record) -> None:
        self.begin(record)
        click.echo("\n".join(start_lines(record, self.width)))

    def begin(self, record: Record) -> None:
        """Print the warnings, and start the table."""
        self.epochs = record["epochs"]
        self.milestones = Milestones(self.epochs, all_epochs=self.verbose > 1)
        self.draws = can_draw()  # asked before a live line takes the output over
        self.losses: list[float | None] = []
        self.columns: MetricColumns | None = None
        self.waiting: Record | None = None
        self.width = line_width()
        print_problems(record["warnings"])

    def warning(self, diagnostic: Any) -> None:
        print_problems([diagnostic])

    def rows(self, record: Record) -> list[str]:
        """The row of an epoch, if it has one; the first one below the names of the columns."""
        self.losses.append(record["loss"])
        has_row = self.milestones.has_line(record["epoch"])
        self.waiting = None if has_row else record
        return self._rows(record) if has_row else []

    def _rows(self, record: Record) -> list[str]:
        metrics, count = metrics_of_epoch(record), _count(record["epoch"], self.epochs)
        head = []
        if self.columns is None:
            self.columns = MetricColumns.fitting(metrics, self.width - len(count) - TIME_WIDTH)
            head = [f"{'epoch':<{len(count)}}{self.columns.header()}  time"]
        return [*head, f"{count}{self.columns.row(metrics)}  {_seconds_text(record['seconds'])}"]

    def curve(self, width: int) -> str:
        """The loss so far, where it can be drawn."""
        return sparkline(self.losses, width) if self.draws else ""

    def end(self, record: Record) -> str:
        """The last lines; the last epoch has a row also when the run was stopped early."""
        last = self._rows(self.waiting) if self.waiting is not None else []
        curve = self.curve(WIDTH)
        if curve:
            ends = " to ".join("?" if v is None else metric_text("loss", v) for v in (self.losses[0], self.losses[-1]))
            last.append(f"loss {curve} {ends}")
        return "\n".join([*last, *done_lines(record, self.width)])


class PlainReporter(Rows):
    """At most one line an epoch, for logs."""

    def epoch(self, record: Record) -> None:
        for line in self.rows(record):
            click.echo(line)
            sys.stdout.flush()

    def done(self, record: Record) -> None:
        click.echo(self.end(record))


class LiveReporter(Rows):
    """A line that moves, with a bar for the run and the curve of the loss; and rows of epochs that stay."""

    def start(self, record: Record) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        super().start(record)
        self.first = record["epoch"]
        self.clock = TimeLeft(self.first, self.epochs)
        text = TextColumn("{task.fields[text]}", markup=False, table_column=Column(no_wrap=True))
        name = _live_count(self.first, self.epochs)
        count = TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=len(name)))
        self.bar: Progress = Progress(count, BarColumn(bar_width=BAR_WIDTH), text, transient=True)
        self.task = self.bar.add_task(name, total=self.epochs, completed=self.first - 1, text=COMPILING)
        self.bar.start()

    def progress(self, tick: Tick) -> None:
        speed = COMPILING if tick.is_compiling else f"{tick.examples_per_second:,.0f} examples/s"
        left = self.clock.at(tick)
        self._show(tick.epoch, epochs_done(tick), tick.metrics, left, speed)

    def epoch(self, record: Record) -> None:
        for line in self.rows(record):
            self.bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
        following, left = min(record["epoch"] + 1, self.epochs), self.clock.after(record["epoch"])
        self._show(following, record["epoch"], metrics_of_epoch(record), left)

    def _show(self, epoch: int, completed: float, metrics: Mapping[str, Any], left: float | None, *more: str) -> None:
        count, numbers = _live_count(epoch, self.epochs), metric_parts(metrics)
        time_left = "" if left is None else f"{duration_text(left)} left"
        parts = (time_left, *numbers[:1], self.curve(12), *numbers[1:], *more)
        text = fitting([part for part in parts if part], self.bar.console.width - len(count) - BAR_WIDTH - 2)
        self.bar.update(self.task, completed=completed, description=count, text=text)

    def done(self, record: Record) -> None:
        self.stop()
        click.echo(self.end(record))

    def stop(self) -> None:
        """Remove the bar, also when the training ends with an error."""
        bar = getattr(self, "bar", None)
        if bar is not None:
            bar.stop()


class TimeLeft:
    """How long a training still takes. The first epoch is not an example of the others: it is compiled in it."""

    def __init__(self, first: int, epochs: int) -> None:
        self.first, self.epochs = first, epochs
        self.began = self.each = 0.0
        self.per_epoch: float | None = None

    def at(self, tick: Tick) -> float | None:
        """Seconds left in the middle of an epoch: as fast as its steps, or as whole epochs with their validation; None
        where nobody knows how many steps there are."""
        if not tick.steps:
            return None
        remaining = self.epochs - tick.epoch + 1 - tick.step / tick.steps
        if remaining > 0:
            self.per_epoch = tick.seconds_left / remaining
        return max(tick.seconds_left, self.each * remaining)

    def after(self, epoch: int) -> float | None:
        """Seconds left after an epoch; None if nothing is known yet but an epoch that was compiled in."""
        now, done = time.monotonic(), epoch - self.first
        if done == 0:
            self.began = now
            return None if self.per_epoch is None else self.per_epoch * (self.epochs - epoch)
        self.each = (now - self.began) / done
        return self.each * (self.epochs - epoch)


def epochs_done(tick: Tick) -> float:
    """How many epochs are done in the middle of one."""
    return tick.epoch - 1 + (tick.step / tick.steps if tick.steps else 0)


def start_lines(record: Record, width: int) -> list[str]:
    """What is trained, and where it is saved."""
    parts = [
        f"{record['parameters']:,} parameters"
        + (f" ({record['trainable']:,} trainable)," if record["trainable"] < record["parameters"] else ","),
        *_split_parts(record),
        *([] if record["steps"] is None else [f"{plural(record['steps'], 'step')} per epoch,"]),
        f"on {record['device']}" + ("," if record["is_resumed"] else ""),
        *([f"resuming at epoch {record['epoch']}"] if record["is_resumed"] else []),
    ]
    lines = [*wrapped(parts, width, gap=" "), *target_lines(record["target_scales"], width)]
    return [*lines, f"run: {record['run']}"]


def _split_parts(record: Record) -> list[str]:
    """`1,294 training,`, `143 validation,`, `360 test examples,`"""
    if record["examples"] is None:
        return [f"batches for {' and '.join(('training', *record['held_out']))},"]
    counts = [f"{count:,} {name}" for name, count in (("training", record["examples"]), *record["held_out"].items())]
    return (
        [f"{record['examples']:,} examples,"]
        if len(counts) == 1
        else [*(f"{c}," for c in counts[:-1]), f"{counts[-1]} examples,"]
    )


def target_lines(scales: Mapping[str, Any], width: int) -> list[str]:
    """How targets are normalized, and which unit the loss has."""
    if not scales:
        return []
    shown = []
    for name, scale in scales.items():
        names = scale["columns"] or ["" if len(scales) == 1 else name] * len(scale["mean"])
        for one, mean, std in zip(names, scale["mean"], scale["std"], strict=True):
            shown.append(f"{one} {number_text(mean)} ± {number_text(std)}".lstrip())
    listed = [*shown[:MAX_SCALES], *(["…"] if len(shown) > MAX_SCALES else [])]
    parts = [f"{text};" for text in listed]
    return wrapped(["targets normalized:", *parts, "the loss is in standard deviations"], width, gap=" ")


def fitting(parts: Sequence[str], width: int) -> str:
    """The first parts, as many as a line holds whole."""
    lines = wrapped(parts, width)
    return lines[0] if lines and len(lines[0]) <= width else ""


def _live_count(epoch: int, epochs: int) -> str:
    return f"epoch {epoch:>{len(str(epochs))}}/{epochs}"


def _count(epoch: int, epochs: int) -> str:
    return f"{epoch:>{len(str(epochs))}}/{epochs}".rjust(len("epoch"))


def _seconds_text(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else duration_text(seconds)


def done_lines(record: Record, width: int) -> list[str]:
    """The last words: how long it took, the metrics, tables of classes, and where everything is."""
    if record["event"] == "interrupted":
        return [
            f"interrupted after {plural(record['epochs'], 'epoch')}; a checkpoint is saved",
            f"resume with: netspec train --resume {record['run']}",
        ]
    metrics = record["metrics"]
    shown = {name: value for name, value in metrics.items() if name.startswith("test_")} or metrics
    head = f"{plural(record['epochs'], 'epoch')} in {duration_text(record['seconds'])}"
    if record["stopped_by"] is not None:
        head += f" (stopped by {record['stopped_by']})"
    first, *others = metric_parts(shown, record.get("baselines")) or ["no metrics"]
    lines = wrapped([f"{head}: {first}", *others], width)
    lines += [
        line for text in beaten_by(shown, record.get("baselines")) for line in wrapped(text.split(" "), width, " ")
    ]
    if record["best_epoch"] is not None and metrics.get(record["watched"]) is not None:
        value = metric_text(record["watched"], metrics[record["watched"]])
        lines += wrapped(
            [f"weights of epoch {record['best_epoch']},", f"the best by {record['watched']} ({value})"], width, gap=" "
        )
    called = record.get("called", {})
    lines += [f"{called.get(n, n)} is yes above {value:.4g}" for n, value in record.get("thresholds", {}).items()]
    for name, level in record.get("intervals", {}).items():
        how = " calibrated on the validation split" if name in record.get("margins", {}) else ""
        lines.append(f"the intervals of {called.get(name, name)} are of {100 * level:.10g}%{',' * bool(how)}{how}")
    for name, shares in record.get("balance", {}).items():
        of = f" of {name}" if len(record["balance"]) > 1 else ""
        lines += wrapped([f"training examples{of}:", balance_text(shares)], width, gap=" ")
    names = record["class_names"]
    lines += [table_text(name, value, names) for name, value in shown.items() if isinstance(value, list)]
    return [*lines, f"weights, metrics and checkpoints are in {record['run']}"]
