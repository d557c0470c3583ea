"""An LSTM with a custom gradient: that of the reference, with masks, dropped numbers, and backwards."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec import nn
from netspec.nn.lowering.choice import noting
from netspec.nn.lowering.recurrent_cpu import lstm_steps
from netspec.nn.recurrent import scan_steps

STEPS, BATCH, UNITS = 7, 3, 5


def numbers(*shape: int, seed: int = 0) -> Any:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize("is_dropped", [False, True])
def test_values_and_gradients(reverse: bool, is_masked: bool, is_dropped: bool) -> None:
    z, kernel = numbers(STEPS, BATCH, 4 * UNITS), numbers(UNITS, 4 * UNITS, seed=1)
    real = jnp.asarray(np.arange(STEPS)[:, None] < [STEPS, 4, 1]) if is_masked else None
    kept = jnp.asarray([[2.0, 0, 2, 2, 0]] * BATCH) if is_dropped else None
    weights = [numbers(BATCH, UNITS, seed=2), numbers(BATCH, UNITS, seed=3), numbers(STEPS, BATCH, UNITS, seed=4)]
    layer = nn.LSTM(2, UNITS, reverse=reverse, rngs=nnx.Rngs(0))
    zeros = jnp.zeros((BATCH, UNITS))

    def total(run: Any) -> Any:
        def of(z: Any, kernel: Any) -> Any:
            (h, c), outputs = run(z, kernel)
            return sum((w * y).sum() for w, y in zip(weights, (h, c, outputs), strict=True)), outputs

        return jax.jit(jax.value_and_grad(of, argnums=(0, 1), has_aux=True))(z, kernel)

    found = total(lambda z, kernel: lstm_steps(z, kernel, kept, real, reverse))
    wanted = total(lambda z, kernel: scan_steps(layer, (zeros, zeros), z, kernel, 0, kept, real))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_who_takes_part() -> None:
    x = numbers(2, 6, 4)

    def families(layer: Any, lowering: str = "fast") -> set[str]:
        with noting() as found, nn.using(lowering):
            layer(x)
        return {choice.family for choice in found}

    assert families(nn.LSTM(4, 3, rngs=nnx.Rngs(0))) == {"recurrent"}
    assert families(nn.LSTM(4, 3, rngs=nnx.Rngs(0)), "reference") == set()
    assert families(nn.LSTM(4, 3, activation=nn.relu, rngs=nnx.Rngs(0))) == set()
    assert families(nn.LSTM(4, 3, recurrent_activation=nn.hard_sigmoid, rngs=nnx.Rngs(0))) == set()
    assert families(nn.GRU(4, 3, dropout=0.5, recurrent_dropout=0.5, rngs=nnx.Rngs(0))) == {"dropout"}
