"""Attention with a custom gradient: that of the reference, and that of the formula written out."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec import nn
from netspec.nn.lowering.attention_cpu import weigh
from netspec.nn.lowering.choice import noting


def numbers(*shape: int, seed: int = 0) -> Any:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def computed(lowering: str, tensors: list[Any], weights: Any, **options: Any) -> tuple[Any, Any]:
    def total(tensors: list[Any]) -> Any:
        y = nn.attend(*tensors, **options)
        return (y * weights).sum(), y

    with nn.using(lowering):
        gradients, y = jax.jit(jax.grad(total, has_aux=True))(tensors)
    return y, gradients


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize("steps", [(6, 6), (5, 9)])
def test_values_and_gradients(kv_heads: int, causal: bool, is_masked: bool, steps: tuple[int, int]) -> None:
    t, s = steps
    tensors = [numbers(3, t, 4, 8), numbers(3, s, kv_heads, 8, seed=1), numbers(3, s, kv_heads, 8, seed=2)]
    weights = numbers(3, t, 4, 8, seed=3)
    real = jnp.arange(s)[None, :] < jnp.array([s, 2, 0])[:, None]  # all steps, two, none
    options = {"causal": causal, "mask": real if is_masked else None}
    found, wanted = (computed(lowering, tensors, weights, **options) for lowering in ("fast", "reference"))
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-5, atol=1e-5)
    for a, b in zip(found[1], wanted[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_gradient_with_dropped_weights() -> None:
    """Against the gradient that JAX takes of the formula, with the same factors."""
    query, key, value = numbers(2, 3, 5, 4), numbers(2, 3, 7, 4, seed=1), numbers(2, 3, 7, 4, seed=2)
    factor = jnp.asarray(np.random.default_rng(3).integers(0, 2, (2, 3, 5, 7)) * 2, jnp.float32)
    seen = jnp.asarray(np.random.default_rng(4).integers(0, 2, (2, 1, 1, 7)) > 0).at[..., 0].set(True)

    def written_out(query: Any, key: Any, value: Any) -> Any:
        scores = jnp.einsum("bhts,bhus->bhtu", query, key)
        weights = jax.nn.softmax(jnp.where(seen, scores, -1e30)) * factor
        return jnp.einsum("bhtu,bhus->bhts", weights, value)

    found, to_found = jax.vjp(lambda *t: weigh(*t, seen, factor), query, key, value)
    wanted, to_wanted = jax.vjp(written_out, query, key, value)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    gradient = numbers(*found.shape, seed=5)
    for a, b in zip(to_found(gradient), to_wanted(gradient), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_layer_draws_few_bits_and_multiplies_rows() -> None:
    layer = nn.Attention(8, 2, dropout=0.5, rngs=nnx.Rngs(0))
    with noting() as found:
        layer(numbers(2, 6, 8))
    assert [choice.family for choice in found] == ["dense", "dense", "dense", "attention", "dropout", "dense"]
    with noting() as found, nn.using("reference"):
        layer(numbers(2, 6, 8))
    assert not found


def test_half_precision_is_left_to_the_reference() -> None:
    tensors = [numbers(2, 3, 2, 4).astype(jnp.bfloat16) for _ in range(3)]
    with noting() as found:
        nn.attend(*tensors)
    assert not found
