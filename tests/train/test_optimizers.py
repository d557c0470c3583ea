"""Optimizers against PyTorch, step by step."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspec.train.optimizers import Adam, Adamw, Clip, ClipValue, Optimizer, Rmsprop, Sgd, build_optimizer

START = {"kernel": np.float32([[1.0, -2.0], [0.5, 3.0]]), "bias": np.float32([0.3, -0.7])}
GRADIENTS = [
    {name: np.random.default_rng(i).normal(size=value.shape).astype(np.float32) for name, value in START.items()}
    for i in range(6)
]


def ours(*chain: Optimizer, gradients=GRADIENTS, factor=lambda step: 1.0):
    optimizer = build_optimizer(chain, factor)
    params = {name: jnp.asarray(value) for name, value in START.items()}
    state = optimizer.init(params)
    for gradient in gradients:
        updates, state = optimizer.update({k: jnp.asarray(v) for k, v in gradient.items()}, state, params)
        params = optax.apply_updates(params, updates)
    return params


CASES = [
    (Adam(rate=0.1), lambda o, p: o.Adam(p, lr=0.1)),
    (Adam(rate=0.1, b1=0.5, b2=0.9, epsilon=1e-3), lambda o, p: o.Adam(p, lr=0.1, betas=(0.5, 0.9), eps=1e-3)),
    (Sgd(rate=0.1), lambda o, p: o.SGD(p, lr=0.1)),
    (Sgd(rate=0.1, momentum=0.9), lambda o, p: o.SGD(p, lr=0.1, momentum=0.9)),
    (Sgd(rate=0.1, momentum=0.9, nesterov=True), lambda o, p: o.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
    (Rmsprop(rate=0.01), lambda o, p: o.RMSprop(p, lr=0.01, alpha=0.9)),
]


@pytest.mark.oracle
@pytest.mark.parametrize(("word", "make"), CASES, ids=lambda v: v.spelling() if isinstance(v, Optimizer) else "")
def test_equals_pytorch(word: Optimizer, make) -> None:
    torch = pytest.importorskip("torch")
    params = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in START.items()}
    theirs = make(torch.optim, list(params.values()))
    for gradient in GRADIENTS:
        for name, value in params.items():
            value.grad = torch.tensor(gradient[name])
        theirs.step()
    for name, value in ours(word).items():
        np.testing.assert_allclose(value, params[name].detach().numpy(), rtol=2e-5, atol=5e-6)


@pytest.mark.oracle
def test_adamw_equals_pytorch_on_kernels_and_spares_biases() -> None:
    torch = pytest.importorskip("torch")
    params = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in START.items()}
    groups = [{"params": [params["kernel"]], "weight_decay": 0.3}, {"params": [params["bias"]], "weight_decay": 0.0}]
    theirs = torch.optim.AdamW(groups, lr=0.1)
    for gradient in GRADIENTS:
        for name, value in params.items():
            value.grad = torch.tensor(gradient[name])
        theirs.step()
    for name, value in ours(Adamw(rate=0.1, decay=0.3)).items():
        np.testing.assert_allclose(value, params[name].detach().numpy(), rtol=2e-5, atol=5e-6)


def test_clip_shrinks_all_weights_together() -> None:
    gradient = {"kernel": np.float32([[3, 0], [0, 0]]), "bias": np.float32([0, 4])}  # of length 5
    found = ours(Clip(norm=1.0), Sgd(rate=1.0), gradients=[gradient])
    np.testing.assert_allclose(START["kernel"] - found["kernel"], gradient["kernel"] / 5, rtol=1e-5)
    np.testing.assert_allclose(START["bias"] - found["bias"], gradient["bias"] / 5, rtol=1e-5)


def test_clip_leaves_short_gradients_alone() -> None:
    gradient = {"kernel": np.float32([[0.3, 0], [0, 0]]), "bias": np.float32([0, 0.4])}
    found = ours(Clip(norm=1.0), Sgd(rate=1.0), gradients=[gradient])
    np.testing.assert_allclose(START["bias"] - found["bias"], gradient["bias"], rtol=1e-5)


def test_clip_value_cuts_each_number() -> None:
    gradient = {"kernel": np.float32([[3, -0.2], [-9, 0]]), "bias": np.float32([0.1, 4])}
    found = ours(ClipValue(limit=0.5), Sgd(rate=1.0), gradients=[gradient])
    np.testing.assert_allclose(START["kernel"] - found["kernel"], [[0.5, -0.2], [-0.5, 0]], rtol=1e-5)


def test_the_schedule_multiplies_the_rate() -> None:
    ones = {name: np.ones_like(value) for name, value in START.items()}
    found = ours(Sgd(rate=0.5), gradients=[ones] * 3, factor=lambda step: jnp.where(step < 2, 1.0, 0.1))
    np.testing.assert_allclose(START["bias"] - found["bias"], [1.05, 1.05], rtol=1e-6)
