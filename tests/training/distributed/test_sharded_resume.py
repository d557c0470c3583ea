"""A sharded run that is interrupted goes on with another mesh: the same weights to rounding, with the same mesh bit for
bit. A child process with eight simulated devices trains everything."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.storage.array_file import read_arrays
from netspec.storage.checkpoints.read import read_checkpoint
from netspec.storage.run_files import checkpoints_in
from netspec.storage.run_folder import read_run
from tests.child_processes import child_environment
from tests.training.loop.test_kill import assert_same

pytestmark = pytest.mark.usefixtures("default_signals")

SPEC = """\
input 8x8x1
dense(16, bias = false) -> batchnorm -> relu -> dropout(0.2) -> dense(classes, softmax)
data {
    source = digits
    val = 20%
    normalize = standard
}
train {
    epochs = 3
    batch = 104
    optimizer = sgd(0.1, momentum = 0.9) -> ema(0.9)
    drop_last = true
    mesh = data(2) -> fsdp(2)
}
"""
MESHES = {
    "same": ["data(2) -> fsdp(2)"],
    "two": ["model(2)"],
    "one device, then eight": ["data(1)", "data(2) -> fsdp(4)"],
}
"""The meshes that the run is resumed with; where there are two, it is interrupted again after some steps."""
MORE = {"one device": ["data(1)"], "eight": ["fsdp(8)"], "replicated": ["data(4)"]}


def main(folder: str, names: list[str]) -> None:
    """What the child process does: it trains a run, one that is interrupted, and copies of that one to their ends."""
    from netspec.runs.resume import resume_run
    from netspec.spec.compilation import Compilation, read_source
    from netspec.spec.experiment import prepare, run_files, settings_in_force, train_in
    from netspec.storage.run_folder import Run
    from netspec.training.loop import loop
    from netspec.training.loop.callback import Callback, Tick

    class InterruptAt(Callback):
        def __init__(self, epoch: int, step: int) -> None:
            self.at = epoch, step

        def progress(self, tick: Tick) -> None:
            if (tick.epoch, tick.step) >= self.at:
                os.kill(os.getpid(), signal.SIGTERM)

    loop.TICK_SECONDS = 0.0
    root = Path(folder)
    (root / "net.net").write_text(SPEC)

    def start(name: str, reporter: Callback | None = None) -> Path:
        prepared = prepare(Compilation(read_source(root / "net.net")))
        run = Run.create(root, name, run_files(prepared), settings_in_force(prepared), exact=True)
        train_in(prepared, run, reporter=reporter, save_seconds=1e-9)
        return run.path

    start("whole")
    interrupted = start("interrupted", InterruptAt(2, 1))
    for name in names:
        meshes = {**MESHES, **MORE}[name]
        run = shutil.copytree(interrupted, root / name)
        for index, mesh in enumerate(meshes):
            reporter = InterruptAt(3, 1) if index < len(meshes) - 1 else None
            resume_run(run, reporter, {"train.mesh": mesh}, save_seconds=1e-9)
            found = [path.name for path in checkpoints_in(run / "checkpoints")]
            (run / f"checkpoints-{index}.json").write_text(json.dumps(found))


def weights_of(run: Path) -> dict[str, Any]:
    return read_arrays(run / "weights.safetensors")[0]


def test_a_sharded_run_goes_on_with_any_mesh(tmp_path: Path, long: bool) -> None:
    names = [*MESHES, *(MORE if long else ())]
    program = f"from tests.training.distributed.test_sharded_resume import main; main({str(tmp_path)!r}, {names})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=child_environment(8),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    check_interrupted(tmp_path / "interrupted")
    check_same_bits(tmp_path / "same", tmp_path / "whole")
    for name in names:
        check_same_weights(tmp_path / name, tmp_path / "whole")
    check_kinds(tmp_path)


def check_interrupted(run: Path) -> None:
    """Its checkpoints are folders, and its weights are there, as are those of a run on one device."""
    assert checkpoints_in(run / "checkpoints")[-1].name == "step-00000019.orbax" and read_run(run).done is None
    assert weights_of(run)["dense/kernel"].shape == (64, 16)


def check_same_bits(run: Path, whole: Path) -> None:
    """Of a state with all its parts, after three epochs."""
    assert_same(run, whole)
    assert len(read_checkpoint(run, checkpoints_in(run / "checkpoints")[-1])[0]) > 20
    assert len(read_run(run).history) == 3


def check_same_weights(run: Path, whole: Path) -> None:
    """To rounding."""
    found, wanted = weights_of(run), weights_of(whole)
    assert found.keys() == wanted.keys() and read_run(run).done is not None
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=2e-4, atol=2e-5, err_msg=f"{run.name}: {name}")


def check_kinds(folder: Path) -> None:
    """A sharded state is written as a folder, one of a single device as a file; a run folder may hold both."""

    def names(name: str, index: int = 0) -> list[str]:
        found: list[str] = json.loads((folder / name / f"checkpoints-{index}.json").read_text())
        return found

    assert names("two")[-1] == "step-00000033.orbax"
    both = "one device, then eight"
    assert names(both)[-1] == "step-00000030.safetensors" and names(both, 1)[-1] == "step-00000033.orbax"
