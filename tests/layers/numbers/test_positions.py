"""Positions and the class token by hand and against PyTorch, and what they do to masks and weights."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec import nn

torch = pytest.importorskip("torch")

from tests.layers.numbers.test_attention import Ours, close, data, rotated, tensor  # noqa: E402  # they need PyTorch

pytestmark = pytest.mark.oracle


def test_sinusoidal_by_hand() -> None:
    for features, base in ((4, 10000), (5, 10000), (6, 100)):
        x = data(2, 7, features)
        options = "" if base == 10000 else f"(base = {base})"
        ours = Ours(f"input 7x{features}\nsinusoidal{options}", x)
        wanted = x.astype(np.float64)
        for t in range(7):
            for c in range(features):
                angle = t / base ** ((c - c % 2) / features)
                wanted[:, t, c] += math.cos(angle) if c % 2 else math.sin(angle)
        close(ours.y, wanted)
        close(ours.input_gradients[0], ours.weighting, "gradient")


def test_rope_by_hand() -> None:
    """Half-split pairs: feature 0 with 2 and 1 with 3 of four."""
    x = np.zeros((1, 3, 4), np.float32)
    x[0, :] = [1.0, 1.0, 0.0, 2.0]
    ours = Ours("input 3x4\nrope", x)
    for t in range(3):
        fast, slow = t, t / 100
        wanted = [math.cos(fast), math.cos(slow) - 2 * math.sin(slow), math.sin(fast)]
        wanted.append(2 * math.cos(slow) + math.sin(slow))
        close(ours.y[0, t], wanted)


@pytest.mark.parametrize("base", [10000, 50])
def test_rope(base: int) -> None:
    x = data(3, 6, 10)
    ours = Ours(f"input 6x10\nrope(base = {base})", x)
    inputs = tensor(x)
    ours.check(rotated(inputs, base), inputs)


def test_products_of_turned_vectors_depend_on_the_distance_only() -> None:
    q, k = data(8), data(8, seed=1)
    both = nn.rope(jnp.stack([jnp.tile(q, (9, 1)), jnp.tile(k, (9, 1))]))
    products = both[0] @ both[1].T
    for distance in range(-8, 9):
        line = np.diagonal(products, distance)
        close(line, np.full_like(line, line[0]))


@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 4)])
def test_posembed(shape: tuple[int, ...]) -> None:
    x = data(3, *shape)
    ours = Ours(f"input {'x'.join(map(str, shape))}\nposembed", x)
    inputs = tensor(x)
    ours.check(inputs + ours.theirs["posembed.embedding"], inputs)


def test_posembed_begins_small() -> None:
    (table,) = jax.tree.leaves(netspec.compile("input 100x50\nposembed").init(0)["params"])
    assert abs(float(table.std()) - 0.02) < 0.001
    (table,) = jax.tree.leaves(netspec.compile("input 100x50\nposembed(init = zeros)").init(0)["params"])
    assert not table.any()


def test_class_token() -> None:
    x = data(3, 5, 4)
    ours = Ours("input 5x4\nclass_token", x)
    inputs = tensor(x)
    token = ours.theirs["class_token.embedding"].expand(3, 1, 4)
    ours.check(torch.cat([token, inputs], dim=1), inputs)


def test_a_mask_ends_at_a_class_token() -> None:
    net = "embedding(8) -> attention(2) -> class_token -> attention(2)"
    assert netspec.compile(f"input text: 6 tokens(11, pad = 0)\n{net}").source.count("mask=") == 1


@pytest.mark.parametrize("call", ["attention(2, dropout = 0.1)", "posembed", "class_token"])
def test_frozen(call: str) -> None:
    text = f"{call[:-1]}, frozen = true)" if "(" in call else f"{call}(frozen = true)"
    model = netspec.compile(f"input 5x8\n{text}")
    assert not jax.tree.leaves(nnx.state(model.module, nnx.Param))
    assert model.cost.frozen == netspec.compile(f"input 5x8\n{call}").cost.trainable
