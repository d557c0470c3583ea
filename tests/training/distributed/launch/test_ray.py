"""`netspec launch --ray` on a Ray cluster of two nodes on this machine (the extra `ray`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netspec.cli.main import run
from tests.child_processes import child_environment, epochs_of, wait_until

pytestmark = pytest.mark.usefixtures("default_signals")

SPEC = """\
input 8x8x1
dense(16, relu) -> dropout(0.2) -> dense(classes, softmax)
data { source = digits }
train {
    epochs = 3
    batch  = 128
}
"""


@pytest.fixture(scope="module")
def ray_address() -> Iterator[str]:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        yield cluster.address
    finally:
        cluster.shutdown()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.net").write_text(SPEC)


def test_two_nodes(ray_address: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["launch", "net.net", "--ray", "-N", "2", "--address", ray_address, "--run-folder", "mine"]) == 0
    printed = capfd.readouterr().out
    assert printed.count("run: runs/mine") == 1 and "on 2 x cpu as data(2)" in " ".join(printed.split())
    whole = ["train", "net.net", "-D", "train.devices=2", "--run-folder", "whole", "--no-report"]
    subprocess.run([sys.executable, "-m", "netspec", *whole], env=child_environment(2), check=True, capture_output=True)
    assert Path("runs/mine/weights.safetensors").read_bytes() == Path("runs/whole/weights.safetensors").read_bytes()


def test_more_than_the_cluster_has(ray_address: str, capsys: pytest.CaptureFixture[str]) -> None:
    for options, reason in (
        (["-N", "4"], "2 of its 2 nodes have 1 CPU, and the training needs 4"),
        (["--gpus", "1"], "0 of its 2 nodes have 1 CPU and 1 GPU, and the training needs 1"),
    ):
        assert run(["launch", "net.net", "--ray", "--address", ray_address, *options]) == 1
        error = " ".join(capsys.readouterr().err.split())
        assert "NS588" in error and reason in error
    assert not Path("runs").exists()


def test_no_cluster(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert run(["launch", "net.net", "--ray", "--address", "127.0.0.1:1"]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "NS588" in error and "there is none at 127.0.0.1:1" in error


def test_without_the_package(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(["launch", "net.net", "--ray"]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "NS588" in error and "pip install 'netspec-compiler[ray]'" in error


def test_a_killed_process(ray_address: str, tmp_path: Path) -> None:
    """The other process ends, the message says how to resume, and the same command does."""
    arguments = ["launch", "net.net", "--ray", "-N", "2", "--address", ray_address, "--run-folder", "mine"]
    command = [sys.executable, "-m", "netspec", *arguments, "-D", "train.epochs=400", "--save-every", "0"]
    launcher = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    mine = Path("runs/mine")
    wait_until(lambda: epochs_of(mine) >= 2 or launcher.poll() is not None)
    assert launcher.poll() is None
    (victim,) = [number for number in processes_in(tmp_path) if "--process-id\0001" in command_line(number)]
    os.kill(victim, signal.SIGKILL)
    printed, _ = launcher.communicate(timeout=120)
    assert launcher.returncode == 1
    assert "NS589" in printed and "process 1 of 2 was lost: signal 9" in printed
    epochs = epochs_of(mine)
    again = [*command[:-4], "-D", f"train.epochs={epochs + 1}"]
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and f"resuming at epoch {epochs + 1}" in " ".join(done.stdout.split()), done.stdout


def command_line(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def processes_in(folder: Path) -> list[int]:
    """The processes of netspec that were started in a folder."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdigit() and Path(os.readlink(path / "cwd")) == folder:  # noqa: PTH115
                found.append(int(path.name))
        except OSError:
            continue
    return [number for number in found if "netspec" in command_line(number)]
