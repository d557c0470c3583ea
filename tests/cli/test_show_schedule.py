"""`netspec show FILE --schedule`: the curve, its axes, and the three rates that matter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netspec.cli.main import run
from netspec.cli.render.line_plot import MARK, curve_lines

ROOT = Path(__file__).parents[2]
NET = 'input 4\ndense(16, relu, name = "hidden") -> dense(3, softmax)\n'


def shown(text: str, folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    (folder / "x.net").write_text(text)
    assert run(["show", str(folder / "x.net"), "--schedule", *more]) == 0
    return capsys.readouterr().out


def test_the_curve_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = "train { epochs = 10, optimizer = sgd(0.1), schedule = warmup(2 epochs) -> linear }"
    lines = shown(NET + train.replace(",", "\n"), tmp_path, capsys).splitlines()
    assert lines[0] == "learning rate: warmup(2 epochs) -> linear on sgd(0.1)"
    curve = [line for line in lines if "|" in line]
    assert curve[0].split("|")[0].strip() == "0.1" and curve[6].split("|")[0].strip() == "0.05"
    assert curve[-1].split("|")[0].strip() == "0"
    assert all(len(line) <= 80 for line in lines)
    width = max(len(line.split("| ")[1]) for line in curve)
    top = curve[0].split("| ")[1].index(MARK) / width
    assert 0.15 < top < 0.25  # the rate is highest after two of ten epochs
    assert lines[-4].split() == ["0", "5", "10", "epochs"]
    assert lines[-2:] == [
        "1,000 steps, 100 per epoch, assumed: no data source is given",
        "initial 0.0005, maximum 0.1 (epoch 2, step 100), final 0.000125",
    ]


def test_the_steps_are_those_of_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "dense(classes, softmax)\ndata { source = iris }\ntrain { batch = 10\n epochs = 3\n schedule = step(1) }"
    out = shown(text, tmp_path, capsys)
    assert "36 steps, 12 per epoch\n" in out
    assert "initial 0.001, maximum 0.001 (epoch 1, step 1), final 1e-05" in out


def test_json_has_the_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = 'train { epochs = 5\n optimizer = adam -> rate_of("hidden", 0.1)\n schedule = one_cycle }'
    found = json.loads(shown(NET + train, tmp_path, capsys, "--json"))
    assert found["steps"] == 500 and found["assumed"] and found["steps_per_epoch"] == 100
    assert found["first"] == pytest.approx(4e-5, rel=1e-6) and found["last"] == pytest.approx(4e-9, rel=1e-2)
    assert found["highest"] == pytest.approx(1e-3, rel=1e-4) and found["highest_step"] == 149
    assert [step for step, _ in found["points"]] == list(range(0, 500, 3))
    assert found["notes"] == ["times 0.1 for hidden"]


def test_what_is_not_drawn_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(NET + "train { schedule = reduce_on_plateau(0.5, 1) }", tmp_path, capsys)
    assert "multiplied by 0.5 each time `val_loss` has not improved for 1 epoch, which is not drawn" in out


def test_mistakes_are_told_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.net").write_text(NET + "train { schedule = cosin }")
    assert run(["show", str(tmp_path / "x.net"), "--schedule"]) == 1
    assert "did you mean `cosine`?" in capsys.readouterr().err


def test_a_pipe_gets_plain_letters(tmp_path: Path) -> None:
    (tmp_path / "x.net").write_text(NET)
    command = [sys.executable, "-m", "netspec", "show", "x.net", "--schedule"]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii() and b"\x1b" not in done.stdout


# ---------------------------------------------------------------- the plot itself


def test_every_value_is_in_its_row() -> None:
    columns = [(value, value) for value in np.linspace(0, 8, 9)]
    lines = curve_lines(columns, height=9, ends=("0", "4", "8"))
    rows = [line.split("| ")[1] if "| " in line else "" for line in lines[:9]]
    assert rows == [" " * (8 - i) + MARK for i in range(9)]
    assert [line.split("|")[0].strip() for line in lines[:9]] == ["8", "", "", "", "4", "", "", "", "0"]
    assert lines[-1].split() == ["0", "4", "8"]


def test_a_peak_between_two_columns_is_not_lost() -> None:
    lines = curve_lines([(0, 0), (0, 1), (0, 0)], height=5, ends=("0", "", "1"))
    assert [line.split("|")[1][1:].strip() for line in lines[:5]] == ["*", "*", "*", "*", "***"]


def test_a_rate_that_is_always_zero_is_a_line() -> None:
    lines = curve_lines([(0.0, 0.0)] * 4, height=5, ends=("0", "", "1"))
    assert lines[4].endswith("****") and "*" not in "".join(lines[:4])
