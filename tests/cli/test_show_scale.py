"""`netspec show` for several devices, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netspec.cli.main import run

SPEC = "input 32\ndense(64, relu) -> dense(16, softmax)\ntrain { batch = 32 }\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "net.net").write_text(SPEC)
    return str(tmp_path / "net.net")


def test_memory_of_a_mesh(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", file, "--memory", "--mesh", "data(2) -> fsdp(4)"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("data(2) -> fsdp(4): 8 devices, 4 of 32 examples on each, f32")
    assert all(word in shown for word in ("parameters", "gradients", "activations", "reduce-scatter"))
    assert max(map(len, shown.splitlines())) <= 80


def test_who_holds_what(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", file, "--stage", "plan", "--mesh", "data(2) -> model(4)"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "data 1        4        5        6        7" in lines
    (kernel,) = (line.split() for line in lines if line.startswith("dense/kernel"))
    assert kernel == ["dense/kernel", "32x64", "32x16", "model", "2.0", "KiB"]
    assert max(map(len, lines)) <= 80


def test_the_setting_of_the_spec_is_planned(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", file, "--memory", "--json", "-D", "train.mesh=data(4)"]) == 0
    assert json.loads(capsys.readouterr().out)["mesh"] == "data(4)"


def test_a_recommended_mesh(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", file, "--memory", "--devices", "8", "--device-memory", "h100"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("recommended: mesh = ") and "because" in shown
    assert run(["show", file, "--memory", "--devices", "8", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["recommended"] == record["plan"]["mesh"] == record["meshes"][0]["mesh"]
    assert record["plan"]["memory"]["parameters"] > 0


def test_json_of_a_program_that_is_compiled_ahead(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", file, "--memory", "--mesh", "data(2)", "--simulate", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    weights = 4 * (33 * 64 + 65 * 16)
    assert record["sent"]["all-reduce"] == weights
    assert record["simulated"]["sent"]["all-reduce"] == pytest.approx(weights, abs=50)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--memory", "--mesh", "data(5)"], 1, "NS577"),
        (["--memory", "--mesh", "date(4)"], 1, "did you mean `data`?"),
        (["--memory", "--devices", "8", "--device-memory", "8apples"], 1, "NS552"),
        (["--memory", "--devices", "8", "--device-memory", "1KB"], 1, "no mesh of 8 devices fits"),
        (["--mesh", "data(4)"], 1, "--memory"),
        (["--memory", "--device-memory", "80GB"], 1, "--devices"),
        (["--simulate"], 1, "--memory"),
        (["--memory", "--simulate"], 1, "mesh"),
    ],
)
def test_what_is_wrong(
    file: str, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", file, *arguments]) == code
    assert message in capsys.readouterr().err
