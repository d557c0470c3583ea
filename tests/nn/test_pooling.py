"""Lowered pools against XLA's own: the same values and gradients to the last bit, ties and NaN included."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec import nn

GRID = [
    ((9, 7), (2, 2), (2, 2), "VALID"),
    ((9, 7), (2, 2), (2, 2), "SAME"),
    ((9, 7), (3, 3), (2, 2), [(1, 1), (1, 1)]),
    ((9, 7), (3, 3), (1, 1), "SAME"),
    ((8, 8), (2, 3), (3, 2), [(0, 1), (1, 2)]),
    ((11,), (3,), (2,), "VALID"),
    ((5, 6, 7), (2, 2, 2), (2, 2, 2), "SAME"),
]


def pooled(function: Any, x: Any, weights: Any, call: tuple[Any, ...]) -> tuple[Any, Any]:
    window, strides, padding = call
    value = function(x, window, strides=strides, padding=padding)
    return value, jax.grad(lambda x: jnp.sum(function(x, window, strides=strides, padding=padding) * weights))(x)


@pytest.mark.parametrize(("places", "window", "strides", "padding"), GRID)
@pytest.mark.parametrize("kind", ["relu", "whole numbers"])
def test_max_pool(places: tuple[int, ...], window: Any, strides: Any, padding: Any, kind: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, *places, 5))
    x = jnp.asarray(np.maximum(x, 0) if kind == "relu" else np.round(x), jnp.float32)  # full of ties
    call = (window, strides, padding)
    weights = jnp.asarray(rng.normal(size=nnx.max_pool(x, window, strides=strides, padding=padding).shape), jnp.float32)
    expected, expected_gradient = pooled(nnx.max_pool, x, weights, call)
    found, gradient = pooled(nn.max_pool, x, weights, call)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-6, atol=1e-6)


def test_what_is_no_number_stays() -> None:
    x = jnp.arange(16.0).reshape(1, 4, 4, 1).at[0, 1, 1, 0].set(jnp.nan).at[0, 2, 2, 0].set(jnp.nan)
    found = np.asarray(nn.max_pool(x, (2, 2), strides=(2, 2)))[0, :, :, 0]
    np.testing.assert_array_equal(np.isnan(found), [[True, False], [False, True]])


def test_the_gradient_of_what_is_no_number() -> None:
    """Of a window with several it goes to the first of them."""
    x = jnp.arange(16.0).reshape(1, 4, 4, 1).at[0, 0, 1, 0].set(jnp.nan).at[0, 1, 0, 0].set(jnp.nan)
    gradient = jax.grad(lambda x: nn.max_pool(x, (2, 2), strides=(2, 2)).sum())(x)[0, :, :, 0]
    np.testing.assert_array_equal(gradient, [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 1]])
