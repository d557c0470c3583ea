"""Every word of the vocabulary keeps what its declaration says; a new one is covered without a change here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import jax.numpy as jnp
import pytest

import netspec
from netspec.kinds import Number
from netspec.layers.activations import Activation, ActivationLayer
from netspec.layers.base import Layer, call
from netspec.reference import word_page
from netspec.shape import Shape
from netspec.vocabulary import words

from .conformance import check_docs, check_example, check_layer, check_module, compiled, has_errors, in_a_net, spec_of

LAYERS = sorted(words("layer"))
ACTIVATIONS = sorted(words("activation"))
INITS = sorted(words("init"))

ONE_OF_EACH_RANK = {1: "12", 2: "7x4", 3: "9x7x4", 4: "5x6x7x4", "tokens": "6 tokens(11)"}


def layer_class(name: str) -> type[Layer]:
    return cast("type[Layer]", words("layer")[name])


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str) -> None:
    check_layer(layer_class(name))


@pytest.mark.parametrize("name", LAYERS)
def test_wrong_ranks_give_one_diagnostic(name: str) -> None:
    word = layer_class(name)
    example = word_page(word).facts["Example"]
    for shape in ONE_OF_EACH_RANK.values():
        errors = compiled(in_a_net(word, example, shape)).diagnose().errors
        assert len(errors) <= 1 or word.input_count[0] > 1, f"{example} on {shape}"
        assert all(error.code.startswith("NS3") for error in errors)


@pytest.mark.parametrize("name", [*LAYERS, *ACTIVATIONS])
def test_token_ids_are_no_numbers(name: str) -> None:
    """Layers that calculate refuse ids; what is left looks them up or passes them on."""
    word = words("layer").get(name)
    example = word_page(word).facts["Example"] if word is not None else f"{name} -> identity"
    spec = compiled(in_a_net(word or ActivationLayer, example, "6 tokens(11)"))
    if not has_errors(spec):
        assert spec.graph is not None
        assert not any(node.shape.is_tokens for node in spec.graph.nodes if node.word not in ("input", "identity"))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    word = words("activation")[name]
    check_docs(word, facts=("Example",))
    check_example(word)
    required = [option for option in word.options() if option.is_required]
    assert not required, "an activation can stand as a bare word"
    for shape in ("12", "7x4", "9x7x4", "5x6x7x4"):
        as_layer = compiled(f"input {shape}\n{name} -> identity")
        assert not has_errors(as_layer)
        check_module(as_layer, f"{name} on {shape}")
    check_module(compiled(f"input 7x4\ndense(3, {name}) -> scale(2)"), name)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_keeps_no_state_and_no_shape(name: str) -> None:
    assert issubclass(words("activation")[name], Activation)
    model = netspec.compile(f"input 3\n{name} -> identity")
    x = jnp.array([[-2.0, 0.0, 3.0]])
    assert model(x).shape == x.shape
    assert bool(jnp.all(jnp.isfinite(model(x))))


@pytest.mark.parametrize("name", INITS)
def test_init(name: str) -> None:
    word = words("init")[name]
    check_docs(word, facts=("Example",))
    check_example(word)
    arguments = "".join(f"({o.kind.spell(1.0)})" for o in word.options() if o.is_required)
    for layer in ("dense(4", "conv(4, 3x3"):
        check_module(compiled(f"input 9x7x4\n{layer}, init = {name}{arguments})"), name)


# ---------------------------------------------------------------- a word that a program adds


def shift(x: Any, by: float) -> Any:
    return x + by


@pytest.fixture
def own_layer() -> Iterator[type[Layer]]:
    @netspec.layer("shift_by")
    class Shift(netspec.Layer):
        """Adds a constant to every number.

        Shape: any -> the same
        Example: shift_by(0.5)
        """

        by: float = netspec.option(Number(-10, 10), "what is added", position=0)

        def infer(self, x: Shape) -> Shape:
            return x

        def code(self, module: Any, tensors: Any, shapes: Any) -> Any:
            return call(f"{__name__}:shift", *tensors, self.by)

    yield Shift
    del cast("dict[str, Any]", words("layer"))["shift_by"]


def test_own_layer(own_layer: type[Layer]) -> None:
    check_layer(own_layer)
    model = netspec.compile("input 3\nshift_by(2)")
    assert model(jnp.zeros((1, 3))).tolist() == [[2.0, 2.0, 2.0]]


def test_own_layer_in_messages(own_layer: type[Layer]) -> None:
    (found,) = netspec.check("input 3\nshift_bye(2)")
    assert "shift_by" in found.hint_text


def test_a_word_is_declared_once(own_layer: type[Layer]) -> None:
    with pytest.raises(ValueError, match="already declared"):

        @netspec.layer("dense")
        class Dense(netspec.Layer):
            """Another."""


def test_many_inputs_get_many() -> None:
    assert spec_of(layer_class("add"), "add", "4").endswith("(identity | scale(2)) -> add")
