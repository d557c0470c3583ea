"""How a training reports its progress: a live line on a terminal, plain lines for some epochs elsewhere, or JSON."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.output import plural, print_json, print_problems
from netspec.cli.render.class_tables import table_text
from netspec.cli.render.sparkline import WIDTH, Milestones, can_draw, sparkline
from netspec.language.values import is_plain_number
from netspec.training.loop.callback import Callback, Record, Tick
from netspec.training.metrics import metric_of

if TYPE_CHECKING:
    from rich.progress import Progress


COMPILING = "compiling …"
"""The first step, and that of a smaller last batch, are compiled for seconds before they run."""

REPEATED = ("mse", "mae")
"""Metrics that are losses too; where one of them is the loss as well, it is shown once."""


def make_reporter(as_json: bool) -> Callback:
    """The reporter that suits where the output goes."""
    if as_json:
        return JsonReporter()
    can_move = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return LiveReporter() if can_move else PlainReporter()


class JsonReporter(Callback):
    """One object for each epoch, and one at the end."""

    def start(self, record: Record) -> None:
        print_problems(record["warnings"])

    def epoch(self, record: Record) -> None:
        print_json(record)

    def done(self, record: Record) -> None:
        print_json(record)


class _Lines(Callback):
    """Common to the reporters for people: the curve of the loss, and a line for some of the epochs."""

    def start(self, record: Record) -> None:
        self.epochs = record["epochs"]
        self.milestones = Milestones(self.epochs)
        self.draws = can_draw()  # asked before a live line takes the output over
        self.losses: list[float | None] = []
        self.waiting: Record | None = None
        print_problems(record["warnings"])
        click.echo(_start_line(record))

    def line(self, record: Record) -> str | None:
        """The line of an epoch, if it has one."""
        self.losses.append(record["loss"])
        has_line = self.milestones.has_line(record["epoch"])
        self.waiting = None if has_line else record
        return _epoch_line(record, self.epochs) if has_line else None

    def curve(self, width: int) -> str:
        """The loss so far, where it can be drawn."""
        return sparkline(self.losses, width) if self.draws else ""

    def end(self, record: Record) -> str:
        """The last lines; the last epoch has one also when the run was stopped early."""
        last = [_epoch_line(self.waiting, self.epochs)] if self.waiting is not None else []
        curve = self.curve(WIDTH)
        if curve:
            ends = " to ".join("?" if v is None else metric_text("loss", v) for v in (self.losses[0], self.losses[-1]))
            last.append(f"loss {curve} {ends}")
        return "\n".join([*last, _done_lines(record)])


class PlainReporter(_Lines):
    """At most one line an epoch, for logs and notebooks."""

    def epoch(self, record: Record) -> None:
        line = self.line(record)
        if line is not None:
            click.echo(line)
            sys.stdout.flush()

    def done(self, record: Record) -> None:
        click.echo(self.end(record))


class LiveReporter(_Lines):
    """A line that moves, with a bar for the run and the curve of the loss; and lines of epochs that stay."""

    def start(self, record: Record) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        super().start(record)
        self.first, self.steps, self.began = record["epoch"], record["steps"], 0.0
        text = TextColumn("{task.fields[text]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
        name = _count(self.first, self.epochs)
        count = TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=len(name)))
        self.bar: Progress = Progress(count, BarColumn(bar_width=12), text, transient=True)
        total, completed = self.steps * self.epochs, self.steps * (self.first - 1)
        self.task = self.bar.add_task(name, total=total, completed=completed, text=COMPILING)
        self.bar.start()

    def progress(self, tick: Tick) -> None:
        speed = COMPILING if tick.is_compiling else f"{tick.examples_per_second:,.0f} examples/s"
        self._show(tick.epoch, self.steps * (tick.epoch - 1) + tick.step, tick.metrics, tick.seconds_left, speed)

    def epoch(self, record: Record) -> None:
        line = self.line(record)
        if line is not None:
            self.bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
        now, done = time.monotonic(), record["epoch"] - self.first
        if done == 0:  # it was compiled in this one
            self.began = now
        each = (now - self.began) / done if done else record["seconds"]
        left = each * (self.epochs - record["epoch"])
        following = min(record["epoch"] + 1, self.epochs)
        self._show(following, self.steps * record["epoch"], _metrics_of(record), left)

    def _show(self, epoch: int, completed: int, metrics: Mapping[str, Any], left: float, *more: str) -> None:
        parts = [self.curve(12), f"{duration_text(left)} left", metrics_text(metrics), *more]
        text = "  ".join(part for part in parts if part)
        self.bar.update(self.task, completed=completed, description=_count(epoch, self.epochs), text=text)

    def done(self, record: Record) -> None:
        self.stop()
        click.echo(self.end(record))

    def stop(self) -> None:
        """Remove the bar, also when the training ends with an error."""
        bar = getattr(self, "bar", None)
        if bar is not None:
            bar.stop()


def _start_line(record: Record) -> str:
    resumed = f", resuming at epoch {record['epoch']}" if record["is_resumed"] else ""
    return (
        f"{record['parameters']:,} parameters, {record['examples']:,} examples, "
        f"{plural(record['steps'], 'step')} per epoch, on {record['device']}{resumed}\nrun: {record['run']}"
    )


def _count(epoch: int, epochs: int) -> str:
    return f"epoch {epoch:>{len(str(epochs))}}/{epochs}"


def _epoch_line(record: Record, epochs: int) -> str:
    metrics = metrics_text(_metrics_of(record))
    return f"{_count(record['epoch'], epochs)}  {metrics}  {record['seconds']:.1f} s"


def _metrics_of(record: Record) -> dict[str, Any]:
    """The metrics of an epoch, and the learning rate where it depends on one of them."""
    rate = {"rate": record["rate"]} if "rate" in record else {}
    return {"loss": record["loss"], **record["metrics"], **rate}


def metrics_text(metrics: Mapping[str, Any]) -> str:
    """`loss 0.0412  accuracy 98.71%  val_loss 0.0518`"""
    shown = {name: value for name, value in metrics.items() if is_plain_number(value) and not _is_loss(name, metrics)}
    return "  ".join(f"{name} {metric_text(name, value)}" for name, value in shown.items())


def _is_loss(name: str, metrics: Mapping[str, Any]) -> bool:
    """Whether a metric is the loss again: `mse` where the mean squared error is the loss."""
    front, _, metric = name.rpartition("_")
    loss = metrics.get(f"{front}_loss" if front else "loss")
    return (
        metric in REPEATED and is_plain_number(loss) and loss != 0 and math.isclose(metrics[name], loss, rel_tol=1e-5)
    )


def metric_text(name: str, value: float) -> str:
    """A metric for people: fractions in percent, rates in short, the rest with four digits."""
    if name == "rate":
        return f"{value:.3g}"
    metric = metric_of(name)
    if metric is not None and metric.in_percent:
        return f"{100 * value:.2f}%"
    return f"{value:.4f}" if 0.001 <= abs(value) < 1000 else f"{value:.3g}"


def duration_text(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _done_lines(record: Record) -> str:
    if record["event"] == "interrupted":
        return (
            f"interrupted after {plural(record['epochs'], 'epoch')}; a checkpoint is saved\n"
            f"resume with: netspec train --resume {record['run']}"
        )
    metrics = record["metrics"]
    shown = {name: value for name, value in metrics.items() if name.startswith("test_")} or metrics
    head = f"{plural(record['epochs'], 'epoch')} in {duration_text(record['seconds'])}"
    if record["stopped_by"] is not None:
        head += f" (stopped by {record['stopped_by']})"
    lines = [f"{head}: {metrics_text(shown)}"]
    names = record["class_names"]
    lines += [table_text(name, value, names) for name, value in shown.items() if isinstance(value, list)]
    lines.append(f"weights, metrics and checkpoints are in {record['run']}")
    return "\n".join(lines)
