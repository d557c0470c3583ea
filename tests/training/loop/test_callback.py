"""Who follows a training: callbacks, what they are told, and the files for TensorBoard."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.language.diagnostics import CompileError
from netspec.runs.resume import resume_run
from netspec.training.loop.callback import Callback, Several, Tick, TrainingCallback
from netspec.training.loop.trackers import tensorboard
from netspec.training.recipe import settings

SPEC = """
input 4
dense(8, relu) -> dense(3, softmax)
data { val = 20% }
train {
    epochs      = 3
    batch       = 16
    watch       = gradients
    tensorboard = BOARD
}
"""
X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = np.arange(60) % 3


class Told(TrainingCallback):
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def start(self, record: Any) -> None:
        self.events.append(("start", record))

    def progress(self, tick: Tick) -> None:
        self.events.append(("progress", tick))

    def epoch(self, record: Any) -> None:
        self.events.append(("epoch", record))

    def done(self, record: Any) -> None:
        self.events.append(("done", record))


class Own(TrainingCallback):
    """As one of a user's: one method."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def epoch(self, record: Any) -> None:
        self.losses.append(record["loss"])


def text(board: bool = False) -> str:
    return SPEC.replace("BOARD", "true" if board else "false")


class Half:
    """Lacks three methods."""

    def epoch(self, record: Any) -> None:
        raise AssertionError("never called")


@pytest.mark.parametrize(
    ("callback", "told"),
    [(Half(), r"the callback Half has no start\(\): derive it from"), (Half, r"not a class: write Half\(\)")],
)
def test_what_is_no_callback_is_told_before_the_first_step(tmp_path: Path, callback: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        netspec.train(text(), (X, Y), runs=tmp_path, callbacks=[callback])
    assert not [*tmp_path.iterdir()]


def test_callbacks(tmp_path: Path) -> None:
    """Several, of which each is told everything; what they are told is what stands in metrics.jsonl."""
    told, own = Told(), Own()
    result = netspec.train(text(), (X, Y), runs=tmp_path, callbacks=[told, own])
    events = [(name, record) for name, record in told.events if name != "progress"]
    assert [name for name, _ in events] == ["start", "epoch", "epoch", "epoch", "done"]
    records = [record for _, record in events]
    lines = [json.loads(line) for line in (result.run / "metrics.jsonl").read_text().splitlines()]
    assert [{**record, "crc32": line["crc32"]} for record, line in zip(records[1:], lines, strict=True)] == lines
    assert own.losses == [record["loss"] for record in records[1:4]]
    assert records[0]["run"] == str(result.run) == records[-1]["run"]


def documented(method: str) -> set[str]:
    """The names in backticks in the page of a method."""
    return set((getattr(Callback, method).__doc__ or "").split("`")[1::2])


@pytest.mark.parametrize("method", ["start", "epoch", "done"])
def test_every_key_is_documented(method: str, tmp_path: Path) -> None:
    told = Told()
    netspec.train(text(), (X, Y), runs=tmp_path, callbacks=[told])
    (record, *_) = [record for name, record in told.events if name == method]
    assert record.keys() - {"event"} <= documented(method)


def test_several_tell_of_ticks_too() -> None:
    one, two = Told(), Told()
    tick = Tick(1, 2, 3, 4, {}, 5.0, 6.0)
    Several([one, two]).progress(tick)
    assert one.events == two.events == [("progress", tick)]


def test_an_exception_in_a_callback_ends_the_training(tmp_path: Path) -> None:
    class Broken(TrainingCallback):
        def epoch(self, record: Any) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        netspec.train(text(), (X, Y), runs=tmp_path, callbacks=[Broken()])


# ---------------------------------------------------------------- TensorBoard


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """What stands in the event files, read by the format: length, checksum, message, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, dict[int, float]] = {}
    for file in sorted(folder.glob("events*")):
        content, at = file.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            event = Event.FromString(content[at + 12 : at + 12 + length])
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
            at += 16 + length
    return found


def test_tensorboard(tmp_path: Path) -> None:
    """Every figure of every epoch, those of the gradients too, under the names of metrics.jsonl."""
    pytest.importorskip("tensorboardX")
    own = Own()
    result = netspec.train(text(board=True), (X, Y), runs=tmp_path, callbacks=[own])
    found = scalars(result.run / tensorboard.FOLDER)
    assert found["loss"] == pytest.approx({i + 1: loss for i, loss in enumerate(own.losses)}, rel=1e-6)
    for record in result.history:
        assert found["val_accuracy"][record["epoch"]] == pytest.approx(record["metrics"]["val_accuracy"], rel=1e-6)
        norm = record["gradients"]["dense"]["gradient_norm"]
        assert found["gradients/dense/gradient_norm"][record["epoch"]] == pytest.approx(norm, rel=1e-6)


def test_tensorboard_has_a_rate_that_follows_a_figure(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    result = netspec.train(text(board=True), (X, Y), runs=tmp_path, schedule="reduce_on_plateau(0.5, 1)")
    found = scalars(result.run / tensorboard.FOLDER)["rate"]
    assert found == pytest.approx({r["epoch"]: r["rate"] for r in result.history}, rel=1e-6)


def test_tensorboard_goes_on(tmp_path: Path) -> None:
    """A run that goes on for longer writes the new epochs behind the old ones."""
    pytest.importorskip("tensorboardX")
    path = tmp_path / "net.net"
    path.write_text(text(board=True).replace("data {", "data {\n    source = iris\n   "))
    result = netspec.train(path, runs=tmp_path / "runs")
    more = resume_run(result.run, overrides={"train.epochs": "5"})
    found = scalars(result.run / tensorboard.FOLDER)
    assert found["loss"] == pytest.approx({r["epoch"]: r["loss"] for r in more.history}, rel=1e-6)
    assert len(more.history) == 5


def test_tensorboard_is_not_asked_for(tmp_path: Path) -> None:
    result = netspec.train(text(), (X, Y), runs=tmp_path)
    assert not (result.run / tensorboard.FOLDER).exists()


def test_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before there is a run folder."""
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    with pytest.raises(CompileError) as caught:
        netspec.train(text(board=True), (X, Y), runs=tmp_path / "runs")
    (problem,) = caught.value.diagnostics
    assert problem.code == "NS502" and "pip install 'netspec-compiler[tensorboard]'" in problem.hint_text
    assert problem.span is not None and not (tmp_path / "runs").exists()


class Hooks(TrainingCallback):
    """Takes part in the training instead of only reporting it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_begin(self, training: Any) -> None:
        self.calls.append(f"begin {training.step}")

    def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
        self.calls.append(f"metrics {training.step}")
        metrics["weight_norm"] = float(np.linalg.norm(training.weights.params["dense"]["kernel"]))

    def on_epoch_end(self, training: Any, record: dict[str, Any]) -> None:
        self.calls.append(f"end {record['epoch']}")


class Bare:
    """The four methods of the protocol, and no base class."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def start(self, record: Any) -> None: ...
    def progress(self, tick: Any) -> None: ...
    def done(self, record: Any) -> None: ...
    def epoch(self, record: Any) -> None:
        self.epochs.append(record["epoch"])


def test_a_callback_may_take_part_in_the_training(tmp_path: Path) -> None:
    hooks, bare = Hooks(), Bare()
    result = netspec.train(netspec.compile(text()), (X, Y), runs=tmp_path, callbacks=[hooks, bare])
    assert hooks.calls == ["begin 0", "metrics 3", "end 1", "metrics 6", "end 2", "metrics 9", "end 3"]
    assert bare.epochs == [1, 2, 3]
    assert all(record["metrics"]["weight_norm"] > 0 for record in result.history)
    lines = (result.run / "metrics.jsonl").read_text().splitlines()
    assert "weight_norm" in json.loads(lines[0])["metrics"]
