"""Losses against PyTorch, and against hand computation where numbers are extreme."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.train.heads import HeadInfo
from netspec.train.losses import BinaryCrossEntropy, CrossEntropy, Huber, Loss, Mae, Mse

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(6, 5)).astype(np.float32) * 3
NUMBERS = RANDOM.random(size=(6, 5)).astype(np.float32)
IDS = RANDOM.integers(0, 5, 6).astype(np.int32)


def value_and_gradient(loss: Loss, logits, targets, head: HeadInfo):
    return jax.value_and_grad(lambda x: loss.values(x, jnp.asarray(targets), head).mean())(jnp.asarray(logits))


def torch_value_and_gradient(function, logits, targets):
    torch = pytest.importorskip("torch")
    x = torch.tensor(logits, requires_grad=True)
    result = function(torch.nn.functional, x, torch.tensor(targets))
    result.backward()
    return result.detach().numpy(), x.grad.numpy()


CASES = [
    (Mse(), "linear", NUMBERS, lambda f, x, y: f.mse_loss(x, y)),
    (Mse(), "sigmoid", NUMBERS, lambda f, x, y: f.mse_loss(x.sigmoid(), y)),
    (Mae(), "linear", NUMBERS, lambda f, x, y: f.l1_loss(x, y)),
    (Huber(delta=0.7), "linear", NUMBERS, lambda f, x, y: f.huber_loss(x, y, delta=0.7)),
    (CrossEntropy(), "softmax", IDS, lambda f, x, y: f.cross_entropy(x, y.long())),
    (CrossEntropy(), "softmax", NUMBERS, lambda f, x, y: f.cross_entropy(x, y)),
    (BinaryCrossEntropy(), "sigmoid", NUMBERS, lambda f, x, y: f.binary_cross_entropy_with_logits(x, y)),
    (Mse(), "softmax", IDS, lambda f, x, y: f.mse_loss(x.softmax(1), f.one_hot(y.long(), 5).float())),
]


@pytest.mark.oracle
@pytest.mark.parametrize(("loss", "activation", "targets", "function"), CASES)
def test_value_and_gradient_equal_pytorch(loss, activation, targets, function) -> None:
    expected, slope = torch_value_and_gradient(function, LOGITS, targets)
    found, gradient = value_and_gradient(loss, LOGITS, targets, HeadInfo((5,), activation))
    np.testing.assert_allclose(found, expected, rtol=2e-6)
    np.testing.assert_allclose(gradient, slope, rtol=2e-5, atol=1e-7)


@pytest.mark.oracle
def test_cross_entropy_of_sequences_equals_pytorch() -> None:
    logits = RANDOM.normal(size=(4, 7, 5)).astype(np.float32)
    ids = RANDOM.integers(0, 5, (4, 7)).astype(np.int32)
    function = lambda f, x, y: f.cross_entropy(x.reshape(-1, 5), y.long().reshape(-1))  # noqa: E731
    expected, slope = torch_value_and_gradient(function, logits, ids)
    found, gradient = value_and_gradient(CrossEntropy(), logits, ids, HeadInfo((7, 5), "softmax"))
    np.testing.assert_allclose(found, expected, rtol=2e-6)
    np.testing.assert_allclose(gradient, slope, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("logit", "target", "expected"), [(1000, 0, 1000), (-1000, 1, 1000), (1000, 1, 0), (0, 1, np.log(2))]
)
def test_binary_cross_entropy_is_stable(logit: float, target: float, expected: float) -> None:
    head = HeadInfo((1,), "sigmoid")
    found, gradient = value_and_gradient(BinaryCrossEntropy(), np.float32([[logit]]), np.float32([[target]]), head)
    assert float(found) == pytest.approx(expected)
    assert np.isfinite(gradient).all()


def test_cross_entropy_is_stable() -> None:
    logits = np.float32([[1e4, 0, -1e4], [-1e4, 0, 1e4]])
    found, gradient = value_and_gradient(CrossEntropy(), logits, np.int32([0, 0]), HeadInfo((3,), "softmax"))
    assert float(found) == pytest.approx(1e4)  # (0 + 20000) / 2
    assert np.isfinite(gradient).all()


def test_a_value_for_every_answer() -> None:
    found = CrossEntropy().values(jnp.zeros((4, 2, 3)), jnp.zeros((4, 2), jnp.int32), HeadInfo((2, 3), "softmax"))
    np.testing.assert_allclose(found, np.full((4, 2), np.log(3)), rtol=1e-6)
