"""Numbers that a person can work out, and the statistics of what is drawn at random."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.language.vocabulary import words

SPECS = Path(__file__).parents[2] / "specs"


def image(rows: list[list[float]]) -> jax.Array:
    """One image with one channel."""
    return jnp.array(rows, jnp.float32)[None, :, :, None]


def rows_of(y: Any) -> list[list[float]]:
    return np.asarray(y)[0, :, :, 0].tolist()


# ---------------------------------------------------------------- convolutions and pools


def test_pool_of_the_edge_map() -> None:
    model = netspec.compile("input 3x4x1\nmaxpool(2, stride = 1)")
    x = image([[3, 7, 3, -1], [12, 17, 4, -1], [15, 21, 4, -1]])
    assert rows_of(model(x)) == [[17, 17, 4], [21, 21, 4]]


def test_edge_filter() -> None:
    """The filter that ships: right minus left, over three rows, then the pool."""
    model = netspec.compile(SPECS / "edge_filter.net")
    columns = [0.0, 0, 5, 5, 5, 0]
    found = rows_of(model(image([columns] * 4)))
    assert found == [[15.0, 15.0, 0.0]]


def test_constant_weights() -> None:
    text = "input 5x5x1\nconv(1, 3x3, weights = [[1,1,0],[0,0,0],[0,0,2]], bias = false, pad = valid)"
    x = image([[1, 2, 0, 1, 3], [2, 0, 1, 4, 0], [7, 0, 9, 5, 5], [8, 5, 2, 6, 0], [8, 0, 0, 1, 4]])
    found = rows_of(netspec.compile(text)(x))
    assert found[0] == [21, 12, 11]
    assert found[-1][-1] == 22


def test_frozen_weights_are_no_parameters() -> None:
    model = netspec.compile("input 3\ndense(2, weights = [[1, 2], [3, 4], [5, 6]], frozen = true) -> dense(1)")
    assert model(jnp.ones((1, 3))).shape == (1, 1)
    params = nnx.state(model.module, nnx.Param)
    assert len(jax.tree.leaves(params)) == 2
    assert (model.cost.trainable, model.cost.frozen) == (3, 8)


def test_scale_reshape_flatten() -> None:
    model = netspec.compile("input 6\nscale(2, 1) -> reshape(3x2x1)")
    assert rows_of(model(jnp.arange(6.0)[None])) == [[1, 3], [5, 7], [9, 11]]
    model = netspec.compile("input (2, W, 1)\npermute([2, 1, 3]) -> reshape((W, 2))")
    assert model(image([[1, 2, 3], [4, 5, 6]])).tolist() == [[[1, 4], [2, 5], [3, 6]]]
    model = netspec.compile("input 2x3x1\nflatten")
    assert model(image([[1, 2, 3], [4, 5, 6]])).tolist() == [[1, 2, 3, 4, 5, 6]]


def test_merges() -> None:
    x = jnp.array([[1.0, -2]])
    assert netspec.compile("input 2\n(identity | relu | scale(10)) -> concat")(x).tolist() == [[1, -2, 1, 0, 10, -20]]
    assert netspec.compile("input 2\n(identity | relu | scale(10)) -> add")(x).tolist() == [[12, -22]]
    assert netspec.compile("input 2\nidentity + identity")(x).tolist() == [[2, -4]]
    assert netspec.compile("input 2\nresidual(scale(3))")(x).tolist() == [[4, -8]]


def test_residual_projects_where_shapes_differ() -> None:
    model = netspec.compile("input 8x8x2\nresidual(conv(4, 3x3, stride = 2))")
    assert model.outputs["output"].sizes == (4, 4, 4)
    assert model.cost.trainable == (9 * 2 * 4 + 4) + 2 * 4  # the body, and a 1x1 convolution without a bias


# ---------------------------------------------------------------- dropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout(rate: float) -> None:
    model = netspec.compile(f"input 10000\ndropout({rate})")
    x = jnp.ones((4, 10_000))
    variables = model.init(0)
    y, state = model.apply(variables, x, train=True)
    dropped = float((y == 0).mean())
    assert abs(dropped - rate) < 4 * math.sqrt(rate * (1 - rate) / x.size)
    assert np.allclose(np.unique(np.asarray(y)), [0, 1 / (1 - rate)])
    again, _ = model.apply({"params": variables["params"], "state": state}, x, train=True)
    assert bool((y != again).any())
    assert bool((model.apply(variables, x) == x).all())


def test_dropout_of_nothing() -> None:
    model = netspec.compile("input 4\ndropout(0)")
    x = jnp.arange(4.0)[None]
    assert bool((model.apply(model.init(0), x, train=True)[0] == x).all())


# ---------------------------------------------------------------- inits

FAN_IN, FAN_OUT = 400, 300

DEVIATIONS = {
    "zeros": 0.0,
    "ones": 0.0,
    "constant(0.3)": 0.0,
    "uniform": 0.05 / math.sqrt(3),
    "uniform(0.3)": 0.3 / math.sqrt(3),
    "normal": 0.05,
    "normal(0.01)": 0.01,
    "truncated_normal(0.02)": 0.02 * 0.8796,  # a normal distribution cut off at two standard deviations
    "glorot_uniform": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "glorot_normal": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "he_uniform": math.sqrt(2 / FAN_IN),
    "he_normal": math.sqrt(2 / FAN_IN),
    "lecun_uniform": math.sqrt(1 / FAN_IN),
    "lecun_normal": math.sqrt(1 / FAN_IN),
    "orthogonal": math.sqrt(1 / FAN_IN),
    "orthogonal(3)": 3 * math.sqrt(1 / FAN_IN),
}
MEANS = {"ones": 1.0, "constant(0.3)": 0.3}
RANGES = {
    "uniform": 0.05,
    "uniform(0.3)": 0.3,
    "truncated_normal(0.02)": 0.04,
    "glorot_uniform": math.sqrt(6 / (FAN_IN + FAN_OUT)),
    "he_uniform": math.sqrt(6 / FAN_IN),
    "lecun_uniform": math.sqrt(3 / FAN_IN),
}


def kernel_of(text: str) -> np.ndarray:
    model = netspec.compile(text, seed=3)
    (kernel,) = (leaf for path, leaf in nnx.to_flat_state(nnx.state(model.module, nnx.Param)) if path[-1] == "kernel")
    return np.asarray(kernel[...])


def test_every_init_is_checked() -> None:
    assert {name.partition("(")[0] for name in DEVIATIONS} == set(words("init"))


@pytest.mark.parametrize("name", DEVIATIONS)
def test_init(name: str) -> None:
    kernel = kernel_of(f"input {FAN_IN}\ndense({FAN_OUT}, init = {name})")
    assert kernel.shape == (FAN_IN, FAN_OUT)
    assert abs(kernel.std() - DEVIATIONS[name]) <= 0.02 * DEVIATIONS[name] + 1e-6
    assert abs(kernel.mean() - MEANS.get(name, 0.0)) <= 5 * DEVIATIONS[name] / math.sqrt(kernel.size) + 1e-6
    if name in RANGES:
        assert 0.98 * RANGES[name] < np.abs(kernel).max() <= RANGES[name] * 1.0001


def test_orthogonal_columns() -> None:
    kernel = kernel_of("input 40\ndense(30, init = orthogonal(2))")
    assert np.allclose(kernel.T @ kernel, 4 * np.eye(30), atol=1e-4)


def test_fans_of_a_convolution() -> None:
    """fan_in of a convolution is its window times the channels of its group."""
    kernel = kernel_of("input 9x9x40\nconv(64, 5x5, init = he_normal, groups = 2)")
    assert abs(kernel.std() - math.sqrt(2 / (25 * 20))) < 0.002


def test_default_inits() -> None:
    model = netspec.compile(f"input {FAN_IN}\ndense({FAN_OUT}, bias_init = constant(0.5))")
    variables = {path[-1]: np.asarray(leaf[...]) for path, leaf in nnx.to_flat_state(nnx.state(model.module))}
    assert abs(variables["kernel"].std() - math.sqrt(1 / FAN_IN)) < 0.001
    assert (variables["bias"] == 0.5).all()
