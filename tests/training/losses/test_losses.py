"""Losses against PyTorch, against hand computation where numbers are extreme, and weights of classes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.metrics import hinge_loss

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.training.feed.device_data import loss_sums
from netspec.training.losses import Loss
from netspec.training.losses.classification import (
    BinaryCrossEntropy,
    CrossEntropy,
    Focal,
    Hinge,
    KullbackLeibler,
    SquaredHinge,
)
from netspec.training.losses.distributions import Poisson
from netspec.training.losses.regression import Cosine, Huber, Mae, Mse
from netspec.training.recipe.outputs import OutputRecipe

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(6, 5)).astype(np.float32) * 3
NUMBERS = RANDOM.random(size=(6, 5)).astype(np.float32)
SHARES = (NUMBERS / NUMBERS.sum(axis=1, keepdims=True)).astype(np.float32)
IDS = RANDOM.integers(0, 5, 6).astype(np.int32)
LABELS = RANDOM.integers(0, 2, (6, 5)).astype(np.float32)
COUNTS = RANDOM.integers(0, 9, (6, 5)).astype(np.float32)
CLASS_WEIGHTS = np.float32([0.5, 2, 1, 0.1, 3])


def value_and_gradient(loss: Loss, logits: Any, targets: Any, head: OutputHead) -> Any:
    return jax.value_and_grad(lambda x: loss.values(x, jnp.asarray(targets), head).mean())(jnp.asarray(logits))


def torch_value_and_gradient(function: Any, logits: Any, targets: Any) -> Any:
    torch = pytest.importorskip("torch")
    x = torch.tensor(logits, requires_grad=True)
    result = function(torch.nn.functional, x, torch.tensor(targets))
    result.backward()
    return result.detach().numpy(), x.grad.numpy()


def focal_of_sigmoid(gamma: float, alpha: float | None) -> Any:
    """As `torchvision.ops.sigmoid_focal_loss`."""

    def function(f: Any, x: Any, y: Any) -> Any:
        p = x.sigmoid()
        right = p * y + (1 - p) * (1 - y)
        loss = f.binary_cross_entropy_with_logits(x, y, reduction="none") * (1 - right) ** gamma
        return (loss if alpha is None else loss * (alpha * y + (1 - alpha) * (1 - y))).mean()

    return function


def focal_of_softmax(f: Any, x: Any, y: Any) -> Any:
    surprise = f.cross_entropy(x, y.long(), reduction="none")
    return ((1 - (-surprise).exp()) ** 2 * surprise).mean()


def margins(f: Any, x: Any, y: Any) -> Any:
    """Crammer and Singer's, by their formula."""
    right = x.gather(1, y.long()[:, None])[:, 0]
    others = x.masked_fill(f.one_hot(y.long(), 5).bool(), float("-inf")).max(1).values
    return f.relu(1 + others - right)


def yes_margins(f: Any, x: Any, y: Any) -> Any:
    return f.relu(1 - (2 * y - 1) * x)


CASES = [
    (Mse(), "linear", NUMBERS, lambda f, x, y: f.mse_loss(x, y)),
    (Mse(), "sigmoid", NUMBERS, lambda f, x, y: f.mse_loss(x.sigmoid(), y)),
    (Mse(), "softmax", IDS, lambda f, x, y: f.mse_loss(x.softmax(1), f.one_hot(y.long(), 5).float())),
    (Mae(), "linear", NUMBERS, lambda f, x, y: f.l1_loss(x, y)),
    (Huber(delta=0.7), "linear", NUMBERS, lambda f, x, y: f.huber_loss(x, y, delta=0.7)),
    (Poisson(), "exp", COUNTS, lambda f, x, y: f.poisson_nll_loss(x, y)),
    (Cosine(), "linear", NUMBERS, lambda f, x, y: (1 - f.cosine_similarity(x, y)).mean()),
    (CrossEntropy(), "softmax", IDS, lambda f, x, y: f.cross_entropy(x, y.long())),
    (CrossEntropy(), "softmax", SHARES, lambda f, x, y: f.cross_entropy(x, y)),
    (CrossEntropy(smoothing=0.1), "softmax", IDS, lambda f, x, y: f.cross_entropy(x, y.long(), label_smoothing=0.1)),
    (CrossEntropy(smoothing=0.3), "softmax", SHARES, lambda f, x, y: f.cross_entropy(x, y, label_smoothing=0.3)),
    (KullbackLeibler(), "softmax", SHARES, lambda f, x, y: f.kl_div(x.log_softmax(1), y, reduction="batchmean")),
    (BinaryCrossEntropy(), "sigmoid", NUMBERS, lambda f, x, y: f.binary_cross_entropy_with_logits(x, y)),
    (
        BinaryCrossEntropy(smoothing=0.2),
        "sigmoid",
        LABELS,
        lambda f, x, y: f.binary_cross_entropy_with_logits(x, y * 0.8 + 0.1),
    ),
    (
        BinaryCrossEntropy(yes=4.0),
        "sigmoid",
        LABELS,
        lambda f, x, y: f.binary_cross_entropy_with_logits(x, y, pos_weight=4 * y.new_ones(5)),
    ),
    (Focal(), "sigmoid", LABELS, focal_of_sigmoid(2, None)),
    (Focal(gamma=1.5, alpha=0.25), "sigmoid", LABELS, focal_of_sigmoid(1.5, 0.25)),
    (Focal(), "softmax", IDS, focal_of_softmax),
    (Focal(gamma=0.0), "softmax", IDS, lambda f, x, y: f.cross_entropy(x, y.long())),
    (Hinge(), "margin", IDS, lambda f, x, y: margins(f, x, y).mean()),
    (SquaredHinge(), "margin", IDS, lambda f, x, y: (margins(f, x, y) ** 2).mean()),
    (Hinge(), "margin", LABELS, lambda f, x, y: yes_margins(f, x, y).mean()),
    (SquaredHinge(), "margin", LABELS, lambda f, x, y: (yes_margins(f, x, y) ** 2).mean()),
]


@pytest.mark.oracle
@pytest.mark.parametrize(("loss", "activation", "targets", "function"), CASES)
def test_value_and_gradient_equal_pytorch(loss: Loss, activation: str, targets: Any, function: Any) -> None:
    expected, slope = torch_value_and_gradient(function, LOGITS, targets)
    found, gradient = value_and_gradient(loss, LOGITS, targets, OutputHead((5,), activation))
    np.testing.assert_allclose(found, expected, rtol=5e-6)
    np.testing.assert_allclose(gradient, slope, rtol=5e-5, atol=2e-7)


@pytest.mark.oracle
def test_poisson_of_a_rate_equals_pytorch() -> None:
    rates = np.exp(LOGITS)
    function = lambda f, x, y: f.poisson_nll_loss(x, y, log_input=False)  # noqa: E731
    expected, slope = torch_value_and_gradient(function, rates, COUNTS)
    found, gradient = value_and_gradient(Poisson(log=False), rates, COUNTS, OutputHead((5,)))
    np.testing.assert_allclose(found, expected, rtol=5e-6)
    np.testing.assert_allclose(gradient, slope, rtol=5e-5, atol=2e-7)


@pytest.mark.oracle
def test_cross_entropy_of_sequences_equals_pytorch() -> None:
    logits = RANDOM.normal(size=(4, 7, 5)).astype(np.float32)
    ids = RANDOM.integers(0, 5, (4, 7)).astype(np.int32)
    function = lambda f, x, y: f.cross_entropy(x.reshape(-1, 5), y.long().reshape(-1))  # noqa: E731
    expected, slope = torch_value_and_gradient(function, logits, ids)
    found, gradient = value_and_gradient(CrossEntropy(), logits, ids, OutputHead((7, 5), "softmax"))
    np.testing.assert_allclose(found, expected, rtol=2e-6)
    np.testing.assert_allclose(gradient, slope, rtol=2e-5, atol=1e-7)


def test_hinge_equals_scikit_learn() -> None:
    found = Hinge().values(jnp.asarray(LOGITS), jnp.asarray(IDS), OutputHead((5,), "margin")).mean()
    assert float(found) == pytest.approx(hinge_loss(IDS, LOGITS, labels=range(5)), rel=1e-6)
    found = Hinge().values(jnp.asarray(LOGITS[:, :1]), jnp.asarray(LABELS[:, :1]), OutputHead((1,), "margin")).mean()
    assert float(found) == pytest.approx(hinge_loss(LABELS[:, 0], LOGITS[:, 0]), rel=1e-6)


def test_multiclass_hinge_and_cosine_equal_optax() -> None:
    found = Hinge().values(jnp.asarray(LOGITS), jnp.asarray(IDS), OutputHead((5,), "margin"))
    np.testing.assert_allclose(found, optax.losses.multiclass_hinge_loss(LOGITS, IDS), rtol=1e-6)
    found = Cosine().values(jnp.asarray(LOGITS), jnp.asarray(NUMBERS), OutputHead((5,)))
    np.testing.assert_allclose(found, optax.cosine_distance(LOGITS, NUMBERS), rtol=1e-5)


@pytest.mark.parametrize(
    ("logit", "target", "expected"), [(1000, 0, 1000), (-1000, 1, 1000), (1000, 1, 0), (0, 1, np.log(2))]
)
@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), BinaryCrossEntropy(yes=1.0 + 1e-9), Focal(gamma=0.0)])
def test_yes_or_no_is_stable(loss: Loss, logit: float, target: float, expected: float) -> None:
    head = OutputHead((1,), "sigmoid")
    found, gradient = value_and_gradient(loss, np.float32([[logit]]), np.float32([[target]]), head)
    assert float(found) == pytest.approx(expected)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(smoothing=1e-9), Focal(gamma=0.5), Focal(gamma=2.0)])
def test_losses_of_classes_are_stable(loss: Loss) -> None:
    logits = np.float32([[1e4, 0, -1e4], [-1e4, 0, 1e4]])
    found, gradient = value_and_gradient(loss, logits, np.int32([0, 0]), OutputHead((3,), "softmax"))
    assert float(found) == pytest.approx(1e4)  # (0 + 20000) / 2
    assert np.isfinite(gradient).all()


def test_a_perfect_answer_has_no_divergence() -> None:
    logits = np.log(SHARES)
    found, gradient = value_and_gradient(KullbackLeibler(), logits, SHARES, OutputHead((5,), "softmax"))
    assert abs(float(found)) < 1e-6
    np.testing.assert_allclose(gradient, 0, atol=1e-7)
    certain = np.float32([[1, 0, 0, 0, 0]])
    found, gradient = value_and_gradient(KullbackLeibler(), np.zeros((1, 5)), certain, OutputHead((5,), "softmax"))
    assert float(found) == pytest.approx(np.log(5))
    assert np.isfinite(gradient).all()


def test_a_vector_of_zeros_has_no_direction() -> None:
    found, gradient = value_and_gradient(Cosine(), np.zeros((2, 5)), NUMBERS[:2], OutputHead((5,)))
    assert float(found) == 1
    assert np.isfinite(gradient).all()


def test_a_value_for_every_answer() -> None:
    found = CrossEntropy().values(jnp.zeros((4, 2, 3)), jnp.zeros((4, 2), jnp.int32), OutputHead((2, 3), "softmax"))
    np.testing.assert_allclose(found, np.full((4, 2), np.log(3)), rtol=1e-6)


# ---------------------------------------------------------------- weights of classes


def weighted(loss: Loss, logits: Any, targets: Any, head: OutputHead, weights: Any, counted: Any = None) -> Any:
    """Mean and gradient of a batch, as training makes them, and the sums for a split."""
    output = OutputRecipe(head, Target("class", 1, len(weights)), loss, (), 1.0, tuple(map(float, weights)))

    def mean(x: Any) -> Any:
        return loss_sums(output, x, jnp.asarray(targets), counted)

    (value, sums), gradient = jax.value_and_grad(mean, has_aux=True)(jnp.asarray(logits))
    return value, gradient, sums


@pytest.mark.oracle
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_weights_of_classes_equal_those_of_pytorch(smoothing: float) -> None:
    def function(f: Any, x: Any, y: Any) -> Any:
        return f.cross_entropy(x, y.long(), weight=x.new_tensor(CLASS_WEIGHTS), label_smoothing=smoothing)

    expected, slope = torch_value_and_gradient(function, LOGITS, IDS)
    loss = CrossEntropy(smoothing=smoothing)
    found, gradient, sums = weighted(loss, LOGITS, IDS, OutputHead((5,), "softmax"), CLASS_WEIGHTS)
    np.testing.assert_allclose(found, expected, rtol=5e-6)
    np.testing.assert_allclose(gradient, slope, rtol=5e-5, atol=2e-7)
    assert float(sums["weight"]) == pytest.approx(CLASS_WEIGHTS[IDS].sum(), rel=1e-6)
    assert float(sums["loss"] / sums["weight"]) == pytest.approx(float(found), rel=1e-6)


@pytest.mark.oracle
def test_weights_of_yes_and_no() -> None:
    def function(f: Any, x: Any, y: Any) -> Any:
        weights = 0.3 + (2 - 0.3) * y
        return (f.binary_cross_entropy_with_logits(x, y, reduction="none") * weights).sum() / weights.sum()

    expected, slope = torch_value_and_gradient(function, LOGITS[:, :1], LABELS[:, :1])
    head = OutputHead((1,), "sigmoid")
    found, gradient, _ = weighted(BinaryCrossEntropy(), LOGITS[:, :1], LABELS[:, :1], head, [0.3, 2])
    np.testing.assert_allclose(found, expected, rtol=5e-6)
    np.testing.assert_allclose(gradient, slope, rtol=5e-5, atol=2e-7)


def test_shares_of_classes_weigh_by_their_shares() -> None:
    head, one_hot = OutputHead((5,), "softmax"), np.eye(5, dtype=np.float32)[IDS]
    for loss in (CrossEntropy(), CrossEntropy(smoothing=0.2), Focal()):
        by_id = weighted(loss, LOGITS, IDS, head, CLASS_WEIGHTS)
        by_share = weighted(loss, LOGITS, one_hot, head, CLASS_WEIGHTS)
        np.testing.assert_allclose(by_share[0], by_id[0], rtol=1e-5)
        np.testing.assert_allclose(by_share[1], by_id[1], rtol=1e-4, atol=1e-6)


def test_a_loss_of_each_unit_is_weighted_too() -> None:
    found, _, _ = weighted(Mse(), LOGITS, IDS, OutputHead((5,), "softmax"), CLASS_WEIGHTS)
    powers = np.exp(LOGITS - LOGITS.max(1, keepdims=True))
    errors = powers / powers.sum(1, keepdims=True) - np.eye(5)[IDS]
    expected = np.average((errors**2).mean(1), weights=CLASS_WEIGHTS[IDS])
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_rows_that_fill_up_have_no_weight() -> None:
    rows = jnp.arange(6) < 4
    head = OutputHead((5,), "softmax")
    found, gradient, sums = weighted(CrossEntropy(), LOGITS, IDS, head, CLASS_WEIGHTS, rows)
    expected, slope, some = weighted(CrossEntropy(), LOGITS[:4], IDS[:4], head, CLASS_WEIGHTS)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient[:4], slope, rtol=1e-5)
    assert not np.any(gradient[4:])
    assert float(sums["weight"]) == pytest.approx(float(some["weight"]))


def test_classes_that_count_nothing_give_no_loss() -> None:
    found, gradient, _ = weighted(CrossEntropy(), LOGITS, np.full(6, 1), OutputHead((5,), "softmax"), [1, 0, 1, 1, 1])
    assert float(found) == 0
    assert not np.any(gradient)
