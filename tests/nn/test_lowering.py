"""What XLA is told: for the families in force, where it knows the option, unless somebody has said otherwise."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from netspec.nn.lowering import choice as lowering
from netspec.nn.lowering.choice import CONVOLUTIONS_BY, KEPT_BARRIERS, compiler_options


def test_convolutions_are_left_to_what_uses_all_cores() -> None:
    told = compiler_options()
    x, kernel = jnp.ones((4, 8, 8, 32)), jnp.ones((3, 3, 32, 32))
    numbers = ("NHWC", "HWIO", "NHWC")

    def convolve(x: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=numbers)

    compiled = jax.jit(convolve, compiler_options=told).lower(x).compile()
    assert "ynn" not in compiled.as_text()
    assert compiled(x)[0, 4, 4, 0] == 9 * 32


def test_a_mean_takes_no_convolution_along_where_nothing_is_learned() -> None:
    x, kernel = jnp.ones((1, 8, 8, 32)), jnp.ones((3, 3, 32, 32))

    def answer(x: jax.Array) -> jax.Array:
        found = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return jax.nn.relu(found).mean((1, 2))

    told = compiler_options(inference=True)
    assert "ynn" not in jax.jit(answer, compiler_options=told).lower(x).compile().as_text()
    assert told != compiler_options()


def test_the_reference_tells_nothing() -> None:
    assert compiler_options((), inference=True) == {}
    assert compiler_options(()) == KEPT_BARRIERS  # for `remat` and augmentation


def test_what_the_environment_says_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", f"--{CONVOLUTIONS_BY}=DOT")
    assert compiler_options() == KEPT_BARRIERS


def test_a_version_without_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    lowering._is_known.cache_clear()
    monkeypatch.setattr(lowering, "ALL_CORES", "LIBRARY_FUSION_TYPE_THAT_IS_NOT_KNOWN")
    assert compiler_options() == KEPT_BARRIERS
    lowering._is_known.cache_clear()
