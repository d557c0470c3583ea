"""Lowered convolutions against XLA's own: the same values and gradients over windows, steps, padding and groups."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec import nn
from netspec.nn.convolution import MAX_GROUPS, convolve, windows_at_once
from netspec.nn.lowering.choice import KEPT_BARRIERS

CASES = {
    "3x3": ((9, 8), 20, 5, {"kernel_size": (3, 3)}),
    "3x3 few channels": ((9, 8), 1, 5, {"kernel_size": (3, 3)}),
    "one channel, two windows as one": ((7, 8), 1, 6, {"kernel_size": (2, 3), "padding": "VALID"}),
    "one channel, window by window": ((5, 7), 1, 6, {"kernel_size": (3, 2)}),
    "one channel with padding": ((5, 6), 1, 4, {"kernel_size": (3, 3), "padding": [(2, 0), (1, 3)]}),
    "one channel with steps": ((9, 8), 1, 6, {"kernel_size": (3, 3), "strides": (2, 2)}),
    "one channel, a large window": ((9, 9), 1, 2, {"kernel_size": (5, 5)}),
    "5x5 three channels": ((9, 8), 3, 4, {"kernel_size": (5, 5), "padding": "VALID"}),
    "steps": ((9, 8), 20, 5, {"kernel_size": (3, 3), "strides": (2, 2)}),
    "steps of rows alone": ((9, 8), 20, 5, {"kernel_size": (3, 3), "strides": (2, 1)}),
    "steps of columns alone": ((9, 8), 20, 5, {"kernel_size": (3, 3), "strides": (1, 2)}),
    "steps that leave some out": ((10, 11), 20, 5, {"kernel_size": (2, 3), "strides": (3, 3), "padding": "VALID"}),
    "padding of one's own": ((7, 6), 20, 5, {"kernel_size": (3, 2), "padding": [(2, 0), (1, 3)]}),
    "more padding than window": ((4, 4), 20, 5, {"kernel_size": (2, 2), "padding": [(3, 3), (2, 4)]}),
    "window as large as the image": ((5, 5), 20, 5, {"kernel_size": (5, 5), "padding": "VALID"}),
    "few channels and many filters": ((7, 9), 12, 20, {"kernel_size": (3, 3)}),
    "two windows as one": ((5, 6), 8, 16, {"kernel_size": (3, 3)}),
    "four windows as one": ((5, 8), 3, 16, {"kernel_size": (3, 3)}),
    "four windows as one, of two points": ((6, 9), 4, 3, {"kernel_size": (2, 2), "padding": "VALID"}),
    "windows as one, with steps": ((9, 16), 3, 32, {"kernel_size": (3, 3), "strides": (2, 2)}),
    "windows as one, with other steps": ((9, 12), 8, 8, {"kernel_size": (3, 2), "strides": (1, 3)}),
    "windows as one on the way back alone": ((6, 7), 20, 2, {"kernel_size": (2, 2), "padding": "VALID"}),
    "one point": ((9, 8), 6, 5, {"kernel_size": (1, 1)}),
    "one point with steps": ((9, 8), 6, 5, {"kernel_size": (1, 1), "strides": (2, 3)}),
    "one point with padding": ((5, 4), 8, 5, {"kernel_size": (1, 1), "padding": [(1, 0), (1, 2)]}),
    "a sequence": ((12,), 20, 5, {"kernel_size": (3,)}),
    "a sequence with steps": ((12,), 20, 5, {"kernel_size": (4,), "strides": (3,)}),
    "a volume": ((5, 6, 7), 18, 3, {"kernel_size": (3, 2, 3), "strides": (1, 2, 1)}),
    "dilated": ((9, 8), 20, 5, {"kernel_size": (3, 3), "kernel_dilation": (2, 2)}),
    "two groups": ((9, 8), 36, 6, {"kernel_size": (3, 3), "feature_group_count": 2}),
    "groups of one point": ((9, 8), 6, 9, {"kernel_size": (1, 1), "feature_group_count": 3}),
    "many groups": ((5, 4), 2 * (MAX_GROUPS + 2), MAX_GROUPS + 2, {
        "kernel_size": (3, 3), "feature_group_count": MAX_GROUPS + 2}),
    "depthwise": ((9, 8), 6, 6, {"kernel_size": (3, 3), "feature_group_count": 6}),
    "depthwise with steps": ((9, 8), 6, 6, {"kernel_size": (3, 3), "feature_group_count": 6, "strides": (2, 2)}),
    "depthwise with two filters": ((6, 5), 4, 8, {"kernel_size": (3, 3), "feature_group_count": 4}),
    "depthwise sequence": ((11,), 6, 6, {"kernel_size": (5,), "feature_group_count": 6, "padding": "VALID"}),
    "wide depthwise": ((9, 9), 3, 3, {"kernel_size": (9, 9), "feature_group_count": 3}),
}  # fmt: skip


def computed(layer: nnx.Module, x: Any, weights: Any, lowering: str) -> Any:
    graph, params = nnx.split(layer)

    def total(params: Any, x: Any) -> Any:
        value = nnx.merge(graph, params)(x)
        return (value * weights).sum(), value

    with nn.using(lowering):
        run = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))
        (_, value), (to_weights, to_input) = run(params, x)
    return value, to_input, jax.tree.leaves(to_weights)


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str, batch: int) -> None:
    places, channels, filters, options = CASES[name]
    rng = np.random.default_rng(0)
    layer = nn.Conv(channels, filters, rngs=nnx.Rngs(0), **options)
    x = jnp.asarray(rng.normal(size=(batch, *places, channels)), jnp.float32)
    weights = jnp.asarray(rng.normal(size=nnx.eval_shape(layer, x).shape), jnp.float32)
    found, expected = (computed(layer, x, weights, lowering) for lowering in nn.LOWERINGS)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6 * max(1.0, float(np.abs(b).max())))


def test_what_is_read_is_computed_once() -> None:
    """Without the barriers XLA works the product with 3 out once more for the gradient, from the turned array."""

    def convolution(x: Any, kernel: Any) -> Any:
        numbers = ("NHWC", "HWIO", "NHWC")
        one = (1, 1)
        return convolve(x, kernel, one, "SAME", lhs_dilation=one, rhs_dilation=one, dimension_numbers=numbers)

    def total(kernels: tuple[Any, Any], x: Any) -> Any:
        first, second = kernels
        return jnp.tanh(convolution(convolution(x, first) * 3.0, second)).sum()

    def products(options: dict[str, str]) -> int:
        text = jax.jit(jax.grad(total), compiler_options=options).lower((kernel, kernel), x).compile().as_text()
        return len(re.findall(r"\bmultiply\(", text))

    kernel, x = jnp.ones((3, 3, 20, 20)), jnp.ones((2, 8, 8, 20))
    options = nn.compiler_options()
    assert products(options) < products({k: v for k, v in options.items() if k not in KEPT_BARRIERS})


def test_reference_is_that_of_flax() -> None:
    """Flax's own takes forward-mode differentiation; rules of our own do not."""
    layer = nn.Conv(20, 4, (3, 3), rngs=nnx.Rngs(0))
    x = jnp.ones((2, 5, 5, 20))
    with nn.using("reference"):
        jax.jvp(lambda x: layer(x), (x,), (x,))
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(lambda x: layer(x), (x,), (x,))


def test_no_such_lowering() -> None:
    with pytest.raises(ValueError, match="fast, reference"), nn.using("slow"):
        pass


def test_other_types_are_left_to_xla() -> None:
    layer = nn.Conv(8, 4, (3, 3), rngs=nnx.Rngs(0), dtype=jnp.bfloat16)
    assert layer(jnp.ones((1, 4, 4, 8))).dtype == jnp.bfloat16


def test_windows_that_are_taken_as_one() -> None:
    """Only where channels and filters are few; and never so that one would stand half outside."""

    def count(channels: int, filters: int, width: int, **more: Any) -> int:
        options = {"strides": (1, 1), "pads": ((1, 1), (1, 1)), **more}
        return windows_at_once((3, 3, channels, filters), (8, 6, width, channels), **options)

    assert count(6, 16, 32) == 4
    assert count(6, 16, 30) == 2
    assert count(6, 16, 31) == 1
    assert count(12, 16, 32) == 2
    assert count(12, 17, 32) == 1
    assert count(6, 16, 32, strides=(1, 2)) == 4
    assert count(6, 16, 33, strides=(1, 2)) == 1
    assert count(6, 16, 32, pads=((0, 0), (0, 0))) == 2
    assert count(6, 16, 32, pads=((0, 0), (0, 1))) == 1
