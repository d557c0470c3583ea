"""Dropout with fewer random bits: the shares, the scale, and everything else that Flax' own does."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from netspec import nn
from netspec.nn.dropout import bits_for, draw_mask


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.1, 1 / 3, 0.999, 0.001, 1e-6])
def test_share_and_scale(rate: float) -> None:
    count = 400_000
    found = np.asarray(nn.Dropout(rate, rngs=nnx.Rngs(0))(jnp.ones((count // 5, 5))))
    kept = found != 0
    assert abs(kept.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / count) + 1 / 65536
    np.testing.assert_allclose(found[kept], 1 / (1 - rate), rtol=1e-6)


def test_neighbours_are_independent() -> None:
    """The four numbers of a word, and words that stand beside each other."""
    mask = np.asarray(draw_mask(jax.random.key(1), 0.5, (100_000,)))
    for distance in (1, 2, 3, 4, 5, 8):
        table = np.histogram2d(mask[:-distance], mask[distance:], bins=2)[0]
        assert stats.chi2_contingency(table).pvalue > 1e-4, distance


def test_bits() -> None:
    assert [bits_for(share) for share in (0.5, 0.75, 255 / 256, 0.9, 1 / 3)] == [8, 8, 8, 16, 16]


def test_every_size() -> None:
    for size in (1, 2, 3, 7, 8, 9, 15, 16, 19):
        assert draw_mask(jax.random.key(0), 0.9, (size, 3)).shape == (size, 3)


def test_what_is_dropped_together() -> None:
    found = np.asarray(nn.Dropout(0.5, broadcast_dims=(1, 2), rngs=nnx.Rngs(0))(jnp.ones((8, 5, 6, 16))))
    assert (found == found[:, :1, :1]).all() and 0 < (found == 0).mean() < 1


def test_another_mask_at_each_call_and_the_same_from_the_same_seed() -> None:
    first, second = nn.Dropout(0.5, rngs=nnx.Rngs(3)), nn.Dropout(0.5, rngs=nnx.Rngs(3))
    x = jnp.ones((64,))
    a, b = first(x), first(x)
    assert (a != b).any() and (second(x) == a).all() and (second(x) == b).all()


@pytest.mark.parametrize("options", [{"deterministic": True}, {"rngs": nnx.Rngs(dropout=1)}])
def test_otherwise_it_is_that_of_flax(options: dict[str, Any]) -> None:
    x, layer = jnp.ones((32, 8)), nn.Dropout(0.5, rngs=nnx.Rngs(0))
    given = {name: nnx.clone(value) if name == "rngs" else value for name, value in options.items()}
    assert (layer(x, **options) == nnx.Dropout(0.5, rngs=nnx.Rngs(0))(x, **given)).all()


def test_the_reference_has_the_numbers_of_flax() -> None:
    x = jnp.ones((32, 8))
    with nn.using("reference"):
        found = nn.Dropout(0.3, rngs=nnx.Rngs(0))(x)
    assert (found == nnx.Dropout(0.3, rngs=nnx.Rngs(0))(x)).all()


def test_gradient() -> None:
    layer, x = nn.Dropout(0.25, rngs=nnx.Rngs(0)), jnp.linspace(1, 2, 256)
    graph, state = nnx.split(layer)

    def sum_and_value(x: Any) -> Any:
        value = nnx.merge(graph, state, copy=True)(x)
        return value.sum(), value

    gradient, value = jax.jit(jax.grad(sum_and_value, has_aux=True))(x)
    np.testing.assert_allclose(gradient, value / x, rtol=1e-6)
