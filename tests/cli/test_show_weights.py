"""`netspec show RUN --weights`: a table of all weights, and small ones as numbers that can be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.cli.render.weights import weights_text
from netspec.storage.weights import load_weights

SPEC = """
input 3x3x1
conv(2, 3x3, pad = valid) -> batchnorm -> flatten -> dense(4, softmax)
data { source = four_shapes }
train { epochs = 1 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    (folder / "signs.net").write_text(SPEC)
    netspec.train(folder / "signs.net", runs=folder / "runs")
    return folder


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def test_a_row_for_each_in_the_order_of_the_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "runs/signs-1", "--weights"]) == 0
    table = capsys.readouterr().out.split("\n\n")[0].splitlines()[2:]
    names = [line.split("  ")[0] for line in table]
    assert names[0] == "conv/kernel" and names[-2:] == ["batchnorm/mean (not trained)", "batchnorm/var (not trained)"]
    assert names.index("dense/kernel") + 1 == names.index("dense/bias") > names.index("batchnorm/scale")
    kernel = load_weights(Path("runs/signs-1"))["conv/kernel"]
    figures = [float(cell) for cell in table[0].split()[2:]]
    assert figures == pytest.approx([kernel.min(), kernel.mean(), kernel.max(), kernel.std()], rel=6e-3)


def test_filters_are_pictures() -> None:
    kernel = np.arange(1.0, 19.0).reshape(3, 3, 1, 2)
    shown = weights_text({"conv/kernel": kernel}).splitlines()
    assert shown[-4:] == [
        "  filter 1         filter 2",
        "   1.0  3.0  5.0    2.0  4.0  6.0",
        "   7.0  9.0 11.0    8.0 10.0 12.0",
        "  13.0 15.0 17.0   14.0 16.0 18.0",
    ]


def test_large_ones_and_numbers_that_are_none() -> None:
    shown = weights_text({"dense/kernel": np.zeros((100, 100)), "dense/bias": np.array([np.nan, 1.0])})
    assert len(shown.splitlines()) == 7 and shown.endswith("nan   1")


def test_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "runs/signs-1", "--weights", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)["weights"]
    kernel = load_weights(Path("runs/signs-1"))["conv/kernel"]
    assert records[0]["shape"] == [3, 3, 1, 2] and records[0]["values"] == kernel.tolist()
    assert {r["weight"] for r in records if not r["trained"]} == {"batchnorm/mean", "batchnorm/var"}


def test_of_a_run_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "signs.net", "--weights"]) == 1
    assert "--weights needs a run folder, such as runs/signs-1, not a spec" in capsys.readouterr().err
    assert run(["show", "runs/signs-1", "-D", "train.epochs=3"]) == 1
    assert "is shown as it was trained" in capsys.readouterr().err
    assert run(["show", "runs/signs-1"]) == 0
    assert "conv(2, 3x3" in capsys.readouterr().out
