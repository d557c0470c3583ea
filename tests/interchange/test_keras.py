"""`netspec export -o model.keras`: a file that Keras loads; it is written without Keras."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import netspec
from netspec.interchange.formats import FORMATS
from netspec.interchange.keras import draft
from netspec.language.lazy import lazy
from tests.interchange.conftest import check, randomize, several

os.environ.setdefault("KERAS_BACKEND", "jax")
keras: Any = pytest.importorskip("keras")
pytest.importorskip("h5py")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


CARRIED = {
    "6x5x4": """
        conv(5, 3x2, relu, stride = 2) -> batchnorm(scale = false)
        conv(6, 3x3, pad = 1, groups = 2, bias = false) -> gap
        depthwise(3x3, multiplier = 2, pad = valid)
        upconv(5, 3x3) -> maxpool(3, stride = 2, pad = same)
        avgpool(3, stride = 2, pad = same) -> groupnorm(2) -> instancenorm -> layernorm -> rmsnorm
        (identity | conv(4, 1x1, prelu) | gap) -> add
        (scale(2, 1) | conv(4, 3x3, elu(0.5))) -> concat(along = height)
        crop(margin = [[0, 1], [2, 0]]) -> pad([[1, 0], [0, 2]]) -> upsample(2, bilinear)
        permute([3, 1, 2]) -> reshape(20x6) -> flatten -> dense(2, gelu)
    """,
    "5x4": """
        conv(5, 3, mish) -> rnn(3, relu)
        lstm(3, return = last, reverse = true)
        gru(3, hardsigmoid, recurrent_activation = softsign)
        gru(3, reset_after = false, bias = false)
        bidirectional(lstm(3), merge = average)
    """,
}


@pytest.mark.parametrize("shape", CARRIED)
def test_layers(shape: str) -> None:
    check(netspec.compile(several(shape, CARRIED[shape])), "keras")


def test_a_run_as_a_model(digits_run: Path, table_run: Path, here: Path) -> None:
    done = netspec.export(digits_run, "digits.keras")
    assert done.verification is not None and done.verification.examples == 32
    x = load_digits().images[:20, :, :, None].astype(np.float32) / 16
    model = keras.saving.load_model("digits.keras")
    assert np.abs(model.predict(x, verbose=0) - netspec.predict(digits_run, x).probabilities).max() < 1e-5
    assert model.get_layer("conv").kernel.shape == (3, 3, 1, 4)
    with zipfile.ZipFile("digits.keras") as file:
        assert json.loads(json.loads(file.read("netspec.json"))["class_names:output"]) == [str(i) for i in range(10)]
    netspec.export(digits_run, "again.keras")
    assert (here / "again.keras").read_bytes() == (here / "digits.keras").read_bytes()
    with pytest.raises(netspec.CompileError, match=r"NS544.*the values for missing numbers of `x`"):
        netspec.export(table_run, "table.keras")


def test_shared_layers_and_several_inputs_and_outputs(here: Path) -> None:
    text = """
share tower = conv(3, 3x3, relu) -> dense(4)
input a: 6x6x1
input b: 6x6x1
both = ((a -> tower) | (b -> tower)) -> concat
output kind = both -> dense(3, softmax)
output size = both -> dense(1)
"""
    net = randomize(netspec.compile(text))
    netspec.export(net, "a.keras")
    model = keras.saving.load_model("a.keras")
    assert [layer.name for layer in model.layers if hasattr(layer, "kernel")] == [
        "tower_conv",
        "tower_dense",
        "dense",
        "dense_2",
    ]
    x = [np.random.default_rng(i).normal(size=(2, 6, 6, 1)).astype(np.float32) for i in range(2)]
    kind, size = (np.asarray(y) for y in model(x))
    assert np.allclose(kind, net(*x)["kind"], atol=1e-5) and np.allclose(size, net(*x)["size"], atol=1e-5)


@pytest.mark.parametrize("layer", ["attention(2)", "lrn", "maxpool(3, stride = 2, ceil = true)", "lstm(2, gelu)"])
def test_what_keras_lacks(layer: str) -> None:
    with pytest.raises(netspec.CompileError) as error:
        FORMATS["keras"].draft(netspec.compile(f"input 8x4\ndense(4) -> {layer}"), "a.keras", {})
    assert [(d.code, d.span.text if d.span else "") for d in error.value.diagnostics] == [("NS544", layer)]


def test_without_its_packages(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("keras", "h5py"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setattr(draft, name, lazy(name))
        if name == "keras":
            done = netspec.export(netspec.compile("input 2\ndense(1)"), "a.keras")
            assert done.verification is None and "netspec-compiler[keras]" in str(done)
    with pytest.raises(netspec.CompileError, match=r"NS546.*`h5py`"):
        netspec.export(netspec.compile("input 2\ndense(1)"), "b.keras")
