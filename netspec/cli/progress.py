"""How a training is followed: a live line on a terminal, one plain line an epoch elsewhere, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.output import print_json

if TYPE_CHECKING:
    from rich.progress import Progress

    from netspec.train.reporting import Record, Reporter, Tick


def make_reporter(as_json: bool) -> Reporter:
    """The reporter that suits where the output goes."""
    if as_json:
        return JsonReporter()
    return LiveReporter() if sys.stdout.isatty() else PlainReporter()


class JsonReporter:
    """One object for each epoch, and one at the end."""

    def start(self, record: Record) -> None:
        pass

    def progress(self, tick: Tick) -> None:
        pass

    def epoch(self, record: Record) -> None:
        print_json(record)

    def done(self, record: Record) -> None:
        print_json(record)


class PlainReporter:
    """One line an epoch, for logs."""

    def start(self, record: Record) -> None:
        self.epochs = record["epochs"]
        click.echo(_start_line(record))

    def progress(self, tick: Tick) -> None:
        pass

    def epoch(self, record: Record) -> None:
        click.echo(_epoch_line(record, self.epochs))

    def done(self, record: Record) -> None:
        click.echo(_done_lines(record))


class LiveReporter:
    """A bar that moves while an epoch is under way, and a line that stays when it is over."""

    def start(self, record: Record) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self.epochs, self.steps = record["epochs"], record["steps"]
        click.echo(_start_line(record))
        self.bar: Progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[text]}"),
            transient=True,
        )
        self.task = self.bar.add_task(_count(record["epoch"], self.epochs), total=self.steps, text="compiling …")
        self.bar.start()

    def progress(self, tick: Tick) -> None:
        text = "  ".join(
            [
                figures_text(tick.figures),
                f"{tick.examples_per_second:,.0f} examples/s",
                f"{duration_text(tick.seconds_left)} left",
            ]
        )
        self.bar.update(self.task, completed=tick.step, description=_count(tick.epoch, tick.epochs), text=text)

    def epoch(self, record: Record) -> None:
        self.bar.console.print(_epoch_line(record, self.epochs), highlight=False, markup=False)
        following = min(record["epoch"] + 1, self.epochs)
        self.bar.update(self.task, completed=0, description=_count(following, self.epochs))

    def done(self, record: Record) -> None:
        self.stop()
        click.echo(_done_lines(record))

    def stop(self) -> None:
        """Take the bar away, also when the training ends with an error."""
        bar = getattr(self, "bar", None)
        if bar is not None:
            bar.stop()


def _start_line(record: Record) -> str:
    resumed = f", going on with epoch {record['epoch']}" if record["epoch"] > 1 else ""
    return (
        f"{record['parameters']:,} parameters, {record['examples']:,} examples, {record['steps']:,} steps an epoch, "
        f"on {record['device']}{resumed}\nrun: {record['run']}"
    )


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"


def _count(epoch: int, epochs: int) -> str:
    return f"epoch {epoch:>{len(str(epochs))}}/{epochs}"


def _epoch_line(record: Record, epochs: int) -> str:
    figures = {"loss": record["loss"], **record["metrics"]}
    return f"{_count(record['epoch'], epochs)}  {figures_text(figures)}  {record['seconds']:.1f} s"


def figures_text(figures: Mapping[str, Any]) -> str:
    """`loss 0.0412  accuracy 98.71%  val_loss 0.0518`"""
    return "  ".join(f"{name} {figure_text(name, value)}" for name, value in figures.items() if _is_number(value))


def figure_text(name: str, value: float) -> str:
    """A figure as people read it: shares in percent, the rest with four digits."""
    if name.endswith("accuracy"):
        return f"{100 * value:.2f}%"
    return f"{value:.4f}" if 0.001 <= abs(value) < 1000 else f"{value:.3g}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def duration_text(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def _done_lines(record: Record) -> str:
    if record["event"] == "interrupted":
        return (
            f"interrupted after {_epochs(record['epochs'])}; everything is saved\n"
            f"go on with: netspec train --resume {record['run']}"
        )
    metrics = record["metrics"]
    shown = {name: value for name, value in metrics.items() if name.startswith("test_")} or metrics
    head = f"{_epochs(record['epochs'])} in {duration_text(record['seconds'])}"
    lines = [f"{head}: {figures_text(shown)}"]
    lines += [table_text(name, value) for name, value in shown.items() if isinstance(value, list)]
    lines.append(f"weights, figures and checkpoints are in {record['run']}")
    return "\n".join(lines)


def table_text(name: str, rows: list[list[float]]) -> str:
    """A confusion matrix: a row for each true class, a column for each answer."""
    width = max(len(str(value)) for row in (*rows, range(len(rows))) for value in row)
    head = " " * 5 + " ".join(f"{i:>{width}}" for i in range(len(rows)))
    body = [f"{i:>4} " + " ".join(f"{value:>{width}}" for value in row) for i, row in enumerate(rows)]
    return "\n".join([f"{name} (rows: true class, columns: answer)", head, *body])
