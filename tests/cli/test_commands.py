"""Every command as a user calls it: output, JSON, exit status, and what it says about mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.cli.main import COMMANDS, run

ROOT = Path(__file__).parents[2]
IRIS = """
input 4
dense(16, relu) -> dense(classes, softmax)
data {
    source = iris
    normalize = standard
}
train {
    epochs = 30
    optimizer = adam(0.02)
}
expect { test_accuracy >= 80% }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris.net").write_text(IRIS)
    (tmp_path / "good.net").write_text("input 28x28x1\nconv(16, 3x3, relu) -> maxpool(2) -> dense(10, softmax)\n")
    (tmp_path / "bad.net").write_text("input 8x8x1\ncnov(16) -> flatten -> dense(10, sofmax)\n")
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example:" in text and f"netspec {name}" in text and "--json" in text


def test_version_and_group_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("netspec 0.")
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


def test_unknown_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chek", "x.net"]) == 1
    assert "did you mean `check`?" in capsys.readouterr().err
    assert run(["check", "x.net", "--jsno"]) == 1
    assert "--json" in capsys.readouterr().err


# ---------------------------------------------------------------- check


def test_check_clean(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "good.net"]) == 0
    assert capsys.readouterr().out == "good.net: no errors, 31,530 trainable parameters\n"


def test_check_shows_every_mistake(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "good.net", "bad.net"]) == 1
    out, err = capsys.readouterr()
    assert "bad.net: 2 errors" in out
    assert "bad.net:2:1" in err and "did you mean `conv`?" in err
    assert "bad.net:2:34" in err and "did you mean `softmax`?" in err
    assert "\x1b" not in err


def test_check_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "bad.net", "--json"]) == 1
    out, err = capsys.readouterr()
    first, second = (json.loads(line) for line in out.splitlines())
    assert err == ""
    assert first["code"] == "NS201" and first["severity"] == "error" and first["file"] == "bad.net"
    assert first["start"] == {"line": 2, "column": 1} and first["end"] == {"line": 2, "column": 5}
    assert "conv" in first["hint"] and "cnov" in first["message"]
    assert second["start"]["column"] == 34


def test_check_of_what_is_no_spec(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "binary.net").write_bytes(b"\xff\xfe\x00\x01")
    assert run(["check", "goood.net", "binary.net", "."]) == 1
    err = capsys.readouterr().err
    assert err.count("error[NS109]") == 3
    assert "did you mean `good.net`?" in err and "not a text file in UTF-8" in err


def test_check_bare_spec(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bare.net").write_text("conv(16, 3x3, relu) -> maxpool(2) -> dense(10, softmax)\n")
    assert run(["check", "bare.net"]) == 1
    assert "NS213" in capsys.readouterr().err
    assert run(["check", "bare.net", "--input", "28x28x1"]) == 0
    assert run(["check", "bare.net", "--data", "mnist"]) == 0
    assert run(["check", "bare.net", "--input", "28y28"]) == 1
    assert run(["check", "bare.net", "--data", "mnits"]) == 1
    assert "did you mean `mnist`?" in capsys.readouterr().err


def test_defines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.net").write_text("param width = 16\ninput 8\ndense(width) -> dense(2)\n")
    assert run(["show", "p.net", "--json", "-D", "width=64"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][0]["shape"] == [64]
    for wrong in ("width=1.5", "widht=3", "width", "width=(", "train.epoch=3"):
        assert run(["check", "p.net", "-D", wrong]) == 1, wrong
    err = capsys.readouterr().err
    assert "did you mean `-D width=3`?" in err and "did you mean `-D train.epochs=3`?" in err
    assert "is not an integer" in err


# ---------------------------------------------------------------- show, compile, fmt


def test_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "good.net"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"conv\(16, 3x3, relu\) +28x28x16 +160 +▏ +113 k +49\.0 KiB +3x3", out)
    assert "trainable parameters       31,530" in out
    assert run(["show", "good.net", "--full"]) == 0
    out = capsys.readouterr().out
    assert "pad = same" in out and "epochs" in out and "init = lecun_normal" in out
    assert "maxpool(2, to = none, stride = 2" in out and "adam(0.001" in out and "b1 = 0.9" in out


def test_show_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "good.net", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["name"] == "good"
    assert shown["inputs"] == {"x": [28, 28, 1]} and shown["outputs"] == {"output": [10]}
    assert shown["parameters"] == {"trainable": 31530, "state": 0, "frozen": 0}
    assert shown["macs"] == 144256
    assert shown["layers"][0] == {
        "name": "conv", "op": "conv", "shape": [28, 28, 16], "parameters": 160, "macs": 112896,
        "memory": 50176, "field": "3x3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("tree", "Chain"),
        ("graph", "dense(10, softmax)"),
        ("optimized", "-> softmax"),
        ("optimised", "-> softmax"),  # as it was spelled before
        ("python", "nn.Conv(1, 16"),
    ],
)
def test_show_stage(folder: Path, stage: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "good.net", "--stage", stage]) == 0
    assert expected in capsys.readouterr().out


def test_compile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", "good.net", "-o", "model.py"]) == 0
    assert "from netspec import nn" in (folder / "model.py").read_text()
    assert run(["compile", "good.net", "--standalone"]) == 0
    out = capsys.readouterr().out
    assert "from flax import nnx as nn" in out and "netspec import" not in out
    before = (folder / "model.py").read_text()
    assert run(["compile", "bad.net", "-o", "model.py"]) == 1
    assert (folder / "model.py").read_text() == before
    assert run(["compile", "good.net", "-o", "no/such/folder/model.py"]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_fmt(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "ugly.net").write_bytes(b"input  8\r\ndense( 4 )->dense(2)  # two")
    assert run(["fmt", "--check", "ugly.net"]) == 1
    assert b"\r" in (folder / "ugly.net").read_bytes()
    assert run(["fmt", "ugly.net"]) == 0
    assert (folder / "ugly.net").read_bytes() == b"input 8\ndense(4) -> dense(2)  # two\n"
    assert run(["fmt", "--check", "ugly.net"]) == 0
    (folder / "broken.net").write_text("dense(")
    assert run(["fmt", "broken.net"]) == 1
    assert (folder / "broken.net").read_text() == "dense("
    assert "NS102" in capsys.readouterr().err


# ---------------------------------------------------------------- words, explain


def test_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["words"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("conv", "relu", "he_normal", "mnist", "adam", "cosine", "cross_entropy"))
    assert run(["words", "conv"]) == 0
    out = capsys.readouterr().out
    assert "filters" in out and "required" in out and "default same" in out
    assert run(["words", "plateau"]) == 0
    assert capsys.readouterr().out.startswith("reduce_on_plateau(")
    assert run(["words", "cnov"]) == 1
    assert "did you mean `conv`?" in capsys.readouterr().err
    assert run(["words", "adam", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["category"] == "optimizer"


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "ns301"]) == 0
    out = capsys.readouterr().out
    assert "NS301" in out and "Wrong:" in out and "Right:" in out
    assert run(["explain", "NS999"]) == 1


# ---------------------------------------------------------------- train, eval, predict


def json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_train_eval_predict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "iris.net", "--json"]) == 0
    *epochs, done = json_lines(capsys.readouterr().out)
    assert [e["epoch"] for e in epochs] == list(range(1, 31))
    assert set(epochs[0]) == {"event", "epoch", "seconds", "train_seconds", "loss", "metrics"}
    assert done["event"] == "done" and done["epochs"] == 30 and done["run"] == "runs/iris-1"
    assert done["metrics"]["test_accuracy"] >= 0.8

    assert run(["eval", "runs/iris-1", "--json"]) == 0
    assert json_lines(capsys.readouterr().out)[0]["metrics"]["test_accuracy"] == done["metrics"]["test_accuracy"]
    assert run(["eval", "runs/iris-1", "--split", "train"]) == 0
    assert "train_accuracy" in capsys.readouterr().out
    assert run(["eval", "runs/iris-1", "--split", "val"]) == 1
    assert "NS424" in capsys.readouterr().err

    assert run(["train", "--resume", "runs/iris-1"]) == 1
    assert "is complete (30 epochs)" in capsys.readouterr().err
    assert run(["train", "--resume", "runs/iris-1", "-D", "train.epochs=31", "--json"]) == 0
    assert json_lines(capsys.readouterr().out)[-1]["epochs"] == 31

    assert run(["predict", "runs/iris-1", "5.1,3.5,1.4,0.2", "--json"]) == 0
    (answer,) = json_lines(capsys.readouterr().out)
    assert answer["outputs"]["output"]["class"] == "setosa"
    assert sum(answer["outputs"]["output"]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    (folder / "rows.csv").write_text("5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n")
    assert run(["predict", "runs/iris-1", "rows.csv"]) == 0
    out = capsys.readouterr().out
    assert "rows.csv row 1: setosa" in out and "rows.csv row 2: virginica" in out
    for wrong in ("5.1,3.5", "no_such.csv", "5.1,abc,1,2"):
        assert run(["predict", "runs/iris-1", wrong]) == 1
    assert capsys.readouterr().err.count("NS480") == 3


def test_a_run_is_never_overwritten_and_explains_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert run(["train", "iris.net", "-D", "train.epochs=1", "-D", "train.seed=3"]) in (0, 1)
    assert sorted(p.name for p in (folder / "runs").iterdir()) == ["iris-1", "iris-2"]
    files = {p.name for p in (folder / "runs" / "iris-1").iterdir()}
    assert {
        "spec.net", "spec.json", "settings.json", "metrics.jsonl", "checkpoints", "weights.safetensors",
        "versions.json", "log.txt", "model.py", "coding.json", "summary.txt",
    } <= files  # fmt: skip
    settings = json.loads((folder / "runs" / "iris-1" / "settings.json").read_text())
    assert settings["train"]["seed"] == 3 and settings["train"]["batch"] == 32
    assert (folder / "runs" / "iris-1" / "spec.net").read_text() == IRIS


def test_unmet_expectation_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "hopeful.net").write_text(IRIS.replace("80%", "100%").replace("epochs = 30", "epochs = 1"))
    assert run(["train", "hopeful.net"]) == 1
    err = capsys.readouterr().err
    assert "NS229" in err and "expected test_accuracy >= 100%" in err


def test_mistakes_before_the_first_step(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = {
        "NS423": "input 4\ndense(3, softmax)\n",
        "NS432": "input 4\ndense(5, softmax)\ndata { source = iris }\n",
        "NS430": "input 5\ndense(3, softmax)\ndata { source = iris }\n",
        "NS201": "input 4\ndense(3, softmax)\ndata { source = irsi }\n",
    }
    for code, text in cases.items():
        (folder / "case.net").write_text(text)
        assert run(["train", "case.net"]) == 1
        assert code in capsys.readouterr().err
    assert not (folder / "runs").exists()


def test_runs_that_are_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["eval", "runs/x-1"], ["predict", "runs/x-1", "1,2"], ["train", "--resume", "runs/x-1"]):
        assert run(arguments) == 1
    assert capsys.readouterr().err.count("error[NS473]") == 3
    assert run(["train"]) == 1


@pytest.mark.parametrize(("device", "status"), [("cpu", 0), ("tpu", 1)])
def test_device(folder: Path, device: str, status: int) -> None:
    """In a process of its own: JAX chooses its devices once."""
    arguments = [sys.executable, "-m", "netspec", "train", "iris.net", "-D", "train.epochs=20", "--device", device]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert ("no tpu found" in done.stderr) == (device == "tpu")


def test_predicting_for_inputs_of_another_scale_warns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "digits.net").write_text(
        "input 8x8x1\ndense(10, softmax)\ndata { source = digits }\ntrain { epochs = 1 }\n"
    )
    assert run(["train", "digits.net"]) == 0
    row = ",".join(["16"] * 64)
    assert run(["predict", "runs/digits-1", row]) == 0
    err = capsys.readouterr().err
    assert "warning[NS481]" in err and "trained on 0 to 1" in err
