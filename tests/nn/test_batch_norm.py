"""Batch normalization with a custom gradient: that of Flax, also where the mean is far from zero."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec import nn


def computed(x: Any, weights: Any, lowering: str) -> dict[str, Any]:
    layer = nn.BatchNorm(x.shape[-1], use_running_average=False, use_fast_variance=False, rngs=nnx.Rngs(0))
    layer.scale[...] = jnp.linspace(0.5, 2.0, x.shape[-1])
    layer.bias[...] = jnp.linspace(-1.0, 1.0, x.shape[-1])

    def total(scale: Any, bias: Any, x: Any) -> Any:
        graph, _params, rest = nnx.split(layer, nnx.Param, ...)
        twin = nnx.merge(graph, {"scale": scale, "bias": bias}, rest, copy=True)
        value = twin(x)
        return (value * weights).sum(), (value, twin.mean[...], twin.var[...])

    with nn.using(lowering):
        run = jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2), has_aux=True))
        (_, (value, mean, variance)), gradients = run(layer.scale[...], layer.bias[...], x)
    names = ("value", "running mean", "running variance", "to scale", "to bias", "to input")
    return dict(zip(names, (value, mean, variance, *gradients), strict=True))


@pytest.mark.parametrize("shape", [(12, 5), (7, 6, 4), (6, 5, 4, 3), (1, 4, 4, 2), (17, 3)])
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_values_and_gradients(shape: tuple[int, ...], offset: float) -> None:
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=shape) + offset, jnp.float32)
    weights = jnp.asarray(rng.normal(size=shape), jnp.float32)
    found, expected = (computed(x, weights, lowering) for lowering in nn.LOWERINGS)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-5, atol=1e-5, err_msg=name)


def test_far_from_zero() -> None:
    """A column of years: the mean is a thousand times the deviation; in f64 by hand."""
    x = np.random.default_rng(0).normal(size=(64, 3)) * 2 + 2000
    found = computed(jnp.asarray(x, jnp.float32), jnp.ones((64, 3)), "fast")
    exact = np.asarray(jnp.asarray(x, jnp.float32), np.float64)
    wanted = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5) * np.linspace(0.5, 2, 3) + np.linspace(-1, 1, 3)
    np.testing.assert_allclose(found["value"], wanted, atol=2e-3)
