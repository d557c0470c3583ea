"""What tests of exports share: a run that is trained once, networks with random weights, and compiled programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.interchange.formats import FORMATS
from netspec.interchange.verify import verify
from netspec.runs.model import Model
from tests.compiled_programs import compiled_programs as compiled_programs

DIGITS = """
input 8x8x1
conv(4, 3x3) -> batchnorm -> relu -> maxpool(2) -> dropout(0.2) -> dense(10, softmax)
data { source = digits
    normalize = standard }
train { epochs = 1 }
"""

TABLE = "input 3\ndense(4, tanh) -> dense(1)\ntrain { epochs = 2 }"


@pytest.fixture(scope="package", autouse=True)
def quick_compiler() -> Iterator[None]:
    """Networks run once or twice here: optimizing them takes longer."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()  # or tests after these compute with such programs, which round in other places


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of normalized images."""
    return netspec.train(DIGITS, runs=tmp_path_factory.mktemp("digits"), verbose=0).run


@pytest.fixture(scope="session")
def table_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A regression: a missing number and a category, inputs and targets of other scales."""
    folder = tmp_path_factory.mktemp("table")
    sizes = np.random.default_rng(0).normal(3, 2, 80)
    rows = [f"{a:.2f},{['red', 'blue'][i % 2]},{500 * a + 900 * (i % 2):.1f}" for i, a in enumerate(sizes)]
    rows[5] = ",red,1000"
    (folder / "t.csv").write_text("\n".join(["size,color,price", *rows]))
    source = 'csv("t.csv", target = "price", missing = median, categories = auto)'
    data = f"data {{ source = {source}\n normalize = standard }}"
    (folder / "table.net").write_text(f"{TABLE}\n{data}")
    return netspec.train(folder / "table.net", runs=folder / "runs", verbose=0).run


def randomize(model: Model, seed: int = 0) -> Model:
    """Give weights that are not random yet other values: biases of 0 and scales of 1 would hide mistakes."""
    rng = np.random.default_rng(seed)
    state = nnx.state(model.module, nnx.Not(nnx.RngState))
    for path, leaf in nnx.to_flat_state(state):
        value = np.asarray(leaf.get_value())
        if path[-1] == "bias" or not np.ptp(value):
            noise = 0.3 * rng.normal(size=value.shape).astype(np.float32)
            leaf.set_value(np.abs(1 + noise) if path[-1] in ("var", "scale") else value + noise)
    nnx.update(model.module, state)
    return model


def several(shape: str, chains: str) -> str:
    """A network with one output for each chain, all from one input."""
    lines = [line.strip() for line in chains.strip().splitlines()]
    first = "x -> embedding(4)" if "tokens" in shape else "x -> identity"
    return "\n".join([f"input x: {shape}", f"h = {first}", *(f"output y{i} = h -> {c}" for i, c in enumerate(lines))])


def check(model: Model, *formats: str) -> None:
    """Whether the files of a model with random weights compute what the model does, in these formats or in those that
    netspec writes itself; otherwise the error names the output."""
    randomize(model)
    for name in formats or ("onnx", "torch"):
        verify(model, FORMATS[name].draft(model, "model", {}).runner())
