"""Dense layers of sequences as one product: values and gradients of the reference."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec import nn
from netspec.nn.lowering.choice import noting


def computed(lowering: str, x: Any, **options: Any) -> tuple[Any, ...]:
    layer = nn.Linear(x.shape[-1], 5, rngs=nnx.Rngs(0), **options)
    graph, params = nnx.split(layer)
    weights = jnp.cos(jnp.arange(x.size // x.shape[-1] * 5)).reshape(*x.shape[:-1], 5)

    def total(params: Any, x: Any) -> Any:
        y = nnx.merge(graph, params)(x)
        return (y * weights).sum(), y

    with nn.using(lowering):
        gradients, y = jax.jit(jax.grad(total, argnums=(0, 1), has_aux=True))(params, x)
    return y, *jax.tree.leaves(gradients)


@pytest.mark.parametrize("shape", [(4, 6), (3, 4, 6), (2, 3, 4, 6)])
@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"dtype": jnp.float32, "precision": "highest"}])
def test_values_and_gradients(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)
    for a, b in zip(computed("fast", x, **options), computed("reference", x, **options), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_where_it_is_chosen() -> None:
    layer = nn.Linear(6, 5, rngs=nnx.Rngs(0))
    with noting() as found:
        layer(jnp.ones((4, 6)))
    assert not found
    with noting() as found:
        layer(jnp.ones((4, 3, 6)))
    assert [choice.family for choice in found] == ["dense"]
