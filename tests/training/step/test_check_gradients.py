"""Gradients beside finite differences: right ones pass, wrong ones are found, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from netspec import extend
from netspec.analysis.check_gradients import LayerGradients, check_gradients, layers_of
from netspec.language.kinds import Number
from netspec.language.source import Source
from netspec.language.vocabulary import temporary_words
from netspec.layers.code import call
from netspec.spec.compilation import Compilation


@jax.custom_vjp
def cubed(x: Any) -> Any:
    """x^3 with a gradient that is 1% too large."""
    return x**3


cubed.defvjp(lambda x: (x**3, x), lambda x, g: (3.03 * x**2 * g,))


def stopped(x: Any) -> Any:
    return x * jax.lax.stop_gradient(x)


def halves(x: Any) -> Any:
    return (x.astype(jnp.float32) ** 2).astype(x.dtype)


def coarse(x: Any) -> Any:
    return (x.astype(jnp.bfloat16) ** 2).astype(x.dtype)


@pytest.fixture(autouse=True, scope="module")
def gradient_test() -> Iterator[None]:
    with temporary_words():

        @extend.layer("gradient_test")
        class GradientTest(extend.Layer):
            """A function of each number, chosen by a number.

            Shape: any -> the same
            Example: gradient_test(0)
            """

            which: float = extend.option(Number(0, 3), "which function", position=0)

            def infer(self, x: Any) -> Any:
                return x

            def code(self, module: Any, tensors: Any, shapes: Any) -> Any:
                return call(f"{__name__}:{('cubed', 'stopped', 'halves', 'coarse')[int(self.which)]}", *tensors)

        yield


def found(text: str) -> dict[str, LayerGradients]:
    spec = Compilation(Source("<spec>", text, Path("net.net")))
    spec.check()
    layers = list(check_gradients(spec.optimized))
    assert [(layer.name, layer.call) for layer in layers] == layers_of(spec.optimized)
    return {layer.name: layer for layer in layers}


def test_layers_of_a_network_are_right() -> None:
    layers = found(
        "def block(n) = conv(n, 3x3) -> batchnorm -> relu\n"
        "input 8x8x2\nblock(3) -> maxpool(2) -> dropout(0.3) -> flatten -> dense(5, tanh) -> dense(3, softmax)"
    )
    assert all(layer.is_right and layer.precision == "float64" for layer in layers.values())
    assert {part.name for part in layers["block/conv"].parts} == {"kernel", "bias", "input"}
    assert {part.name for part in layers["block/batchnorm"].parts} >= {"scale", "bias", "input"}
    assert sum(part.entries - part.kinks for layer in layers.values() for part in layer.parts) > 50


def test_sequences_masks_and_token_ids() -> None:
    layers = found("input 7 tokens(11, pad = 0)\nembedding(6) -> lstm(4) -> last -> dense(1, sigmoid)")
    assert all(layer.is_right for layer in layers.values())
    embedding, lstm = (next(v for k, v in layers.items() if k.startswith(name)) for name in ("embedding", "lstm"))
    assert [part.name for part in embedding.parts] == ["embedding"]
    assert {"kernel", "recurrent_kernel", "input"} <= {part.name for part in lstm.parts}


def test_a_sum_has_two_inputs_and_kinks_do_not_count() -> None:
    layers = found("input 6\na = input -> dense(6, relu)\nb = a -> relu\na + b -> dense(2)")
    (name,) = [name for name in layers if name.startswith(("add", "sum", "identity", "plus"))]
    assert {part.name for part in layers[name].parts} == {"input 1", "input 2"}
    kinks = [part.kinks for part in layers["relu"].parts]
    assert kinks[0] > 0 and layers["relu"].is_right


@pytest.mark.parametrize("which", [0, 1])
def test_wrong_gradients_are_found(which: int) -> None:
    layers = found(f"input 5\ndense(4) -> gradient_test({which}) -> dense(2)")
    wrong = [layer for layer in layers.values() if not layer.is_right]
    assert [layer.name for layer in wrong] == ["gradient_test"]
    error = wrong[0].worst
    assert error is not None
    assert error.error == pytest.approx((0.01 / 1.01, 0.5)[which], rel=0.02)
    diagnostic = wrong[0].diagnostic()
    assert diagnostic.code == "NS512" and "`gradient_test`" in diagnostic.message and "input" in diagnostic.message


def test_lower_precision_is_measured_in_its_own_way_or_not_at_all() -> None:
    layers = found("input 5\ngradient_test(2) -> gradient_test(3) -> dense(2)")
    single, coarse_one = layers["gradient_test"], layers["gradient_test_2"]
    assert single.precision == "float32" and single.is_right and single.tolerance > 1e-3
    assert coarse_one.precision == "bfloat16" and not coarse_one.is_measured and coarse_one.worst is None


def test_double_precision_ends_with_the_check() -> None:
    found("input 3\ndense(2)")
    assert jnp.ones(1).dtype == jnp.float32
