"""Every word of the vocabulary keeps what its declaration says; a new one is covered without a change here."""

from __future__ import annotations

from typing import cast

import jax.numpy as jnp
import pytest

import netspec
from netspec.language.vocabulary import words
from netspec.layers.activations import Activation
from netspec.layers.base import Layer
from netspec.layers.initializers import Initializer
from netspec.testing import check_activation, check_init, check_layer

LAYERS = sorted(words("layer"))
ACTIVATIONS = sorted(words("activation"))
INITS = sorted(words("init"))


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str) -> None:
    check_layer(cast("type[Layer]", words("layer")[name]))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    check_activation(cast("type[Activation]", words("activation")[name]))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_keeps_no_state_and_no_shape(name: str) -> None:
    assert issubclass(words("activation")[name], Activation)
    model = netspec.compile(f"input 3\n{name} -> identity")
    x = jnp.array([[-2.0, 0.0, 3.0]])
    assert model(x).shape == x.shape
    assert bool(jnp.all(jnp.isfinite(model(x))))


@pytest.mark.parametrize("name", INITS)
def test_init(name: str) -> None:
    check_init(cast("type[Initializer]", words("init")[name]))
