"""How weights begin: distributions, fans of every kind of kernel; and what `l1`, `l2` and `frozen` make of training."""

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
from netspec.spec.experiment import SpecExperiment, prepare, train_prepared

stats = pytest.importorskip("scipy.stats")


def weights_of(text: str, name: str = "kernel", seed: int = 3) -> np.ndarray:
    model = netspec.compile(text, seed=seed)
    (found,) = (leaf for path, leaf in nnx.to_flat_state(nnx.state(model.module, nnx.Param)) if path[-1] == name)
    return np.asarray(found[...])


# ---------------------------------------------------------------- distributions

CUT = 0.87962566103423978
"""The deviation of a normal distribution that is cut off at two deviations."""


def uniform(width: float) -> Any:
    return stats.uniform(-width, 2 * width)


def cut_normal(deviation: float) -> Any:
    """Cut off at twice its first deviation, which is larger by 1 / CUT than the one that is left."""
    return stats.truncnorm(-2, 2, scale=deviation / CUT)


def distributions(fan_in: float, fan_out: float) -> dict[str, Any]:
    """What each init is drawn from."""
    return {
        "uniform(0.3)": uniform(0.3),
        "normal(0.2)": stats.norm(scale=0.2),
        "truncated_normal(0.2)": cut_normal(0.2 * CUT),
        "glorot_uniform": uniform(math.sqrt(6 / (fan_in + fan_out))),
        "glorot_normal": cut_normal(math.sqrt(2 / (fan_in + fan_out))),
        "he_uniform": uniform(math.sqrt(6 / fan_in)),
        "he_normal": cut_normal(math.sqrt(2 / fan_in)),
        "lecun_uniform": uniform(math.sqrt(3 / fan_in)),
        "lecun_normal": cut_normal(math.sqrt(1 / fan_in)),
    }


def check_drawn(kernel: np.ndarray, wanted: Any, what: str) -> None:
    """Kolmogorov and Smirnov find no difference, and nothing lies outside."""
    values = kernel.ravel().astype(np.float64)
    assert stats.kstest(values, wanted.cdf).pvalue > 1e-3, what
    low, high = wanted.support()
    assert values.min() >= low * 1.0001, what
    assert values.max() <= high * 1.0001, what
    if math.isfinite(high):
        assert values.max() > 0.99 * high, what


@pytest.mark.parametrize("name", distributions(1, 1))
def test_dense(name: str) -> None:
    kernel = weights_of(f"input 90\ndense(60, init = {name})")
    assert kernel.shape == (90, 60)
    check_drawn(kernel, distributions(90, 60)[name], name)


KERNELS = {
    # text: inputs of one output, outputs of one input
    "input 9x20\nconv(30, 5, init = {})": (5 * 20, 5 * 30),
    "input 9x9x10\nconv(30, 3x5, init = {})": (15 * 10, 15 * 30),
    "input 5x5x5x6\nconv(12, 3x3x2, init = {})": (18 * 6, 18 * 12),
    "input 9x9x24\nconv(36, 3x3, groups = 4, init = {})": (9 * 6, 9 * 36),
}
"""With groups the fan in is that of one group; the fan out is that of the whole kernel, as in Keras and Flax."""


@pytest.mark.parametrize("name", ["glorot_uniform", "he_normal"])
@pytest.mark.parametrize("text", KERNELS)
def test_fans_of_convolutions(text: str, name: str) -> None:
    check_drawn(weights_of(text.format(name)), distributions(*KERNELS[text])[name], name)


def test_defaults() -> None:
    check_drawn(weights_of("input 90\ndense(60)"), distributions(90, 60)["lecun_normal"], "dense")
    check_drawn(weights_of("input 9x9x10\nconv(30, 3x5)"), distributions(150, 450)["lecun_normal"], "conv")
    check_drawn(weights_of("input 3 tokens(90)\nembedding(60)", "embedding"), stats.norm(scale=0.05), "embedding")
    assert (weights_of("input 90\ndense(60)", "bias") == 0).all()


@pytest.mark.parametrize("name", ["uniform(0.3)", "normal(0.2)", "truncated_normal(0.2)"])
def test_biases(name: str) -> None:
    check_drawn(weights_of(f"input 2\ndense(4000, bias_init = {name})", "bias"), distributions(1, 1)[name], name)


def test_constants() -> None:
    assert (weights_of("input 3\ndense(2, init = zeros)") == 0).all()
    assert (weights_of("input 3\ndense(2, init = ones)") == 1).all()
    assert (weights_of("input 3\ndense(2, init = constant(-0.25))") == -0.25).all()
    assert (weights_of("input 3\ndense(2, bias_init = constant(0.5))", "bias") == 0.5).all()


@pytest.mark.parametrize("text", ["input 40\ndense(30", "input 30\ndense(40", "input 9x9x5\nconv(20, 3x3"])
def test_orthogonal(text: str) -> None:
    """Rows or columns, whichever are fewer, are at right angles; a convolution's kernel counts as inputs x filters."""
    kernel = weights_of(f"{text}, init = orthogonal(2))")
    matrix = kernel.reshape(-1, kernel.shape[-1])
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    assert np.allclose(product, 4 * np.eye(min(matrix.shape)), atol=1e-4)
    assert not np.allclose(kernel, weights_of(f"{text}, init = orthogonal(2))", seed=4))


def test_layers_and_seeds_differ() -> None:
    text = "input 8\ndense(8) -> dense(8)"
    first, second = (np.asarray(x[...]) for x in _kernels(netspec.compile(text, seed=0)))
    (again, _), (other, _) = (_kernels(netspec.compile(text, seed=seed)) for seed in (0, 1))
    assert not np.allclose(first, second)
    assert np.array_equal(first, again[...])
    assert not np.allclose(first, other[...])


def _kernels(model: Any) -> list[Any]:
    return [leaf for path, leaf in nnx.to_flat_state(nnx.state(model.module, nnx.Param)) if path[-1] == "kernel"]


# ---------------------------------------------------------------- penalties and frozen weights

RATE = 0.1


def prepared(text: str, x: np.ndarray, y: np.ndarray) -> SpecExperiment:
    """One step of plain gradient descent over all data."""
    settings = "train {\n    epochs = 1\n    batch = 1000\n    optimizer = sgd(0.1)\n    keep = last\n}"
    return prepare(netspec.compile(f"{text}\n{settings}").compilation.source, (x, y))


def trained(
    text: str, x: np.ndarray, y: np.ndarray, folder: Path
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The weights before and behind the step, frozen ones among them."""
    ready = prepared(text, x, y)
    before = ready.model.module_class(rngs=nnx.Rngs(ready.recipe.seed))
    found = []
    for module in (before, train_prepared(ready, folder).model.module):
        state = nnx.to_flat_state(nnx.state(module, nnx.Not(nnx.RngState)))
        found.append({"/".join(map(str, path)): np.array(leaf[...]) for path, leaf in state})
    return found[0], found[1]


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


def test_penalty_by_hand(tmp_path: Path) -> None:
    """w - rate * (the gradient of the mean squared error + l1 * sign(w) + 2 * l2 * w); the bias has no penalty."""
    x, y = numbers(40, 3), numbers(40, 2)
    text = "input 3\ndense(2, l1 = 0.3, l2 = 0.2, bias_init = constant(0.5))"
    before, after = trained(text, x, y, tmp_path)
    train = prepared(text, x, y).splits.train
    ((inputs,), (targets,)) = (list(part.values()) for part in (train.inputs, train.targets))
    kernel, bias = before["dense/kernel"], before["dense/bias"]
    wrong = inputs @ kernel + bias - targets
    slope = 2 * inputs.T @ wrong / wrong.size + 0.3 * np.sign(kernel) + 2 * 0.2 * kernel
    np.testing.assert_allclose(after["dense/kernel"], kernel - RATE * slope, atol=1e-6)
    np.testing.assert_allclose(after["dense/bias"], bias - RATE * 2 * wrong.sum(0) / wrong.size, atol=1e-6)


IMAGES = (numbers(20, 6, 6, 4), numbers(20, 2))
IDS = (np.random.default_rng(5).integers(0, 7, (20, 5)), numbers(20, 2))

PENALISED: dict[str, tuple[tuple[np.ndarray, np.ndarray], str, list[str]]] = {
    "conv": (IMAGES, "input 6x6x4\nconv(3, 3x3, tanh{}) -> gap -> dense(2)", ["kernel"]),
    "embedding": (IDS, "input 5 tokens(7)\nembedding(4{}) -> gap -> dense(2)", ["embedding"]),
    "block": (IMAGES, "input 6x6x4\ndef block = conv(3, 3x3{}) -> relu\nblock -> gap -> dense(2)", ["kernel"]),
}


@pytest.mark.parametrize("word", PENALISED)
def test_penalties_reach(word: str, tmp_path: Path) -> None:
    """What they add to one step is -rate * (l1 * sign(w) + 2 * l2 * w), for the weights named and no others."""
    (x, y), text, names = PENALISED[word]
    start, plain = trained(text.format(""), x, y, tmp_path)
    _, held = trained(text.format(", l1 = 0.05, l2 = 0.2"), x, y, tmp_path)
    moved = [path for path in start if not np.array_equal(plain[path], held[path])]
    assert [path.rpartition("/")[2] for path in moved] == names
    for path in moved:
        wanted = -RATE * (0.05 * np.sign(start[path]) + 2 * 0.2 * start[path])
        np.testing.assert_allclose(held[path] - plain[path], wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("conv(3, 3x3, frozen = true, l2 = 0.5) -> gap -> dense(2)", ["conv/bias", "conv/kernel"]),
        ("conv(3, 3x3) -> batchnorm(frozen = true) -> gap -> dense(2)", ["batchnorm/bias", "batchnorm/scale"]),
    ],
)
def test_frozen_weights_stay(text: str, kept: list[str], tmp_path: Path) -> None:
    """The others move, running means among them; a penalty of frozen weights is none."""
    before, after = trained(f"input 6x6x4\n{text}", *IMAGES, tmp_path)
    assert sorted(path for path in before if np.array_equal(before[path], after[path])) == kept


def test_frozen_embedding_stays(tmp_path: Path) -> None:
    before, after = trained("input 5 tokens(7)\nembedding(4, frozen = true) -> gap -> dense(2)", *IDS, tmp_path)
    assert [path for path in before if np.array_equal(before[path], after[path])] == ["embedding/embedding"]


# ---------------------------------------------------------------- activations, beside numbers/


@pytest.mark.parametrize("name", words("activation"))
def test_activations_and_their_slopes_are_finite(name: str) -> None:
    """No overflow inside a branch that is not taken turns into a NaN of the gradient."""
    model = netspec.compile(f"input 2\n{name} -> identity")
    variables = model.init(0)
    x = jnp.array([[x, 0.5] for x in (-1e4, -80.0, -1e-6, 0.0, 1e-6, 80.0, 1e4)])
    y, pull = jax.vjp(lambda x: model.apply(variables, x), x)
    assert bool(jnp.all(jnp.isfinite(y)))
    assert bool(jnp.all(jnp.isfinite(pull(jnp.ones_like(y))[0])))


def test_slope_of_prelu() -> None:
    """One number for the whole layer: its gradient is the sum over all that is below zero."""
    model = netspec.compile("input 4\nprelu -> identity")
    variables, x = model.init(0), numbers(5, 4)
    gradient = jax.grad(lambda params: (model.apply({**variables, "params": params}, x) * 3).sum())
    (slope,) = jax.tree.leaves(gradient(variables["params"]))
    assert float(slope) == pytest.approx(3 * x[x < 0].sum(), rel=1e-5)


def test_activations_keep_the_precision() -> None:
    for name in words("activation"):
        model = netspec.compile(f"input 2\ndense(3, {name}, dtype = bf16) -> identity")
        found = jax.eval_shape(lambda variables, m=model: m.apply(variables, jnp.zeros((1, 2))), model.init(0))
        assert found.dtype == jnp.bfloat16, name
