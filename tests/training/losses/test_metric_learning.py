"""Losses of sequences and of pairs of examples: against PyTorch, and against their formulas written out in loops."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.training.feed.device_data import loss_sums
from netspec.training.losses import Loss
from netspec.training.losses.ctc import Ctc
from netspec.training.losses.metric_learning import Contrastive, Triplet
from netspec.training.recipe.outputs import OutputRecipe

RANDOM = np.random.default_rng(1)
POINTS = RANDOM.normal(size=(24, 3)).astype(np.float32)
IDS = RANDOM.integers(0, 4, 24).astype(np.int32)


def mean_and_gradient(loss: Loss, logits: Any, targets: Any, head: OutputHead, counted: Any = None) -> Any:
    output = OutputRecipe(head, Target("class", 1, 5), loss, ())

    def mean(x: Any) -> Any:
        return loss_sums(output, x, jnp.asarray(targets), counted)

    (value, sums), gradient = jax.jit(jax.value_and_grad(mean, has_aux=True))(jnp.asarray(logits))
    return float(value), np.asarray(gradient), sums


# ---------------------------------------------------------------- ctc


def spelt(rows: int, steps: int, classes: int, blank: int) -> tuple[Any, Any, Any]:
    """Logits, targets filled up with the blank, and their lengths."""
    logits = RANDOM.normal(size=(rows, steps, classes)).astype(np.float32)
    lengths = RANDOM.integers(0, 5, rows)
    letters = np.array([i for i in range(classes) if i != blank])[RANDOM.integers(0, classes - 1, (rows, 4))]
    return logits, np.where(np.arange(4) < lengths[:, None], letters, blank).astype(np.int32), lengths


def torch_ctc(logits: Any, targets: Any, lengths: Any, steps: Any, blank: int) -> Any:
    torch = pytest.importorskip("torch")
    x = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.ctc_loss(
        x.log_softmax(2).transpose(0, 1),
        torch.tensor(targets).long(),
        torch.tensor(steps),
        torch.tensor(lengths),
        blank=blank,
        reduction="none",
    ).mean()
    loss.backward()
    return loss.item(), x.grad.numpy()


@pytest.mark.oracle
@pytest.mark.parametrize("blank", [0, 2, 5])
def test_ctc_equals_pytorch(blank: int) -> None:
    logits, targets, lengths = spelt(7, 12, 6, blank)
    expected, slope = torch_ctc(logits, targets, lengths, [12] * 7, blank)
    found, gradient, sums = mean_and_gradient(Ctc(blank=blank), logits, targets, OutputHead((12, 6), "softmax"))
    assert found == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, slope, rtol=1e-3, atol=2e-6)
    assert float(sums["weight"]) == 7


@pytest.mark.oracle
def test_ctc_leaves_out_steps_that_fill_up() -> None:
    logits, targets, lengths = spelt(5, 12, 6, 0)
    steps = np.array([12, 11, 10, 9, 10])
    expected, slope = torch_ctc(logits, targets, lengths, steps, 0)
    counted = jnp.arange(12) < steps[:, None]
    found, gradient, _ = mean_and_gradient(Ctc(), logits, targets, OutputHead((12, 6), "softmax"), counted)
    assert found == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, slope, rtol=1e-3, atol=2e-6)


def test_ctc_of_rows_that_fill_up() -> None:
    logits, targets, _ = spelt(6, 12, 6, 0)
    head = OutputHead((12, 6), "softmax")
    found, gradient, _ = mean_and_gradient(Ctc(), logits, targets, head, jnp.arange(6) < 4)
    expected, slope, _ = mean_and_gradient(Ctc(), logits[:4], targets[:4], head)
    assert found == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gradient[:4], slope, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(gradient[4:], 0)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ([1, 0, 2, 0], "between its classes"),
        ([1, 1, 1, 0], "needs 5 steps for 3 classes, and the network has 4"),
        ([1, 2, 3, 1], None),
        ([1, 1, 2, 0], None),
        ([0, 0, 0, 0], None),
    ],
)
def test_targets_that_ctc_cannot_spell(target: list[int], reason: str | None) -> None:
    wrong = Ctc().wrong_targets(np.array([[1, 0, 0, 0], target]), OutputHead((4, 5), "softmax"))
    if reason is None:
        assert wrong is None
    else:
        assert wrong is not None and wrong.index == 1 and reason in wrong.reason


# ---------------------------------------------------------------- points


def contrastive_by_hand(points: np.ndarray, ids: np.ndarray, margin: float) -> float:
    values = []
    for i in range(len(points)):
        for j in range(i + 1, len(points)):
            distance = np.linalg.norm(points[i] - points[j])
            values.append(distance**2 if ids[i] == ids[j] else max(0, margin - distance) ** 2)
    return float(np.mean(values))


def triplet_by_hand(points: np.ndarray, ids: np.ndarray, margin: float) -> float:
    distances = np.linalg.norm(points[:, None] - points[None, :], axis=-1)
    values = []
    for anchor in range(len(points)):
        others = distances[anchor][ids != ids[anchor]]
        for positive in range(len(points)):
            if positive == anchor or ids[positive] != ids[anchor] or not len(others):
                continue
            pair = distances[anchor, positive]
            farther = others[others > pair]
            chosen = farther.min() if len(farther) else others.max()
            values.append(max(0, margin + pair - chosen))
    return float(np.mean(values))


def slopes(function: Any, points: np.ndarray, size: float = 1e-6) -> np.ndarray:
    """The gradient by differences."""
    found = np.zeros_like(points)
    for place in np.ndindex(points.shape):
        step = np.zeros_like(points)
        step[place] = size
        found[place] = (function(points + step) - function(points - step)) / (2 * size)
    return found


@pytest.mark.parametrize(
    ("loss", "by_hand"),
    [
        (Contrastive(), contrastive_by_hand),
        (Contrastive(margin=2.5), contrastive_by_hand),
        (Triplet(), triplet_by_hand),
        (Triplet(margin=0.2), triplet_by_hand),
    ],
)
def test_points_by_hand(loss: Any, by_hand: Any) -> None:
    found, gradient, _ = mean_and_gradient(loss, POINTS, IDS, OutputHead((3,)))
    assert found == pytest.approx(by_hand(POINTS, IDS, loss.margin), rel=1e-5)
    expected = slopes(lambda points: by_hand(points, IDS, loss.margin), POINTS.astype(np.float64))
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.oracle
def test_a_triplet_equals_pytorch() -> None:
    """With one pair and one other there is nothing to choose."""
    torch = pytest.importorskip("torch")
    x = torch.tensor(POINTS[:3], requires_grad=True)
    value = torch.nn.functional.triplet_margin_loss(x[:1], x[1:2], x[2:], margin=0.7)
    other = torch.nn.functional.triplet_margin_loss(x[1:2], x[:1], x[2:], margin=0.7)
    mean = (value + other) / 2
    mean.backward()
    found, gradient, _ = mean_and_gradient(Triplet(margin=0.7), POINTS[:3], np.int32([0, 0, 1]), OutputHead((3,)))
    assert found == pytest.approx(mean.item(), rel=1e-4)
    np.testing.assert_allclose(gradient, x.grad.numpy(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("loss", [Contrastive(), Triplet()])
def test_rows_that_fill_up_are_no_partners(loss: Loss) -> None:
    found, gradient, sums = mean_and_gradient(loss, POINTS, IDS, OutputHead((3,)), jnp.arange(24) < 17)
    expected, slope, some = mean_and_gradient(loss, POINTS[:17], IDS[:17], OutputHead((3,)))
    assert found == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gradient[:17], slope, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(gradient[17:], 0)
    assert float(sums["weight"]) == float(some["weight"])


@pytest.mark.parametrize("loss", [Contrastive(), Triplet()])
@pytest.mark.parametrize("ids", [np.zeros(6), np.arange(6)])
def test_batches_with_one_class_or_with_all_different(loss: Loss, ids: np.ndarray) -> None:
    points = np.zeros((6, 3), np.float32)  # and all points in one place
    found, gradient, sums = mean_and_gradient(loss, points, ids.astype(np.int32), OutputHead((3,)))
    assert np.isfinite(found) and np.isfinite(gradient).all()
    if isinstance(loss, Triplet):
        assert found == 0 and float(sums["weight"]) == 0


def test_a_distance_between_two_inputs() -> None:
    distances = np.float32([[0.3], [2], [0.4], [1.5]])
    alike = np.float32([[1], [1], [0], [0]])
    found, gradient, _ = mean_and_gradient(Contrastive(), distances, alike, OutputHead((1,)))
    assert found == pytest.approx((0.09 + 4 + 0.36 + 0) / 4)
    np.testing.assert_allclose(gradient[:, 0], [0.15, 1, -0.3, 0], rtol=1e-6)
