"""`netspec train --processes 2`, as a user runs it: the numbers of two devices in one process, one run folder, and what
happens when a process is killed or gets a signal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from netspec.training.distributed.channel import free_port
from tests.child_processes import LIMIT, child_environment, epochs_of, wait_until

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the processes are found in /proc"),
    pytest.mark.usefixtures("default_signals"),
]

SPEC = """\
input 8x8x1
dense(8, relu) -> dropout(0.1) -> batchnorm -> dense(10, softmax)
data {
    source = npy("x.npy", "y.npy")
    stream = true
    val    = 20%
}
train {
    epochs    = 5
    batch     = 32
    optimizer = adam(1e-2)
    schedule  = reduce_on_plateau(0.5, 1)
    stop      = early(val_loss, patience = 4)
    keep      = best(val_accuracy)
}
"""


def start(folder: Path, *arguments: str, devices: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "netspec", "train", *arguments, "--no-report", "--save-every", "0"]
    pipe, environment = subprocess.PIPE, child_environment(devices)
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)


def finish(child: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = child.communicate(timeout=LIMIT)
    return child.returncode, output


def members(launcher: int) -> dict[int, int]:
    """The processes that a launcher has started, by their number."""
    found = {}
    for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        number = re.search(rb"JAX_PROCESS_ID=(\d+)", Path(f"/proc/{child}/environ").read_bytes())
        if number is not None:
            found[int(number[1])] = int(child)
    return found


def history(run: Path) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in r.items() if k in ("epoch", "loss", "metrics", "rate")} for r in records]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    (folder / "net.net").write_text(SPEC)
    draw = np.random.default_rng(0)
    y = draw.integers(0, 10, 500)
    x = draw.normal(size=(500, 8, 8, 1)).astype(np.float32) + y[:, None, None, None] / 5
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    return folder


@pytest.fixture(scope="module")
def whole(folder: Path) -> Path:
    """The run of two devices in one process."""
    one = start(folder, "net.net", "--run-folder", "runs/one", "-D", "train.devices=2", devices=2)
    status, output = finish(one)
    assert status == 0, output
    return folder / "runs/one"


def assert_same(run: Path, other: Path) -> None:
    ours, theirs = (load_file(path / "weights.safetensors") for path in (run, other))
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours)
    assert history(run) == history(other)


def test_two_processes_equal_two_devices_bit_for_bit(folder: Path, whole: Path) -> None:
    status, output = finish(start(folder, "net.net", "--runs", "runs", "--processes", "2", "--json"))
    assert status == 0, output
    assert [path.name for path in (folder / "runs").glob("net-*")] == ["net-1"]
    run = folder / "runs/net-1"
    assert_same(run, whole)
    # Process 0 alone prints, and only its records: a line for each event, which is JSON.
    records = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [record["epoch"] for record in records if record.get("event") == "epoch"] == list(
        range(1, len(history(run)))
    )
    assert "Gloo" not in "".join(line for line in output.splitlines() if line.startswith("{"))
    log = (run / "log.txt").read_text()
    assert log.count("started at epoch 1") == 1


def test_a_signal_and_a_kill_and_then_the_same_weights(folder: Path, whole: Path) -> None:
    run = folder / "runs/hurt"
    train = ("net.net", "--run-folder", "runs/hurt", "--processes", "2")

    # A notice of preemption to one process: both save together, and leave with its status.
    child = start(folder, *train)
    wait_until(lambda: epochs_of(run) >= 1)
    other = members(child.pid)[1]
    shares_cores = len(os.sched_getaffinity(other)) <= 2
    assert os.sched_getscheduler(other) == (os.SCHED_BATCH if shares_cores else os.SCHED_OTHER)
    os.kill(other, signal.SIGUSR1)
    status, output = finish(child)
    assert status == 128 + signal.SIGUSR1, output
    assert "a checkpoint is saved" in output and "Traceback" not in output
    before = epochs_of(run)
    assert before < len(history(whole)) - 1

    # One is killed: the other says so within seconds, and ends.
    child = start(folder, *train)
    wait_until(lambda: epochs_of(run) > before or child.poll() is not None)
    os.kill(members(child.pid)[0], signal.SIGKILL)
    began = time.monotonic()
    status, output = finish(child)
    assert status == 128 + signal.SIGKILL, output
    assert "error[NS583]: process 0 of 2" in output and "Traceback" not in output
    assert time.monotonic() - began < 20

    status, output = finish(start(folder, "--resume", "runs/hurt", "--processes", "2"))
    assert status == 0, output
    assert_same(run, whole)


def test_an_error_of_every_process_is_printed_once(folder: Path) -> None:
    (folder / "bad.net").write_text(SPEC.replace('"y.npy"', '"z.npy"'))
    status, output = finish(start(folder, "bad.net", "--processes", "2"))
    assert status == 1
    assert output.count("error[") == 1, output


def test_somebody_is_missing(folder: Path) -> None:
    child = start(
        folder, "net.net", "--coordinator", "127.0.0.1:45991", "--process-id", "0", "--process-count", "3",
        "--join-timeout", "1",
    )  # fmt: skip
    status, output = finish(child)
    assert status == 1
    assert "error[NS580]: 2 of 3 processes did not start within 1 s: process 1," in output


def test_the_status_of_a_process_that_has_lost_another(folder: Path) -> None:
    """Without a launcher, as on two machines."""
    address = f"127.0.0.1:{free_port()}"
    options = (
        "--run-folder",
        "runs/lost",
        "-D",
        "train.epochs=10000",
        "-D",
        "train.stop=early(val_loss, patience = 10000)",
    )
    first, second = (
        start(folder, "net.net", *options, "--coordinator", address, "--process-count", "2", "--process-id", number)
        for number in ("0", "1")
    )
    wait_until(lambda: first.poll() is not None or epochs_of(folder / "runs/lost") >= 1)
    second.kill()
    status, output = finish(first)
    assert status == 75, output
    assert "error[NS583]: process 1 of 2" in output and "Traceback" not in output
    finish(second)
