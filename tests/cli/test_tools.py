"""`netspec lr`, `netspec check --gradients` and `netspec train --seeds` as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.cli.main import run
from netspec.cli.render.line_plot import curve_text

IRIS = """
input 4
dense(8, relu, name = "stem") -> dense(classes, softmax)
data {
    source = iris
    normalize = standard
}
train {
    epochs = 2
    optimizer = clip(1.0) -> adam(0.5)
}
"""
WRONG = '''
import jax

from netspec.extend import Layer, call, layer


def doubled(x):
    return x + jax.lax.stop_gradient(x)


@layer("doubled_wrongly")
class DoubledWrongly(Layer):
    """Twice each number, with the gradient of once.

    Shape: any -> the same
    Example: doubled_wrongly
    """

    def infer(self, x):
        return x

    def code(self, module, tensors, shapes):
        return call(f"{__name__}:doubled", *tensors)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris.net").write_text(IRIS)
    return tmp_path


def test_lr_draws_and_suggests(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lr", "iris.net", "-o", "lr.png"]) == 0
    out = capsys.readouterr().out
    assert "▲" in out and "△" in out and "1e-7" in out
    assert "in line" in out and "\n    optimizer = clip(1) -> adam(0.0" in out and "train {" not in out
    assert (folder / "lr.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in folder.iterdir()) == ["iris.net", "lr.png"]


def test_lr_as_json_and_its_line_can_be_used(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lr", "iris.net", "--json", "--steps", "60"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["rates"]) == len(record["losses"]) == len(record["smoothed"]) <= 60
    name, _, value = record["line"].partition(" = ")
    assert run(["check", "iris.net", "-D", f"train.{name}={value}"]) == 0


def test_lr_says_what_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lr", "iris.net", "-o", "lr.jpeg"]) == 1
    assert ".png, .svg or .pdf" in capsys.readouterr().err
    assert run(["lr", "iris.net", "--low", "1", "--high", "0.1"]) == 1
    assert "must be less than" in capsys.readouterr().err


def test_gradients_of_built_in_layers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--gradients", "iris.net"]) == 0
    out = capsys.readouterr().out
    assert "stem" in out and "largest relative error" in out and "WRONG" not in out


def test_a_wrong_gradient_is_marked_and_the_status_is_1(folder: Path) -> None:
    (folder / "my_layers.py").write_text(WRONG)
    (folder / "net.net").write_text("input 4\ndense(4) -> doubled_wrongly -> dense(2)\n")
    done = subprocess.run(
        [sys.executable, "-m", "netspec", "--import", "my_layers", "check", "--gradients", "net.net"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (marked,) = [line for line in done.stdout.splitlines() if "<-- WRONG" in line]
    assert marked.startswith("doubled_wrongly") and "5.0e-01" in marked
    assert "NS512" in done.stderr and "net.net:2:13" in done.stderr


def test_check_alone_does_not_load_jax(folder: Path) -> None:
    code = (
        "import sys; from netspec.cli.main import run; run(['check', 'iris.net']); "
        "assert not {'jax', 'flax', 'optax', 'matplotlib'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_seeds_end_in_a_table_and_go_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "iris.net", "--seeds", "2"]) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.startswith(("metric", "test_acc"))}
    assert rows["metric"][:4] == ["mean", "std", "min", "max"] and out.count("seed 0") == 1
    assert len(rows["test_accuracy"]) == 6
    assert run(["train", "--resume", "runs/iris-1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert record["event"] == "seeds" and record["seeds"] == [0, 1]
    values = record["metrics"]["test_loss"]["values"]
    assert record["metrics"]["test_loss"]["mean"] == pytest.approx(sum(values) / 2)
    assert run(["train", "iris.net", "--resume", "runs/iris-1"]) == 1
    assert "several seeds" in capsys.readouterr().err


def test_init_is_told_before_training(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "iris.net"]) == 0
    (folder / "other.net").write_text(IRIS.replace("dense(classes, softmax)", 'dense(classes, softmax, name = "top")'))
    assert run(["train", "other.net", "-D", 'train.init="runs/iris-1"']) == 0
    err = capsys.readouterr().err
    assert "NS510" in err and "top/kernel (not there)" in err


def test_a_curve_has_its_marks_below_it() -> None:
    lines = curve_text([1e-3, 1e-2, 1e-1], [1.0, 0.0, 0.5], {"▲": 1e-2}, width=21, height=4).splitlines()
    assert lines[0].startswith("1 ┤") and lines[3].startswith("0 ┤")
    assert lines[4].index("┬") == lines[5].index("1e-3") and lines[6].index("▲") == lines[5].index("1e-2")
