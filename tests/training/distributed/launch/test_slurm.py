"""Scripts of `netspec launch` on a real Slurm with two nodes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.cli.main import run
from netspec.training.distributed.launch.job import parse_time
from tests.child_processes import child_environment, epochs_of
from tests.training.distributed.launch.slurm_cluster import SlurmCluster

pytestmark = pytest.mark.usefixtures("default_signals")

SPEC = """\
input 8x8x1
dense(32, relu) -> dropout(0.2) -> dense(classes, softmax)
data {
    source = digits
    val    = 10%
}
train {
    epochs    = 60
    batch     = 32
    optimizer = adam(1e-3)
}
"""


@pytest.fixture(autouse=True)
def folder(slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a spec, in an environment in which commands find the cluster."""
    monkeypatch.chdir(tmp_path)
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    Path("net.net").write_text(SPEC)


def submitted(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The number of a job that `netspec launch` has written and submitted."""
    assert run(["launch", "net.net", "--slurm", "--submit", "--json", *options]) == 0
    job: str = json.loads(capsys.readouterr().out)["job"]
    return job


def test_a_killed_process_and_the_time_limit(slurm: SlurmCluster, capsys: pytest.CaptureFixture[str]) -> None:
    """The job is requeued by itself both times, resumes its run, and ends with the weights of one process that nothing
    has disturbed."""
    job = submitted(capsys, "-N", "2", "--time", "20m", "--save-every", "0")
    mine, log = Path("runs/net-slurm"), Path(f"net-{job}.log")
    slurm.until(lambda: epochs_of(mine) >= 2, "two epochs")
    slurm.run("scancel", "--signal=USR1", job)  # what Slurm itself sends before the time limit
    slurm.until(lambda: slurm.restarts(job) == 1, "requeued")
    first = epochs_of(mine)
    slurm.until(lambda: epochs_of(mine) >= first + 2, "two epochs more")
    for process in slurm.processes(job, 1):
        os.kill(process, signal.SIGKILL)
    slurm.until(lambda: slurm.restarts(job) == 2, "requeued again")
    second = epochs_of(mine)
    assert slurm.wait_for(job, "COMPLETED", "FAILED", "CANCELLED") == "COMPLETED", log.read_text()
    assert 2 <= first < second < 60 and epochs_of(mine) == 60
    whole = [sys.executable, "-m", "netspec", "train", "net.net", "-D", "train.devices=2", "--run-folder", "whole"]
    subprocess.run(whole, env=child_environment(2), check=True, capture_output=True)
    assert (mine / "weights.safetensors").read_bytes() == Path("runs/whole/weights.safetensors").read_bytes()


def test_an_error_is_not_tried_again(slurm: SlurmCluster, capsys: pytest.CaptureFixture[str]) -> None:
    job = submitted(capsys)
    Path("net.net").write_text(SPEC.replace("relu", "relo"))  # before it starts
    assert slurm.wait_for(job, "COMPLETED", "FAILED") == "FAILED"
    assert "NS201" in Path(f"net-{job}.log").read_text()
    assert slurm.restarts(job) == 0


def test_a_cancelled_job_stays_cancelled(slurm: SlurmCluster, capsys: pytest.CaptureFixture[str]) -> None:
    job = submitted(capsys, "--save-every", "0")
    slurm.until(lambda: epochs_of(Path("runs/net-slurm")) >= 1, "an epoch")
    slurm.run("scancel", job)
    assert slurm.wait_for(job, "CANCELLED", "COMPLETED", "PENDING") == "CANCELLED"
    assert slurm.restarts(job) == 0


def test_slurm_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["launch", "net.net", "--slurm", "--submit", "--partition", "nowhere"]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "NS586" in error and "net.sbatch is written, but sbatch refuses it" in error and "invalid partition" in error


@pytest.mark.parametrize("text", ["2:00:00", "30", "90:00", "1-12", "1-12:30", "2-0:0:0"])
def test_time_limits_are_read_as_slurm_does(slurm: SlurmCluster, text: str) -> None:
    shown = [
        slurm.run("squeue", "-h", "-j", job, "-o", "%l").strip()
        for limit in (text, str(parse_time(text) // 60))
        for job in [slurm.run("sbatch", "--parsable", "--hold", f"--time={limit}", "--wrap=true").strip()]
    ]
    assert shown[0] == shown[1]
