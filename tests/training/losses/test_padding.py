"""Steps that only fill a text up count neither in losses nor in metrics: compared with the same by hand."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics as oracle

import netspec
from netspec.compiler.ir.graph import Padding
from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.training.feed.device_data import loss_sums
from netspec.training.losses.classification import CrossEntropy
from netspec.training.recipe.outputs import OutputRecipe

SPEC = """
input text: 6 tokens(11, pad = 0)
embedding(8) -> dense(16, tanh) -> dense({units})
train {{
    optimizer = sgd(0.1)
    loss = {loss}
    metrics = {metrics}
}}
"""


def texts(rows: int) -> np.ndarray:
    """Ids 1 to 10, of lengths 1 to 6, filled up with 0."""
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 11, (rows, 6))
    lengths = rng.integers(1, 7, rows)
    return np.where(np.arange(6) < lengths[:, None], ids, 0).astype(np.int32)


def test_classes_of_steps(tmp_path: Path) -> None:
    x = texts(400)
    y = np.where(x > 0, x % 3, 2)  # what stands at the padding is a class that would spoil the figures
    spec = SPEC.format(units="3, softmax", loss="cross_entropy", metrics="[accuracy, perplexity]")
    result = netspec.train(netspec.compile(spec), (x, y, x, y), epochs=3, batch=50, runs=tmp_path)
    real = x > 0
    answers = np.asarray(result.model(x))
    surprise = -np.log(np.take_along_axis(answers, y[..., None], -1)[..., 0])[real]
    figures = result.metrics
    assert figures["test_loss"] == pytest.approx(surprise.mean(), rel=1e-5)
    assert figures["test_perplexity"] == pytest.approx(np.exp(surprise.mean()), rel=1e-5)
    assert figures["test_accuracy"] == pytest.approx((answers.argmax(-1) == y)[real].mean(), abs=1e-9)
    assert 0 < real.mean() < 0.9


def test_numbers_of_steps(tmp_path: Path) -> None:
    x = texts(400)
    y = np.stack([x * 0.1 + 1, np.cos(x)], axis=-1).astype(np.float32)
    y[x == 0] = 1000
    spec = SPEC.format(units=2, loss="mse", metrics="[mse, rmse, mae, r2]")
    plain = netspec.compile(spec, params={"data.normalize_targets": "none"})  # the loss is in units, too
    result = netspec.train(plain, (x, y, x, y), epochs=30, batch=50, runs=tmp_path)
    real = x > 0
    error = (np.asarray(result.model(x)) - y)[real]
    figures = result.metrics
    assert figures["test_loss"] == pytest.approx((error**2).mean(), rel=1e-4)
    assert figures["test_rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)
    assert figures["test_mae"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert figures["test_mse"] < 0.5, "the numbers at the padding pull at nothing"


def test_padding_does_not_move_the_weights(tmp_path: Path) -> None:
    x = texts(64)
    spec = netspec.compile(SPEC.format(units="3, softmax", loss="cross_entropy", metrics="accuracy"))
    found = []
    for filler in (0, 2):
        y = np.where(x > 0, x % 3, filler)
        result = netspec.train(spec, (x, y), epochs=2, batch=16, runs=tmp_path)
        found.append([np.asarray(leaf) for leaf in (result.model(x), result.metrics["loss"])])
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_metrics_of_classes_of_steps(tmp_path: Path) -> None:
    x = texts(400)
    y = np.where(x > 0, x % 3, 2)
    metrics = "f1 -> top(2) -> accuracy(macro) -> iou(per_class) -> confusion_matrix"
    spec = SPEC.format(units="3, softmax", loss="cross_entropy", metrics=metrics)
    result = netspec.train(netspec.compile(spec), (x, y, x, y), epochs=2, batch=50, runs=tmp_path)
    real = x > 0
    answers = np.asarray(result.model(x))[real]
    decided, right, figures = answers.argmax(-1), y[real], result.metrics
    assert figures["test_f1"] == pytest.approx(oracle.f1_score(right, decided, average="macro"))
    assert figures["test_top_2"] == pytest.approx(oracle.top_k_accuracy_score(right, answers, k=2))
    assert figures["test_accuracy_macro"] == pytest.approx(oracle.balanced_accuracy_score(right, decided))
    assert figures["test_iou_per_class"] == pytest.approx(oracle.jaccard_score(right, decided, average=None))
    assert figures["test_confusion_matrix"] == oracle.confusion_matrix(right, decided).tolist()


def test_explained_variance_of_steps(tmp_path: Path) -> None:
    x = texts(300)
    y = np.cos(x)[..., None].astype(np.float32)
    y[x == 0] = 1000
    spec = SPEC.format(units=1, loss="mse", metrics="[mape, explained_variance]")
    result = netspec.train(netspec.compile(spec), (x, y, x, y), epochs=10, batch=50, runs=tmp_path)
    real, answers = x > 0, np.asarray(result.model(x))
    each = [oracle.explained_variance_score(y[real[:, t], t], answers[real[:, t], t]) for t in range(6)]
    assert result.metrics["test_explained_variance"] == pytest.approx(np.mean(each), abs=1e-4)
    expected = oracle.mean_absolute_percentage_error(y[real], answers[real])
    assert result.metrics["test_mape"] == pytest.approx(expected, rel=1e-4)


def test_weights_of_classes_of_steps() -> None:
    """Through `loss_sums`, for the data give weights to one class for each example only."""
    x = texts(64)
    y = np.where(x > 0, x % 3, 2).astype(np.int32)
    logits = np.random.default_rng(1).normal(size=(64, 6, 3)).astype(np.float32)
    head = OutputHead((6, 3), "softmax", padding=Padding("text", 0))
    output = OutputRecipe(head, Target("class", 6, 3), CrossEntropy(), (), 1.0, (1.0, 2.0, 0.5))
    mean, sums = loss_sums(output, jnp.asarray(logits), jnp.asarray(y), jnp.asarray(x > 0))
    surprise = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, y[..., None], -1)[..., 0]
    weights = np.array([1, 2, 0.5])[y]
    assert float(mean) == pytest.approx(np.average(surprise[x > 0], weights=weights[x > 0]), rel=1e-5)
    assert int(sums["counted"]) == (x > 0).sum()


def test_sequences_spelt_by_steps_that_are_filled_up(tmp_path: Path) -> None:
    """A text is answered by its own letters, shifted: as many as it has steps, or fewer where letters repeat."""
    x = texts(300)
    x[:, 1:][x[:, 1:] == x[:, :-1]] = 0  # what comes twice in a row would need a blank between
    x = np.array([np.r_[row[row > 0], np.zeros((row == 0).sum())] for row in x], np.int32)
    keep = ~((x[:, 1:] == x[:, :-1]) & (x[:, 1:] > 0)).any(axis=1)
    x = x[keep]
    y = np.where(x > 0, x % 11, 0)
    spec = SPEC.format(units="11, softmax", loss="ctc", metrics="error_rate").replace("sgd(0.1)", "adam(0.02)")
    result = netspec.train(netspec.compile(spec), (x, y, x, y), epochs=30, batch=50, runs=tmp_path)
    assert result.metrics["test_error_rate"] < 0.05
    assert result.metrics["test_loss"] < 0.5
