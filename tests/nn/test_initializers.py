"""First weights from few programs: the numbers of Flax, bit for bit."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec import nn
from netspec.nn.initializers import FINE_FROM, MIN_ROW_LENGTH, row_length

SCALED = ("lecun_normal", "lecun_uniform", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform")


def assert_same(found: Any, wanted: Any) -> None:
    np.testing.assert_array_equal(found, wanted, strict=True)


@pytest.mark.parametrize("shape", [(3, 5), (784, 10), (3, 3, 7, 11), (5, 20, 40), (64, 64), (1, 1), (70, 1000)])
@pytest.mark.parametrize("name", SCALED)
def test_the_numbers_of_flax(name: str, shape: tuple[int, ...]) -> None:
    key = jax.random.key(hash((name, shape)) % 1000)
    found, wanted = (getattr(of, name)()(key, shape, jnp.float32) for of in (nn.initializers, nnx.initializers))
    assert_same(found, wanted)


@pytest.mark.parametrize("shape", [(1,), (9,), (3, 3, 2, 4), (100, 80)])
@pytest.mark.parametrize("name", ["normal", "truncated_normal"])
def test_with_a_deviation(name: str, shape: tuple[int, ...]) -> None:
    key = jax.random.key(4)
    found, wanted = (getattr(of, name)(0.3)(key, shape, jnp.float32) for of in (nn.initializers, nnx.initializers))
    assert_same(found, wanted)


def test_layers_begin_as_those_of_flax() -> None:
    for ours, theirs, sizes in ((nn.Linear, nnx.Linear, (7, 5)), (nn.Conv, nnx.Conv, (3, 5, (3, 3)))):
        found, wanted = (layer(*sizes, rngs=nnx.Rngs(3)).kernel[...] for layer in (ours, theirs))
        assert_same(found, wanted)


def test_what_else_there_is_comes_from_flax() -> None:
    assert nn.initializers.orthogonal is nnx.initializers.orthogonal
    assert nn.initializers.zeros_init is nnx.initializers.zeros_init


@pytest.mark.parametrize("dtype", [jnp.bfloat16, None])
def test_other_types_and_traced_keys(dtype: Any) -> None:
    key = jax.random.key(0)
    ours, theirs = nn.initializers.he_normal(), nnx.initializers.he_normal()
    assert_same(ours(key, (3, 4), dtype), theirs(key, (3, 4), dtype))
    shaped = jax.eval_shape(lambda key: ours(key, (3, 4), jnp.float32), key)
    assert shaped.shape == (3, 4)


def test_a_vector_has_no_fan() -> None:
    with pytest.raises(ValueError, match="at least 2D"):
        nn.initializers.he_normal()(jax.random.key(0), (5,), jnp.float32)


def test_other_keys() -> None:
    """Those whose draws depend on the length are left to Flax."""
    key = jax.random.key(0, impl="rbg")
    ours, theirs = nn.initializers.he_normal(), nnx.initializers.he_normal()
    assert_same(ours(key, (3, 4), jnp.float32), theirs(key, (3, 4), jnp.float32))
    with jax.threefry_partitionable(False):
        key = jax.random.key(0)
        assert_same(ours(key, (3, 4), jnp.float32), theirs(key, (3, 4), jnp.float32))


def test_few_lengths() -> None:
    lengths = {row_length(n) for n in range(1, 5_000_000, 997)}
    assert len(lengths) == 8 and min(lengths) == MIN_ROW_LENGTH
    assert all(row_length(n) >= n for n in (1, MIN_ROW_LENGTH, MIN_ROW_LENGTH + 1, FINE_FROM, FINE_FROM + 1, 10**8))
    assert row_length(10**8) < 2 * 10**8


def test_two_nets_of_one_spec_are_equal() -> None:
    """Or each would be compiled."""
    for make in (lambda: nn.Linear(2, 3, rngs=nnx.Rngs(0)), lambda: nn.Conv(2, 3, (3, 3), rngs=nnx.Rngs(0))):
        assert nnx.graphdef(make()) == nnx.graphdef(make())
