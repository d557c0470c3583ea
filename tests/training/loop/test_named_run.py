"""`netspec train FILE --run-folder RUN`: the same command starts, resumes and completes a run."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from netspec.cli.main import run
from netspec.cli.render.json_progress import JsonReporter

pytestmark = pytest.mark.usefixtures("default_signals")

SPEC = """\
input 8x8x1
dense(8, relu) -> dropout(0.2) -> dense(classes, softmax)
data { source = digits }
train {
    epochs = 3
    batch  = 256
}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.net").write_text(SPEC)
    return "net.net"


def test_one_command_starts_resumes_and_completes(
    spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", spec, "--run-folder", "mine", "--save-every", "0", "--no-report", "--json"]
    real = JsonReporter.epoch

    def preempted(self: JsonReporter, record: Any) -> None:
        real(self, record)
        if record["epoch"] == 1:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(JsonReporter, "epoch", preempted)
        assert run(command) == 143
    assert run(command) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["epoch"] for line in lines if line.get("event") == "epoch"] == [1, 2, 3]
    weights = Path("runs/mine/weights.safetensors").read_bytes()
    assert run(command) == 0
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "runs/mine is complete: nothing to do\n"
    assert run(["train", spec, "--run-folder", "runs/whole", "--no-report", "--json"]) == 0
    assert Path("runs/whole/weights.safetensors").read_bytes() == weights
    assert sorted(path.name for path in Path("runs").iterdir() if path.is_dir()) == ["mine", "whole"]


def test_longer_and_other(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", spec, "--run-folder", "mine", "--no-report", "--json", "-D", "train.epochs=1"]
    assert run(command) == 0
    assert run([*command[:-1], "train.epochs=2"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["epoch"] for line in lines if line.get("event") == "epoch"] == [1, 2]
    assert run([*command, "-D", "train.batch=128"]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "NS494"


def test_several_seeds(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", spec, "--run-folder", "two", "--no-report", "--json", "--seeds", "2", "-D", "train.epochs=1"]
    assert run(command) == 0
    assert sorted(path.name for path in Path("runs/two").glob("seed-*")) == ["seed-0", "seed-1"]
    capsys.readouterr()
    assert run(command) == 0
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["seeds"]


def test_what_does_not_go_together(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--run-folder", "mine"]) == 1
    assert run(["train", spec, "--run-folder", "mine", "--resume", "mine"]) == 1
    assert run(["train", spec, "--run-folder", "."]) == 1
    assert "NS473" in capsys.readouterr().err
