"""A model answers with the weights that its module has now, however they came there."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.compiler.backend.live_state import LiveState

SPEC = """
def unit(n) = dense(n, relu) -> dropout(0.5)
input 4
share d = dense(4)
input -> unit(4) -> d -> unit(4) -> d -> dense(2)
"""


@pytest.fixture
def model() -> netspec.Model:
    return netspec.compile(SPEC)


def expected(model: netspec.Model, x: object) -> np.ndarray:
    model.module.eval()
    return np.asarray(model.module(jnp.asarray(x)))


def test_it_is_the_state_of_flax(model: netspec.Model) -> None:
    live = LiveState(model.module)
    for _ in range(2):
        arrays, tree = live.read()
        state = nnx.state(model.module)
        assert tree == jax.tree.structure(state)
        assert all(a is b for a, b in zip(arrays, jax.tree.leaves(state), strict=True))


def test_changes_are_seen(model: netspec.Model) -> None:
    x = np.linspace(-1, 1, 12).reshape(3, 4).astype(np.float32)
    answers = [np.asarray(model(x))]

    def answered() -> None:
        answers.append(np.asarray(model(x)))
        np.testing.assert_allclose(answers[-1], expected(model, x), rtol=1e-5, atol=1e-6)
        assert not np.allclose(answers[-1], answers[-2])

    last = next(part for path, part in nnx.iter_graph(model.module) if path == ("dense",))
    last.kernel[...] = last.kernel[...] * 2  # written into
    answered()
    last.kernel = nnx.Param(last.kernel[...] * 2)  # another variable
    answered()
    model.module.dense = nnx.Linear(4, 2, rngs=nnx.Rngs(7))  # another layer
    answered()
    nnx.update(model.module, jax.tree.map(lambda a: a * 0.5 if a.dtype == jnp.float32 else a, nnx.state(model.module)))
    answered()
