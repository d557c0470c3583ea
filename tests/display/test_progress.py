"""What people see of a training: curves, which epochs have a row, and the last words."""

from __future__ import annotations

import io
import math
import sys
from typing import Any

import pytest
from rich.progress import Progress

from netspec.display import metric_text, progress, sparkline
from netspec.display.metric_text import MetricColumns
from netspec.display.progress import LiveReporter, PlainReporter, make_reporter
from netspec.display.sparkline import Milestones
from netspec.display.text import plural
from netspec.training.loop.callback import Tick


def start(epochs: int, epoch: int = 1) -> dict[str, Any]:
    return {
        "event": "start", "run": "runs/net-1", "epochs": epochs, "epoch": epoch, "is_resumed": epoch > 1, "steps": 1,
        "examples": 4, "held_out": {}, "parameters": 9, "trainable": 9, "target_scales": {}, "device": "cpu",
        "warnings": (),
    }  # fmt: skip


def epoch(number: int, loss: float | None = None) -> dict[str, Any]:
    loss = 1 / number if loss is None else loss
    return {"event": "epoch", "epoch": number, "seconds": 0.0, "loss": loss, "metrics": {"accuracy": 0.5}}


DONE = {
    "event": "done", "run": "runs/net-1", "epochs": 3, "seconds": 1.0, "metrics": {"test_accuracy": 0.75},
    "stopped_by": None, "class_names": {}, "best_epoch": None, "watched": "val_loss",
}  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ({"loss": 0.25, "mse": 0.25, "mae": 0.5}, "loss 0.2500  mae 0.5000"),
        ({"loss": 0.5, "mse": 0.25, "mae": 0.5}, "loss 0.5000  mse 0.2500"),
        ({"test_loss": 0.25, "test_mse": 0.2500001}, "test_loss 0.2500"),
        ({"loss": 0.0, "mse": 0.0, "mae": 0.0}, "loss 0  mae 0  mse 0"),
        ({"loss": 1.0, "width_loss": 0.25, "width_mse": 0.25}, "loss 1.0000  width_loss 0.2500"),
        ({"loss": 0.25, "rate": 0.0005}, "loss 0.2500  rate 0.0005"),
    ],
)
def test_the_loss_is_told_once(figures: dict[str, float], text: str) -> None:
    assert metric_text.metrics_text(figures) == text


@pytest.mark.parametrize(
    ("values", "curve"),
    [
        ([], ""),
        ([1.0], ""),
        ([1.0, 1.0], "▁▁"),
        ([8.0, 4.0, 2.0, 1.0], "█▆▃▁"),  # equal factors are equal steps
        ([0.0, 1.0, 2.0, 7.0], "▁▂▃█"),  # with a zero no logarithm
        ([1.0, math.nan, 2.0], "▁ █"),
        ([1.0, None, 2.0], "▁ █"),
        ([math.nan, math.inf], ""),
    ],
)
def test_curves(values: list[float | None], curve: str) -> None:
    assert sparkline.sparkline(values) == curve


def test_a_long_curve_is_joined_to_means() -> None:
    assert sparkline.sparkline([8.0, 8.0, 1.0, 1.0], width=2) == "█▁"
    assert len(sparkline.sparkline([1 / (1 + i) for i in range(1999)])) == sparkline.WIDTH


def lines_of(epochs: int, first: int = 1) -> list[int]:
    milestones = Milestones(epochs)
    return [n for n in range(first, epochs + 1) if milestones.has_line(n)]


def test_which_epochs_have_a_line() -> None:
    assert lines_of(100) == list(range(1, 101))
    assert lines_of(2000) == [1, *range(50, 2001, 50)]
    assert lines_of(2003, first=1907) == [1907, 2000, 2003]
    assert all(len(lines_of(n)) <= sparkline.MAX_LINES for n in (101, 399, 999, 12_345))


def test_a_slow_epoch_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(sparkline.time, "monotonic", lambda: now)
    milestones = Milestones(2000)
    found = []
    for number in range(1, 11):
        now += 11.0
        if milestones.has_line(number):
            found.append(number)
    assert found == [1, 4, 7, 10]


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = PlainReporter()
    reporter.start(start(2000))
    for number in range(1, 121):
        reporter.epoch(epoch(number))
    reporter.done({**DONE, "epochs": 120})  # stopped early: the last epoch is no round one
    *_, head, one, two, three, last, curve, done, place = capsys.readouterr().out.splitlines()
    assert head == "epoch          loss  accuracy  time"
    assert one == "   1/2000    1.0000    50.00%  0.0 s"
    assert [line[:9] for line in (one, two, three, last)] == [f"{n:>4}/2000" for n in (1, 50, 100, 120)]
    assert curve == f"loss {sparkline.sparkline([1 / n for n in range(1, 121)])} 1.0000 to 0.0083"
    assert done == "120 epochs in 1 s: test_accuracy 75.00%" and place.endswith("are in runs/net-1")


def test_no_curve_where_it_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", written)
    reporter = PlainReporter()
    reporter.start(start(3))
    for number in (1, 2, 3):
        reporter.epoch(epoch(number))
    reporter.done(DONE)
    assert b"  1/3    1.0000" in written.buffer.getvalue()  # type: ignore[attr-defined]  # it is a BytesIO


def test_no_moving_line_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_reporter(), PlainReporter)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_reporter(), PlainReporter)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_reporter(), LiveReporter)
    assert isinstance(make_reporter(verbose=2), PlainReporter)


def test_the_moving_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It fits into a narrow terminal in one line, whatever the figures, and is gone at the end."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None)
    monkeypatch.setattr("rich.progress.Progress", lambda *a, **k: Progress(*a, console=console, **k))
    reporter = LiveReporter()
    reporter.start(start(3))
    reporter.epoch(epoch(1))
    reporter.epoch(epoch(2))
    figures = {f"long_name_{i}": 0.5 for i in range(9)}
    reporter.progress(Tick(3, 3, 1, 1, figures, 1234.0, 61.0))
    shown = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None)
    shown.print(reporter.bar.get_renderable())
    (line,) = shown.file.getvalue().splitlines()
    assert line.startswith("epoch 3/3") and len(line) <= 60
    assert line.endswith("1 min 01 s left  long_name_0 0.5000"), "whole words, as many as fit"
    reporter.done(DONE)
    assert not reporter.bar.live.is_started
    assert "loss █▁ 1.0000 to 0.5000" in capsys.readouterr().out


def test_one_step_per_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    PlainReporter().start(start(2))
    assert "1 step per epoch" in capsys.readouterr().out
    assert plural(1200, "step") == "1,200 steps" and plural(1, "step") == "1 step"


METRICS = {
    "accuracy": 0.9, "f1": 0.8, "a_metric_with_a_long_name": 0.5, "skipped_steps": 3,
    "val_loss": 0.7, "val_accuracy": 0.85, "val_f1": 0.75, "val_a_metric_with_a_long_name": 0.4,
}  # fmt: skip


def test_all_targets_have_a_column_where_they_fit() -> None:
    names = ("loss", "a_rmse", "b_rmse", "a_mae", "b_mae", "r2", "a_r2", "b_r2")
    metrics = {n: 0.5 for name in names for n in (name, f"val_{name}")}
    found = {width: [*MetricColumns.fitting(metrics, width).widths] for width in (64, 50, 32)}
    assert found[64] == ["loss", "val_loss", "a_rmse", "val_a_rmse", "b_rmse", "val_b_rmse"]
    assert found[50] == ["loss", "val_loss", "val_a_rmse", "val_b_rmse"]
    assert found[32] == ["loss", "val_loss", "val_a_rmse"]
    names = ("loss", "accuracy", "balanced_accuracy")  # metrics of the same output stand for themselves
    metrics = {n: 0.5 for name in names for n in (name, f"val_{name}")}
    assert [*MetricColumns.fitting(metrics, 60).widths] == ["loss", "val_loss", "accuracy", "val_accuracy"]


def test_columns_fit_into_80_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """The metrics that a spec names first have columns, the others are in the run only; no row is cut."""
    reporter = PlainReporter()
    reporter.start(start(3))
    reporter.epoch({**epoch(1), "metrics": METRICS, "seconds": 4000.0})
    reporter.epoch({**epoch(2, math.nan), "loss": None, "metrics": METRICS | {"val_loss": 123456.0}})
    reporter.done({**DONE, "metrics": {f"test_{name}": 0.5 for name in METRICS}})
    (
        _,
        _,
        head,
        one,
        two,
        *_,
    ) = lines = capsys.readouterr().out.splitlines()
    assert head == "epoch      loss  accuracy  val_loss  val_accuracy    val_f1  time"
    assert one == "  1/3    1.0000    90.00%    0.7000        85.00%    0.7500  1 h 06 min"
    assert two == "  2/3         ?    90.00%   123,456        85.00%    0.7500  0.0 s"
    assert max(map(len, lines)) <= 80
    assert sum(line.count("test_") for line in lines) == len(METRICS), "at the end there are all"


def test_every_epoch_has_a_row_with_verbose_2(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = make_reporter(verbose=2)
    reporter.start(start(1000))
    for number in range(1, 121):
        reporter.epoch(epoch(number))
    assert sum("/1000" in line for line in capsys.readouterr().out.splitlines()) == 120


def test_the_time_left_is_without_the_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    clock = progress.TimeLeft(1, 5)
    assert clock.after(1) is None, "nothing is known but an epoch with a compilation"
    clock = progress.TimeLeft(1, 5)
    assert clock.at(Tick(1, 5, 50, 100, {}, 1.0, 45.0)) == 45.0
    now = 30.0  # 20 of them compiled
    assert clock.after(1) == pytest.approx(40.0)
    now += 12.0
    assert clock.after(2) == pytest.approx(36.0)
    assert clock.at(Tick(3, 5, 50, 100, {}, 1.0, 25.0)) == pytest.approx(30.0), "with the validation of each epoch"
