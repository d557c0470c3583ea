"""The specs that ship: each is formatted, has no mistakes, meets its static expectations, and learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.compiler.ir.cost import rows
from netspec.compiler.syntax.formatter import format_source
from netspec.language.diagnostics import render
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.spec.model import Model
from tests.project.zoo import ZOO

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.net"))
LIBRARY = sorted((ROOT / "netspec" / "std").glob("*.net"))


@pytest.mark.parametrize("path", [*SPECS, *LIBRARY], ids=lambda p: p.stem)
def test_is_formatted(path: Path) -> None:
    source = Source.read(path)
    assert format_source(source) == source.text


def zeros(model: Model) -> list[jax.Array]:
    """A batch of two for every input; unknown sizes are 8."""
    found = []
    for shape in model.inputs.values():
        sizes = (2, *(size if isinstance(size, int) else 8 for size in shape.sizes))
        found.append(jnp.zeros(sizes, jnp.int32 if shape.is_tokens else jnp.float32))
    return found


@pytest.mark.parametrize("path", [path for path in SPECS if path.stem not in ZOO], ids=lambda p: p.stem)
def test_has_no_mistakes_and_runs(path: Path) -> None:
    """Large ones run without numbers; test_zoo.py has the classic networks."""
    model = netspec.compile(path)
    assert [render(d) for d in model.compilation.problems] == []
    if model.cost.trainable > 1_000_000:
        found = nnx.eval_shape(lambda *inputs: model.module_class(rngs=nnx.Rngs(0))(*inputs), *zeros(model))
    else:
        found = model(*zeros(model))
        assert all(bool(jnp.isfinite(y).all()) for y in jax.tree.leaves(found))
    named = found if isinstance(found, dict) else {"output": found}
    assert {name: y.ndim - 1 for name, y in named.items()} == {n: s.rank for n, s in model.outputs.items()}


def test_digit_recognizer_table() -> None:
    """The table of the course: weights of the first three layers with any, and the shapes on the way."""
    spec = Compilation(Source.read(ROOT / "specs" / "digit_recognizer.net"))
    assert spec.graph is not None
    layers = list(rows(spec.graph))
    assert [row.parameters for row in layers if row.parameters][:3] == [208, 1168, 200_960]
    shapes = [str(row.shape) for row in layers if row.word in ("conv", "maxpool", "flatten")]
    assert shapes == ["28x28x8", "14x14x8", "14x14x16", "7x7x16", "784"]


def test_edge_filter() -> None:
    """By hand: the filter answers to a vertical edge, and its pool looks at 2x2 windows one step at a time."""
    model = netspec.compile(ROOT / "specs" / "edge_filter.net")
    assert model.cost.trainable == 0 and model.cost.frozen == 9
    image = np.zeros((1, 5, 6, 1), np.float32)
    image[:, :, 3:] = 1
    edges = np.array([[0, 3, 3, 0]] * 3, np.float32)  # the edge stands under the second and the third window
    expected = np.maximum.reduce([edges[:-1, :-1], edges[1:, :-1], edges[:-1, 1:], edges[1:, 1:]])
    np.testing.assert_array_equal(np.asarray(model(jnp.asarray(image)))[0, :, :, 0], expected)


def test_pool_of_the_edge_filter_on_the_map_of_the_course() -> None:
    pool = netspec.compile("input 3x4x1\nmaxpool(2, stride = 1)")
    given = jnp.array([[3, 7, 3, -1], [12, 17, 4, -1], [15, 21, 4, -1]], jnp.float32)
    assert pool(given[None, :, :, None])[0, :, :, 0].tolist() == [[17, 17, 4], [21, 21, 4]]


def test_convolution_of_the_course() -> None:
    conv = netspec.compile(
        "input 5x5x1\nconv(1, 3x3, weights = [[1, 1, 0], [0, 0, 0], [0, 0, 2]], bias = false, pad = valid)"
    )
    image = jnp.array(
        [[1, 2, 0, 1, 3], [2, 0, 1, 4, 0], [7, 0, 9, 5, 5], [8, 5, 2, 6, 0], [8, 0, 0, 1, 4]], jnp.float32
    )
    found = conv(image[None, :, :, None])[0, :, :, 0]
    assert found[0].tolist() == [21, 12, 11]
    assert found[-1, -1] == 22


@pytest.mark.parametrize("seed", range(3))
def test_digits_learns(seed: int, tmp_path: Path) -> None:
    result = netspec.train(ROOT / "specs" / "digits.net", seed=seed, runs=tmp_path)
    assert result.metrics["test_accuracy"] >= 0.98
    assert result.problems == ()


@pytest.mark.parametrize("name", ["logistic", "slashes", "xor"])
def test_small_specs_learn(name: str, tmp_path: Path) -> None:
    result = netspec.train(ROOT / "specs" / f"{name}.net", runs=tmp_path)
    assert result.problems == (), [render(p) for p in result.problems]


@pytest.mark.mnist
@pytest.mark.parametrize("name", ["softmax_regression", "mlp", "sdsc_cnn", "sdsc_cnn_9x9"])
def test_mnist_specs_learn(name: str, tmp_path: Path) -> None:
    """A short form: 6,000 of the real images, two epochs, all 10,000 test images."""
    settings: dict[str, Any] = {"data.limit": 6000, "epochs": 2, "batch": 64}
    result = netspec.train(ROOT / "specs" / f"{name}.net", runs=tmp_path, **settings)
    assert len(result.history) == 2
    assert result.metrics["test_accuracy"] >= 0.85
