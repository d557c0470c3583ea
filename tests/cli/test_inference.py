"""The inference form on the command line: its source, its weights, and that prediction uses it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.cli.main import run
from netspec.compiler.backend.load import load_source, network_class
from netspec.storage.weights import load_weights, put_weights

SPEC = """
input 4
dense(16, bias = false) -> batchnorm -> relu -> dropout(0.1) -> dense(classes, softmax)
data {
    source = iris
    normalize = standard
}
train { epochs = 3 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris.net").write_text(SPEC)
    return tmp_path


def test_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", "iris.net", "--inference"]) == 0
    source = capsys.readouterr().out
    assert source.startswith('"""iris: 4 -> 3, for inference. Written by netspec."""')
    assert "nn.Linear(4, 16, rngs=rngs)" in source
    assert "BatchNorm" not in source and "Dropout" not in source
    assert run(["compile", "iris.net"]) == 0
    assert "BatchNorm" in capsys.readouterr().out
    assert run(["compile", "iris.net", "--inference", "--standalone", "-o", "model.py"]) == 0
    assert "from flax import nnx as nn" in (folder / "model.py").read_text()


def test_stage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "iris.net", "--stage", "inference"]) == 0
    assert capsys.readouterr().out.splitlines()[2:4] == [
        "  %dense = dense(16) <- %x : 16  # with batchnorm",
        "  %relu = relu <- %dense : 16",
    ]
    (folder / "deep.net").write_text("input 8\ndense(8, relu) * 3 -> dense(2)\n")
    for stage in ("optimized", "inference"):
        assert run(["show", "deep.net", "--stage", stage]) == 0
        assert "  # 3 alike in a row: %dense … %dense_3 : 8" in capsys.readouterr().out


def test_weights_of_a_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "iris.net"]) == 0
    capsys.readouterr()
    assert run(["compile", "iris.net", "--inference", "--run", "runs/iris-1", "-o", "model.py"]) == 0
    assert capsys.readouterr().out == "wrote model.py and model.safetensors\n"

    trained = netspec.load("runs/iris-1")
    rows = np.asarray([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]], np.float32)
    ready = trained.normalization["x"].apply(rows)
    trained.module.eval()
    expected = trained.module(ready)

    network = network_class(load_source((folder / "model.py").read_text(), "iris"))
    module = network(rngs=nnx.Rngs(0))
    put_weights(module, load_weights(folder / "model.safetensors"), "model.safetensors")
    np.testing.assert_allclose(module(ready), expected, rtol=1e-5)
    np.testing.assert_allclose(trained(rows), expected, rtol=1e-5)
    answers = netspec.predict(Path("runs/iris-1"), [",".join(map(str, row)) for row in rows.tolist()]).examples
    found = [list(answer["outputs"]["output"]["probabilities"].values()) for answer in answers]
    np.testing.assert_allclose(found, expected, rtol=1e-5)

    assert run(["compile", "iris.net", "--inference", "--run", "runs/iris-1", "-o", "m.py", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"] == "m.safetensors"


def test_weights_that_do_not_go_with_the_spec(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "iris.net", "-D", "train.epochs=1"]) == 0
    (folder / "iris.net").write_text(SPEC.replace("16", "8"))
    capsys.readouterr()
    assert run(["compile", "iris.net", "--inference", "--run", "runs/iris-1", "-o", "model.py"]) == 1
    assert "NS474" in capsys.readouterr().err
    assert not (folder / "model.py").exists()
    for arguments in (["--run", "runs/iris-1", "-o", "model.py"], ["--inference", "--run", "runs/iris-1"]):
        assert run(["compile", "iris.net", *arguments]) == 1
        assert "--run requires --inference and -o" in capsys.readouterr().err
    assert run(["compile", "iris.net", "--inference", "--run", "runs/none-1", "-o", "model.py"]) == 1
    assert "NS473" in capsys.readouterr().err
