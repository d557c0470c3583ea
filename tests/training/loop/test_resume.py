"""Runs that are killed, stopped and damaged go on to the same numbers, bit for bit."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.language.diagnostics import CompileError, Diagnostic
from netspec.language.vocabulary import words
from netspec.storage.array_file import read_arrays
from netspec.storage.run_files import checkpoint_file, checkpoint_steps
from netspec.storage.run_folder import Run, read_run
from netspec.storage.weights import load_weights
from netspec.training.control.stop import Early
from netspec.training.experiment import Experiment
from netspec.training.loop import loop
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.fit_result import FitResult
from netspec.training.loop.loop import fit
from netspec.training.step import epoch_steps
from tests.training.nets import class_data, class_job, figures_of, same

pytestmark = pytest.mark.usefixtures("default_signals")

ROOT = Path(__file__).parents[3]


def job_of(epochs: int = 5, **keys: Any) -> Experiment:
    return class_job(epochs=epochs, stop=Early(patience=4), **keys)


class KillAfter(TrainingCallback):
    """Kills the process after an epoch, or sends a signal in the middle of the next one."""

    def __init__(self, epochs: int, number: signal.Signals) -> None:
        self.epochs, self.number = epochs, number

    def epoch(self, record: Any) -> None:
        if record["epoch"] == self.epochs and self.number == signal.SIGKILL:
            time.sleep(0.3)  # what is written aside may finish
            os.kill(os.getpid(), self.number)

    def progress(self, tick: Any) -> None:
        if tick.epoch == self.epochs + 1 and tick.step == 3 and self.number != signal.SIGKILL:
            os.kill(os.getpid(), self.number)


def train_and_be_killed(path: str, epochs: int, number: int) -> None:
    """What the child process does."""
    loop.TICK_SECONDS, epoch_steps.STEPS_PER_CALL = 0.0, 3
    result = fit(
        job_of(), run=Run.open(Path(path)), reporter=KillAfter(epochs, signal.Signals(number)), save_seconds=0.0
    )
    sys.exit(40 if result.interrupted else 41)


def start_and_kill(run: Run, epochs: int, number: signal.Signals) -> int:
    call = f"train_and_be_killed({str(run.path)!r}, {epochs}, {int(number)})"
    program = f"from tests.training.loop.test_resume import *; {call}"
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, timeout=120).returncode


@pytest.fixture(autouse=True)
def _no_looks_within_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are those of whole epochs, however slow the machine is."""
    monkeypatch.setattr(loop, "TICK_SECONDS", math.inf)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    """Five epochs at once."""
    return fit(job_of(), run=Run.create(tmp_path_factory.mktemp("whole"), "net", {}, {}))


def assert_equal(found: FitResult, whole: FitResult) -> None:
    assert same(found.weights, whole.weights)
    assert figures_of(found.history) == figures_of(whole.history)
    assert {k: v for k, v in found.metrics.items() if k != "seconds"} == dict(whole.metrics)
    assert found.best_epoch == whole.best_epoch
    assert found.run is not None and whole.run is not None
    assert figures_of(read_run(found.run).history) == figures_of(read_run(whole.run).history)
    theirs, ours = load_weights(whole.run), load_weights(found.run)
    assert all(np.array_equal(theirs[name], ours[name]) for name in theirs)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 40)], ids=["kill", "term"])
def test_a_run_that_was_killed_goes_on_bit_for_bit(
    tmp_path: Path, whole: FitResult, number: signal.Signals, status: int
) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    assert start_and_kill(run, 2, number) == status
    if number != signal.SIGKILL:
        assert "interrupted after epoch 2, step 17" in (run.path / "log.txt").read_text()
        assert read_run(run.path).done is None
    assert_equal(fit(job_of(), run=run, resume=True), whole)


def test_going_on_for_longer_equals_all_at_once(tmp_path: Path, whole: FitResult) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    fit(job_of(2), run=run)
    begun: list[int] = []
    found = fit(job_of(5), run=run, resume=True, on_start=lambda: begun.append(1))
    assert_equal(found, whole)
    assert begun == [1]


def test_a_finished_run_stays_as_it_is(tmp_path: Path, whole: FitResult) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    fit(job_of(), run=run)
    assert_equal(fit(job_of(), run=run, resume=True), whole)


def test_only_two_checkpoints_are_kept(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    fit(job_of(), run=run, save_seconds=0.0)
    assert checkpoint_steps(run.checkpoints) == [28, 35]
    assert len([*run.checkpoints.iterdir()]) == 2


def interrupted_run(root: Path, name: str = "net") -> Run:
    run = Run.create(root, name, {}, {})
    fit(job_of(3), run=run, save_seconds=0.0)
    return run


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [truncate, change, Path.unlink])
def test_a_damaged_checkpoint_is_noticed_and_an_older_one_used(tmp_path: Path, whole: FitResult, damage: Any) -> None:
    run = interrupted_run(tmp_path)
    damage(checkpoint_file(run.checkpoints, 21))
    follower = Follower()
    assert_equal(fit(job_of(), run=run, resume=True, reporter=follower), whole)
    if damage is Path.unlink:
        assert "resumed at epoch 3, step 14" in (run.path / "log.txt").read_text()
        return
    (told,) = follower.warnings
    assert told.code == "NS472" and "step 21" in told.message and "step 14" in told.message
    assert told.message in (run.path / "log.txt").read_text()
    assert read_arrays(checkpoint_file(run.checkpoints, checkpoint_steps(run.checkpoints)[0]))


class Follower(TrainingCallback):
    """Remembers what it is told at the start."""

    warnings: tuple[Diagnostic, ...] = ()

    def start(self, record: Any) -> None:
        self.warnings = record["warnings"]


def test_a_damaged_checkpoint_is_written_again_and_the_whole_one_stays_until_then(tmp_path: Path) -> None:
    run = interrupted_run(tmp_path)
    truncate(checkpoint_file(run.checkpoints, 21))
    fit(job_of(3), run=run, resume=True, save_seconds=0.0)
    assert checkpoint_steps(run.checkpoints) == [14, 21]
    for step in (14, 21):
        read_arrays(checkpoint_file(run.checkpoints, step))


def test_a_run_that_was_stopped_before_anything_was_saved(tmp_path: Path, whole: FitResult) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    run.add_record({"event": "epoch", "epoch": 1, "loss": 0.5, "metrics": {}})
    follower = Follower()
    assert_equal(fit(job_of(), run=run, resume=True, reporter=follower), whole)
    assert [w.code for w in follower.warnings] == ["NS492"]


def failing(job: Experiment, run: Run) -> str:
    with pytest.raises(CompileError) as caught:
        fit(job, run=run, resume=True)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.hint_text
    return f"{diagnostic.code} {diagnostic.message}"


def test_all_checkpoints_damaged(tmp_path: Path) -> None:
    run = interrupted_run(tmp_path)
    for step in run.checkpoints.iterdir():
        truncate(step)
    assert failing(job_of(), run).startswith("NS471") and "it is truncated" in failing(job_of(), run)
    assert len([*run.checkpoints.iterdir()]) == 2  # nothing is thrown away


def test_no_checkpoint(tmp_path: Path) -> None:
    run = interrupted_run(tmp_path)
    shutil.rmtree(run.checkpoints)
    assert failing(job_of(), run).startswith("NS470")


def test_other_settings(tmp_path: Path) -> None:
    run = interrupted_run(tmp_path)
    assert failing(job_of(batch=64), run) == "NS476 the run was started with other settings: `batch` was 32 and is 64"
    assert "there were 200 training examples and are 190" in failing(replace(job_of(), train=class_data(190)), run)


def test_other_data(tmp_path: Path) -> None:
    run = interrupted_run(tmp_path)
    assert failing(replace(job_of(), train=class_data(200, 5)), run).startswith("NS478")
    assert failing(replace(job_of(), val=class_data(60, 5)), run).startswith("NS478")


@pytest.mark.parametrize(
    ("schedule", "codes"), [("cosine", ["NS493"]), ("constant", []), ("warmup", []), ("warmup cosine", [])]
)
def test_a_schedule_that_takes_another_course_is_told(tmp_path: Path, schedule: str, codes: list[str]) -> None:
    chain = tuple(words("schedule")[name]() for name in schedule.split())  # the first epoch of the last only warms up
    run = Run.create(tmp_path, "net", {}, {})
    fit(class_job(epochs=1, schedule=chain), run=run)
    follower = Follower()
    fit(class_job(epochs=2, schedule=chain), run=run, resume=True, reporter=follower)
    assert [warning.code for warning in follower.warnings] == codes
    fit(class_job(epochs=2, schedule=chain), run=run, resume=True, reporter=follower)
    assert follower.warnings == ()


def test_another_net(tmp_path: Path) -> None:
    from flax import nnx

    def wider(rngs: nnx.Rngs) -> nnx.Module:
        from tests.training.nets import Classifier

        net = Classifier(rngs)
        net.dense1 = nnx.Linear(8, 16, use_bias=False, rngs=rngs)
        return net

    run = interrupted_run(tmp_path)
    assert "NS474" in failing(replace(job_of(), make_module=wider), run)
