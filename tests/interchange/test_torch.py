"""`netspec export -o model.py`: PyTorch source that stands by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from sklearn.datasets import load_digits

import netspec
from netspec.cli.main import run
from tests.interchange.conftest import randomize

torch: Any = pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]


def loaded(path: Path) -> Any:
    """The module of an exported file."""
    names: dict[str, Any] = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    return names["load"](str(path.with_suffix(".safetensors")))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_as_a_module(digits_run: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(digits_run), "-o", "digits.py"]) == 0
    assert "verified with torch on 32 examples and 4 random inputs" in capsys.readouterr().out
    assert sorted(path.name for path in here.iterdir()) == ["digits.py", "digits.safetensors"]
    x = load_digits().images[:50, :, :, None].astype(np.float32) / 16
    with torch.no_grad():
        found = loaded(here / "digits.py")(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    assert np.abs(found.numpy() - netspec.predict(digits_run, x).probabilities).max() < 1e-5
    with safe_open(here / "digits.safetensors", "pt") as file:
        assert json.loads(file.metadata()["class_names:output"]) == [str(i) for i in range(10)]
        assert tuple(file.get_tensor("network.conv.weight").shape) == (4, 1, 3, 3)
        assert {"network.batchnorm.running_var", "network.dense.bias", "x_mean", "x_std"} <= set(file.keys())


def test_the_example_of_the_page(digits_run: Path, here: Path) -> None:
    """In a process of its own, in which netspec is not imported."""
    netspec.export(digits_run, "digits.py")
    text = (ROOT / "docs/export.md").read_text(encoding="utf-8")
    (block,) = [part.partition("```")[0] for part in text.split("```python\n")[1:] if "import CLASS_NAMES" in part]
    checked = f"{block}\nimport sys\nassert 'netspec' not in sys.modules and 'jax' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", checked], capture_output=True, text=True, cwd=here)
    assert done.returncode == 0 and done.stdout.strip() in [str(i) for i in range(10)], done.stderr


def test_blocks_are_classes_and_code_is_readable(here: Path) -> None:
    block = "def block(n) = conv(n, 3x3) -> batchnorm -> relu\n"
    model = randomize(netspec.compile(f"{block}input 8x8x3\nblock(4) -> maxpool(2) -> block(4) -> gap -> dense(2)"))
    netspec.export(model, "a.py")
    text = (here / "a.py").read_text()
    assert "class Block(nn.Module):" in text and "class Block2(nn.Module):" in text and "class Model(" not in text
    assert "self.conv = nn.Conv2d(3, 4, 3, padding=1)" in text and "x = F.max_pool2d(x, 2)  # 4x4x4" in text


def test_layers_that_blocks_share(here: Path) -> None:
    """Through two levels of blocks, one of which only hands it on."""
    text = """
input 6 tokens(9)
share table = embedding(4)
share mix = dense(4, tanh)
def inner = mix -> layernorm
def outer = inner -> mix
x = table -> outer -> outer
output scores = x -> unembed(table)
output states = x
"""
    model = randomize(netspec.compile(text.replace("x = table", "x = input -> table")))
    netspec.export(model, "a.py")
    module = loaded(here / "a.py")
    assert module.outer.inner.mix is module.outer.mix is module.mix
    ids = np.random.default_rng(0).integers(0, 9, (3, 6))
    with torch.no_grad():
        found = module(torch.from_numpy(ids))
    assert all(np.allclose(found[name].numpy(), y, atol=1e-5) for name, y in model(ids.astype("int32")).items())


def test_names_that_pytorch_has(here: Path) -> None:
    text = """
input forward: 3
train = forward -> dense(4, relu, name = "half")
float = train -> dense(4, name = "torch") -> dense(2, name = "type")
float -> dense(2, name = "parameters")
"""
    netspec.export(randomize(netspec.compile(text)), "a.py")


def test_a_name_of_a_file_is_never_code(here: Path) -> None:
    name = 'a"""); import os; ("'
    netspec.export(netspec.compile("input 2\ndense(1)"), f"{name}.py")
    assert loaded(here / f"{name}.py").dense.in_features == 2


def test_without_pytorch(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from netspec.interchange.torch import draft
    from netspec.language.lazy import lazy

    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(draft, "torch", lazy("torch"))
    done = netspec.export(netspec.compile("input 2\ndense(1)"), "a.py")
    assert done.verification is None and "not verified: torch is not installed (pip install torch)" in str(done)
