"""Metrics of decisions against scikit-learn: several classes, yes or no, several answers of yes or no, steps."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as oracle

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.training.losses.classification import CrossEntropy, Hinge
from netspec.training.metrics import Metric
from netspec.training.metrics.classification import (
    F1,
    Accuracy,
    ConfusionMatrix,
    IntersectionOverUnion,
    Precision,
    Recall,
    Top,
)
from tests.training.measuring import measured

RANDOM = np.random.default_rng(5)
LOGITS = RANDOM.normal(size=(777, 5)).astype(np.float32)
IDS = RANDOM.choice(5, 777, p=[0.5, 0.2, 0.2, 0.1, 0]).astype(np.int32)
"""The last class never comes."""
UNITS = RANDOM.normal(size=(515, 4)).astype(np.float32)
UNITS[:, 3] = -1  # nobody says yes
LABELS = (RANDOM.random((515, 4)) < [0.5, 0.1, 0.9, 0]).astype(np.float32)

BY_COUNTS = [
    (Precision, oracle.precision_score),
    (Recall, oracle.recall_score),
    (F1, oracle.f1_score),
    (IntersectionOverUnion, oracle.jaccard_score),
]


def figure(metric: Metric, logits: Any, targets: Any, head: OutputHead, target: Target) -> Any:
    return measured(logits, targets, head, target, metric)[metric.metric_name]


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    """scikit-learn warns of classes without examples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("average", ["macro", "micro", "weighted", "per_class", None])
@pytest.mark.parametrize(("metric", "score"), BY_COUNTS)
def test_classes(metric: Any, score: Any, average: str | None) -> None:
    wanted = {"per_class": None, None: "macro"}.get(average, average)
    for decided in (LOGITS, np.delete(LOGITS, 4, axis=1)):  # with and without answers of the class that never comes
        classes = decided.shape[1]
        found = figure(metric(average=average), decided, IDS, OutputHead((classes,), "softmax"), Target("class", 1, 5))
        # What is neither asked for nor answered is no class for scikit-learn either.
        labels = range(classes) if wanted is None else None
        expected = score(IDS, decided.argmax(1), average=wanted, labels=labels)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted", "per_class", None])
@pytest.mark.parametrize(("metric", "score"), BY_COUNTS)
def test_yes_or_no(metric: Any, score: Any, average: str | None) -> None:
    wanted = {"per_class": None, None: "binary"}.get(average, average)
    logits, labels = UNITS[:, :1], LABELS[:, :1]
    found = figure(metric(average=average), logits, labels, OutputHead((1,), "sigmoid"), Target("binary"))
    np.testing.assert_allclose(found, score(labels[:, 0], logits[:, 0] > 0, average=wanted), rtol=1e-12)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted", "per_class", None])
@pytest.mark.parametrize(("metric", "score"), BY_COUNTS)
def test_several_answers_of_yes_or_no(metric: Any, score: Any, average: str | None) -> None:
    wanted = {"per_class": None, None: "macro"}.get(average, average)
    found = figure(metric(average=average), UNITS, LABELS, OutputHead((4,), "sigmoid"), Target("binary", 4))
    np.testing.assert_allclose(found, score(LABELS, UNITS > 0, average=wanted), rtol=1e-12)


def test_accuracy_of_classes() -> None:
    head, target = OutputHead((5,), "softmax"), Target("class", 1, 5)
    metrics = (Accuracy(), Accuracy(average="macro"), Accuracy(average="per_class"))
    found = measured(LOGITS, IDS, head, target, *metrics)
    decided = LOGITS.argmax(1)
    assert found["accuracy"] == oracle.accuracy_score(IDS, decided)
    assert found["accuracy_macro"] == pytest.approx(oracle.balanced_accuracy_score(IDS, decided), rel=1e-12)
    expected = oracle.recall_score(IDS, decided, average=None, labels=range(5))
    np.testing.assert_allclose(found["accuracy_per_class"], expected, rtol=1e-12)


def test_accuracy_of_yes_or_no() -> None:
    metrics = (Accuracy(average="macro"), Accuracy(average="per_class"))
    found = measured(UNITS[:, 1:2], LABELS[:, 1:2], OutputHead((1,), "sigmoid"), Target("binary"), *metrics)
    expected = oracle.balanced_accuracy_score(LABELS[:, 1], UNITS[:, 1] > 0)
    assert found["accuracy_macro"] == pytest.approx(expected, rel=1e-12)
    assert np.mean(found["accuracy_per_class"]) == pytest.approx(expected, rel=1e-12)
    found = measured(UNITS, LABELS, OutputHead((4,), "sigmoid"), Target("binary", 4), *metrics)
    expected = ((UNITS > 0) == LABELS).mean(axis=0)
    np.testing.assert_allclose(found["accuracy_per_class"], expected, rtol=1e-12)
    assert found["accuracy_macro"] == pytest.approx(expected.mean(), rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_likeliest_classes(k: int) -> None:
    found = measured(LOGITS, IDS, OutputHead((5,), "softmax"), Target("class", 1, 5), Top(k=k), Accuracy())
    assert found[f"top_{k}"] == oracle.top_k_accuracy_score(IDS, LOGITS, k=k, labels=range(5))
    assert k > 1 or found["top_1"] == found["accuracy"]


def test_the_likeliest_of_equal_classes() -> None:
    logits = np.zeros((50, 5), np.float32)
    ids = np.arange(50, dtype=np.int32) % 5
    found = measured(logits, ids, OutputHead((5,), "softmax"), Target("class", 1, 5), Top(k=1), Top(k=3), Accuracy())
    assert (found["top_1"], found["accuracy"], found["top_3"]) == (0.2, 0.2, 0.6)


def test_no_number_is_among_the_likeliest() -> None:
    logits = np.full((10, 5), np.nan, np.float32)
    found = measured(logits, np.full(10, 2), OutputHead((5,), "softmax"), Target("class", 1, 5), Top(k=4))
    assert found["top_4"] == 0


def test_steps_count_each() -> None:
    logits, ids = LOGITS[:770].reshape(110, 7, 5), IDS[:770].reshape(110, 7)
    metrics = (F1(), Top(k=2), Accuracy(average="macro"), IntersectionOverUnion(average="per_class"))
    found = measured(logits, ids, OutputHead((7, 5), "softmax"), Target("class", 7, 5), *metrics)
    decided = LOGITS[:770].argmax(1)
    assert found["f1"] == pytest.approx(oracle.f1_score(IDS[:770], decided, average="macro"), rel=1e-12)
    assert found["top_2"] == oracle.top_k_accuracy_score(IDS[:770], LOGITS[:770], k=2, labels=range(5))
    assert found["accuracy_macro"] == pytest.approx(oracle.balanced_accuracy_score(IDS[:770], decided), rel=1e-12)
    expected = oracle.jaccard_score(IDS[:770], decided, average=None, labels=range(5))
    np.testing.assert_allclose(found["iou_per_class"], expected, rtol=1e-12)


def test_places_of_yes_and_no() -> None:
    """A mask for images: one unit at each place."""
    logits, labels = UNITS[:512, :1].reshape(32, 4, 4, 1), LABELS[:512, :1].reshape(32, 4, 4, 1)
    target = Target("binary", 16)
    found = measured(
        logits, labels, OutputHead((4, 4, 1), "sigmoid"), target, IntersectionOverUnion(), F1(average="macro")
    )
    assert found["iou"] == pytest.approx(oracle.jaccard_score(labels.ravel(), logits.ravel() > 0), rel=1e-12)
    expected = oracle.f1_score(labels.ravel(), logits.ravel() > 0, average="macro")
    assert found["f1_macro"] == pytest.approx(expected, rel=1e-12)


def test_plain_numbers_as_scores() -> None:
    """`hinge` says yes from 0 on; plain numbers without it from 0.5 on."""
    target = Target("binary")
    found = measured(UNITS[:, :1], LABELS[:, :1], OutputHead((1,)), target, Accuracy(), ConfusionMatrix(), loss=Hinge())
    assert found["accuracy"] == oracle.accuracy_score(LABELS[:, 0], UNITS[:, 0] > 0)
    assert found["confusion_matrix"] == oracle.confusion_matrix(LABELS[:, 0], UNITS[:, 0] > 0).tolist()
    found = measured(LOGITS, IDS, OutputHead((5,)), Target("class", 1, 5), Accuracy(), F1(), loss=Hinge())
    assert found["accuracy"] == oracle.accuracy_score(IDS, LOGITS.argmax(1))


def test_distributions_as_targets() -> None:
    """The likeliest class is the right one."""
    shares = RANDOM.dirichlet(np.ones(5), 333).astype(np.float32)
    found = measured(
        LOGITS[:333], shares, OutputHead((5,), "softmax"), Target("numbers", 5), Accuracy(), F1(), loss=CrossEntropy()
    )
    assert found["accuracy"] == oracle.accuracy_score(shares.argmax(1), LOGITS[:333].argmax(1))
    expected = oracle.f1_score(shares.argmax(1), LOGITS[:333].argmax(1), average="macro")
    assert found["f1"] == pytest.approx(expected, rel=1e-12)
    expected = -(shares * (LOGITS[:333] - np.log(np.exp(LOGITS[:333]).sum(1, keepdims=True)))).sum(1).mean()
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
