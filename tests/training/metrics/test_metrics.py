"""Metrics against scikit-learn and hand computation, on splits that do not divide into whole batches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.training.metrics import is_higher_better
from netspec.training.metrics.classification import Accuracy, ConfusionMatrix, Perplexity
from netspec.training.metrics.ranking import RocAuc, area_under_roc
from netspec.training.metrics.regression import (
    ExplainedVariance,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    RootMeanSquaredError,
    RSquared,
)
from tests.training.measuring import measured

RANDOM = np.random.default_rng(3)


def test_classes() -> None:
    logits = RANDOM.normal(size=(777, 4)).astype(np.float32)
    ids = RANDOM.integers(0, 4, 777).astype(np.int32)
    found = measured(
        logits, ids, OutputHead((4,), "softmax"), Target("class", 1, 4), Accuracy(), ConfusionMatrix(), Perplexity()
    )
    powers = np.exp(logits.astype(np.float64))
    loss = oracle.log_loss(ids, powers / powers.sum(1, keepdims=True))
    assert found["loss"] == pytest.approx(loss, rel=1e-6)
    assert found["perplexity"] == pytest.approx(math.exp(loss), rel=1e-6)
    assert found["accuracy"] == oracle.accuracy_score(ids, logits.argmax(1))
    assert found["confusion_matrix"] == oracle.confusion_matrix(ids, logits.argmax(1)).tolist()


def test_sequences_count_each_step() -> None:
    logits = RANDOM.normal(size=(300, 5, 4)).astype(np.float32)
    ids = RANDOM.integers(0, 4, (300, 5)).astype(np.int32)
    found = measured(logits, ids, OutputHead((5, 4), "softmax"), Target("class", 5, 4))
    assert found["accuracy"] == oracle.accuracy_score(ids.ravel(), logits.argmax(-1).ravel())
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]), rel=1e-6)


def test_numbers() -> None:
    answers = RANDOM.normal(size=(601, 3)).astype(np.float32)
    numbers = (answers + RANDOM.normal(size=(601, 3)) + [0, 100, 1000]).astype(np.float32)
    found = measured(answers, numbers, OutputHead((3,)), Target("numbers", 3))
    assert found["mse"] == pytest.approx(oracle.mean_squared_error(numbers, answers), rel=1e-6)
    assert found["rmse"] == pytest.approx(found["mse"] ** 0.5)
    assert found["mae"] == pytest.approx(oracle.mean_absolute_error(numbers, answers), rel=1e-6)
    assert found["r2"] == pytest.approx(oracle.r2_score(numbers, answers), rel=1e-5)


def test_r2_far_from_zero_loses_no_digits() -> None:
    numbers = (1e4 + RANDOM.normal(size=(500, 1))).astype(np.float32)
    answers = (numbers + 0.5).astype(np.float32)
    found = measured(answers, numbers, OutputHead((1,)), Target("numbers", 1))
    assert found["r2"] == pytest.approx(
        oracle.r2_score(numbers.astype(np.float64), answers.astype(np.float64)), abs=1e-4
    )


@pytest.mark.parametrize("error", [0.0, 1.0])
def test_r2_of_a_number_that_never_varies(error: float) -> None:
    numbers = np.full((40, 1), 2.0, np.float32)
    found = measured(numbers + np.float32(error), numbers, OutputHead((1,)), Target("numbers", 1))
    assert found["r2"] == oracle.r2_score(numbers, numbers + error)


def test_yes_or_no() -> None:
    logits = np.round(RANDOM.normal(size=(513, 1)), 1).astype(np.float32)  # rounded: many ties
    labels = RANDOM.integers(0, 2, (513, 1)).astype(np.float32)
    found = measured(
        logits, labels, OutputHead((1,), "sigmoid"), Target("binary"), Accuracy(), RocAuc(), ConfusionMatrix()
    )
    assert found["accuracy"] == oracle.accuracy_score(labels, logits > 0)
    assert found["roc_auc"] == pytest.approx(oracle.roc_auc_score(labels, logits), rel=1e-12)
    assert found["confusion_matrix"] == oracle.confusion_matrix(labels, logits > 0).tolist()


def test_many_labels_count_each_unit() -> None:
    logits = RANDOM.normal(size=(100, 4)).astype(np.float32)
    labels = RANDOM.integers(0, 2, (100, 4)).astype(np.float32)
    found = measured(logits, labels, OutputHead((4,), "sigmoid"), Target("binary", 4))
    assert found["accuracy"] == ((logits > 0) == labels).mean()
    expected = oracle.mean_squared_error(labels, 1 / (1 + np.exp(-logits.astype(np.float64)))) ** 0.5
    assert found["rmse"] == pytest.approx(expected, rel=1e-6)


def test_plain_numbers_are_yes_from_a_half_on() -> None:
    answers = np.float32([[0.4], [0.6], [-1], [2]])
    labels = np.float32([[0], [1], [1], [1]])
    found = measured(answers, labels, OutputHead((1,)), Target("binary"), Accuracy(), MeanSquaredError())
    assert found["accuracy"] == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_area_under_roc(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores, labels = random.integers(0, 12, 200), random.integers(0, 2, 200)
    assert area_under_roc(scores, labels) == pytest.approx(oracle.roc_auc_score(labels, scores), rel=1e-12)


def test_area_under_roc_needs_both_classes() -> None:
    assert math.isnan(area_under_roc(np.arange(3.0), np.ones(3)))


@pytest.mark.parametrize(
    ("name", "higher"),
    [
        ("val_loss", False),
        ("val_accuracy", True),
        ("val_digit_accuracy", True),
        ("r2", True),
        ("val_rmse", False),
        ("val_top_5", True),
        ("val_digit_f1_macro", True),
        ("val_error_rate", False),
        ("val_top_loss", False),
    ],
)
def test_which_way_is_better(name: str, higher: bool) -> None:
    assert is_higher_better(name) is higher


def test_figures_of_numbers_by_metric() -> None:
    found = measured(
        np.float32([[1], [3]]),
        np.float32([[0], [0]]),
        OutputHead((1,)),
        Target("numbers"),
        RootMeanSquaredError(),
        MeanAbsoluteError(),
        RSquared(),
    )
    assert (found["rmse"], found["mae"]) == (pytest.approx(5**0.5), 2)


def test_shares_of_numbers() -> None:
    answers = RANDOM.normal(size=(601, 3)).astype(np.float32)
    numbers = (2 * answers + RANDOM.normal(size=(601, 3)) + [5, -7, 9]).astype(np.float32)
    metrics = (MeanAbsolutePercentageError(), ExplainedVariance(), RSquared())
    found = measured(answers, numbers, OutputHead((3,)), Target("numbers", 3), *metrics)
    assert found["mape"] == pytest.approx(oracle.mean_absolute_percentage_error(numbers, answers), rel=1e-5)
    assert found["explained_variance"] == pytest.approx(oracle.explained_variance_score(numbers, answers), abs=1e-4)
    assert found["r2"] == pytest.approx(oracle.r2_score(numbers, answers), rel=1e-5)


def test_a_share_of_nothing_is_as_large_as_it_gets() -> None:
    answers, numbers = np.float32([[1], [2]]), np.float32([[0], [2]])
    found = measured(answers, numbers, OutputHead((1,)), Target("numbers"), MeanAbsolutePercentageError())
    assert found["mape"] == pytest.approx(oracle.mean_absolute_percentage_error(numbers, answers), rel=1e-6)


@pytest.mark.parametrize("error", [0.0, 1.0])
def test_an_error_that_is_always_the_same_leaves_no_variance(error: float) -> None:
    numbers = RANDOM.normal(size=(300, 2)).astype(np.float32)
    found = measured(numbers + np.float32(error), numbers, OutputHead((2,)), Target("numbers", 2), ExplainedVariance())
    assert found["explained_variance"] == pytest.approx(1)
