"""Blocks that are computed again for the gradient: less memory, the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import netspec
from netspec.language.diagnostics import CompileError
from netspec.spec.experiment import prepare
from netspec.training.feed.device_data import Data
from netspec.training.step.engine import Engine
from netspec.training.step.remat import check_remat
from tests.training.nets import same

SPEC = """
input 16x16x3
def unit = conv(16, 3x3, relu) -> conv(16, 3x3, relu) -> conv(16, 3x3, relu)
def closing(scale) = batchnorm -> dropout(0.2) -> conv(scale, 1x1, tanh)
unit * 4 -> closing(8) -> gap -> dense(3, softmax)
train {
    batch     = 8
    epochs    = 1
    remat     = false
    optimizer = sgd(0.1)
}
"""
X = np.random.default_rng(0).normal(size=(20, 16, 16, 3)).astype(np.float32)
Y = np.arange(20) % 3


def spec(remat: str) -> str:
    return SPEC.replace("remat     = false", f"remat = {remat}")


def engine_for(remat: str) -> tuple[Engine, Data, Any]:
    job = prepare(netspec.compile(spec(remat)).compilation, (X, Y))
    engine = Engine(job)
    return engine, engine.put_split(job.train), engine.order(0, job.examples)


def temporary_bytes(remat: str) -> int:
    engine, data, order = engine_for(remat)
    compiled = engine.step_program(8).lower(engine.start(), data.arrays, order).compile()
    return int(compiled.memory_analysis().temp_size_in_bytes)


def test_memory() -> None:
    """Four blocks of three convolutions: one result of each block is kept, and those inside of one block at a time."""
    none, some, all_ = (temporary_bytes(w) for w in ("false", '["unit", "unit_2"]', "true"))
    assert all_ < 0.5 * none and all_ < some < 0.9 * none


@pytest.mark.parametrize("remat", ["true", '"closing"', '["unit", "closing"]'])
def test_the_same_numbers(remat: str) -> None:
    """Weights after one step, running means and random numbers too: they are drawn once. What is left of rounding then
    turns some of the many relus of the second step, which is therefore compared less closely."""
    found, first = [], []
    for word in ("false", remat):
        engine, data, order = engine_for(word)
        state = engine.start()
        state, _ = engine.step_program(8)(state, data.arrays, order)
        first.append(plain(state))
        state, _ = engine.step_program(8)(state, data.arrays, order)
        found.append(state)
    assert same(*(jax.random.key_data(s["random"]["closing"]["dropout"]["rngs"]["key"]) for s in found))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), *first)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), *map(plain, found))


def plain(state: dict[str, Any]) -> dict[str, Any]:
    """What of a state is numbers, not keys, copied: the next step writes into its memory."""
    return {name: jax.tree.map(np.array, part) for name, part in state.items() if name != "random"}


def test_shared_weights_and_precision(tmp_path: Path) -> None:
    """A block that stands twice with the same weights, in bfloat16: it trains to what it does without."""
    text = """
input 8
share twin = dense(8, tanh) -> batchnorm -> dense(8, tanh)
twin -> twin -> dense(3, softmax)
train {
    epochs    = 2
    batch     = 16
    precision = mixed
    remat     = false
}
"""
    x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    results = [
        netspec.train(text.replace("remat     = false", f"remat = {word}"), (x, np.arange(64) % 3), runs=tmp_path)
        for word in ("false", "true")
    ]
    plain, again = ([h["loss"] for h in result.history] for result in results)
    assert again == pytest.approx(plain, rel=1e-3)


LAYERS = {"unit/conv": 10, "unit/inner/conv": 10, "unit/relu": 0, "dense": 10}


def test_what_is_wrong() -> None:
    assert check_remat(False, {"dense": 1}) == [] == check_remat(("unit", "unit/inner"), LAYERS)
    assert [d.code for d in check_remat(True, {"dense": 1})] == ["NS500"]
    (problem,) = check_remat(("unti",), LAYERS)
    assert problem.code == "NS501" and "`unit`" in problem.hint_text


@pytest.mark.parametrize(("remat", "code"), [('["unti"]', "NS501"), ('["dense"]', "NS501")])
def test_it_is_told_with_its_place(remat: str, code: str) -> None:
    with pytest.raises(CompileError) as caught:
        netspec.compile(spec(remat))
    (problem,) = caught.value.diagnostics
    assert problem.code == code and problem.span is not None


def test_a_net_without_blocks() -> None:
    (problem,) = netspec.check("input 8\ndense(3, softmax)\ntrain { remat = true }")
    assert problem.code == "NS500" and problem.span is not None
