"""`netspec export -o model.stablehlo`: a program that JAX reads without netspec."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax import export
from sklearn.datasets import load_digits

import netspec
from tests.interchange.conftest import randomize

pytest.importorskip("flatbuffers")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_as_a_program(digits_run: Path, here: Path) -> None:
    done = netspec.export(digits_run, "digits.stablehlo")
    assert done.verification is not None and done.verification.examples == 32
    content = (here / "digits.stablehlo").read_bytes()
    assert str(ROOT).encode() not in content and b"site-packages" not in content
    netspec.export(digits_run, "again.stablehlo")
    assert content == (here / "again.stablehlo").read_bytes()
    program = export.deserialize(bytearray(content))
    assert program.platforms == ("cpu", "cuda", "tpu")
    x = load_digits().images[:50, :, :, None].astype(np.float32) / 16
    assert np.abs(program.call(x) - netspec.predict(digits_run, x).probabilities).max() < 1e-5


def test_the_example_of_the_page(digits_run: Path, here: Path) -> None:
    """In a process of its own, in which neither netspec nor Flax is imported."""
    netspec.export(digits_run, "digits.stablehlo")
    text = (ROOT / "docs/export.md").read_text(encoding="utf-8")
    blocks = [part.partition("```")[0] for part in text.split("```python\n")[1:]]
    (block,) = [block for block in blocks if "deserialize" in block]
    checked = f"{block}\nimport sys\nassert not {{'netspec', 'flax'}} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", checked], capture_output=True, text=True, cwd=here)
    assert done.returncode == 0 and done.stdout.strip() == "(5, 10)", done.stderr


def test_numbers_that_float32_does_not_hold(table_run: Path, here: Path) -> None:
    netspec.export(table_run, "table.stablehlo")
    program = export.deserialize(bytearray((here / "table.stablehlo").read_bytes()))
    (aval,) = program.in_avals
    x = np.array([[1.5, 0, 1], [np.nan, 1, 0]], aval.dtype)
    columns = netspec.load(table_run).preprocessing.columns["x"]  # type: ignore[union-attr]
    x = x[:, [["size", "color = blue", "color = red"].index(name) for name in columns]]
    with jax.enable_x64(aval.dtype == np.float64):
        found = np.asarray(program.call(x))
    rows = [{"size": 1.5, "color": "red"}, {"size": None, "color": "blue"}]
    expected = np.array([netspec.predict(table_run, row).values[0] for row in rows]).reshape(-1, 1)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_padding_and_sizes_that_are_not_known(here: Path) -> None:
    masked = "input 7 tokens(5, pad = 0)\nembedding(4) -> bidirectional(lstm(3)) -> attention(2) -> mean_pool"
    netspec.export(randomize(netspec.compile(masked)), "a.stablehlo")
    model = randomize(netspec.compile("input (H, W, 3)\nconv(4, 3x3) -> batchnorm -> maxpool(2) -> gap"))
    done = netspec.export(model, "b.stablehlo")
    assert done.inputs == {"x": "N x H x W x 3 float32"}
    program = export.deserialize(bytearray((here / "b.stablehlo").read_bytes()))
    x = np.random.default_rng(0).normal(size=(2, 13, 18, 3)).astype(np.float32)
    assert np.allclose(program.call(x), model(x), atol=1e-5)


def test_without_its_package(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flatbuffers", None)
    with pytest.raises(netspec.CompileError, match=r"NS546.*`flatbuffers`\n.*netspec-compiler\[stablehlo\]"):
        netspec.export(netspec.compile("input 2\ndense(1)"), "a.stablehlo")
    assert list(here.iterdir()) == []


def test_what_jax_cannot_decide_about_sizes(here: Path) -> None:
    """The padding of a convolution with a stride depends on the size of its input."""
    with pytest.raises(netspec.CompileError, match=r"NS544.*sizes that are not known here: Symbolic dimension"):
        netspec.export(netspec.compile("input (H, W, 3)\nconv(4, 3x3, stride = 2) -> gap"), "a.stablehlo")
    assert list(here.iterdir()) == []
