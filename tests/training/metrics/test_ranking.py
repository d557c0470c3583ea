"""Metrics that need every answer at once, and those of spelt sequences."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics as oracle
from sklearn.neighbors import NearestNeighbors

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.training.losses.classification import Hinge
from netspec.training.losses.ctc import Ctc
from netspec.training.losses.metric_learning import Triplet
from netspec.training.metrics.ranking import Nearest, RocAuc
from netspec.training.metrics.sequences import ErrorRate, edit_distance
from tests.training.measuring import measured

RANDOM = np.random.default_rng(9)


def softmax(x: np.ndarray) -> Any:
    powers = np.exp(x.astype(np.float64) - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_roc_auc_of_classes() -> None:
    logits = np.round(RANDOM.normal(size=(613, 4)) * 2, 1).astype(np.float32)
    ids = RANDOM.choice(4, 613, p=[0.6, 0.2, 0.15, 0.05]).astype(np.int32)
    found = measured(logits, ids, OutputHead((4,), "softmax"), Target("class", 1, 4), RocAuc())
    expected = oracle.roc_auc_score(ids, softmax(logits), multi_class="ovr", average="macro")
    assert found["roc_auc"] == pytest.approx(expected, rel=1e-9)


def test_roc_auc_of_classes_that_are_certain() -> None:
    """Probabilities so near to 1 that 32-bit numbers would be equal still have an order."""
    logits = np.float32([[0, 30], [0, 31], [30, 0], [0, 29]])
    ids = np.int32([1, 1, 0, 0])
    found = measured(logits, ids, OutputHead((2,), "softmax"), Target("class", 1, 2), RocAuc())
    assert found["roc_auc"] == oracle.roc_auc_score(ids, logits[:, 1] - logits[:, 0])


def test_roc_auc_leaves_out_classes_without_examples() -> None:
    logits, ids = RANDOM.normal(size=(90, 3)).astype(np.float32), RANDOM.integers(0, 2, 90).astype(np.int32)
    found = measured(logits, ids, OutputHead((3,), "softmax"), Target("class", 1, 3), RocAuc())
    scores = softmax(logits)
    expected = np.mean([oracle.roc_auc_score(ids == i, scores[:, i]) for i in (0, 1)])
    assert found["roc_auc"] == pytest.approx(expected, rel=1e-9)
    found = measured(logits, np.zeros(90, np.int32), OutputHead((3,), "softmax"), Target("class", 1, 3), RocAuc())
    assert math.isnan(found["roc_auc"])


def test_roc_auc_of_several_answers_of_yes_or_no() -> None:
    logits = np.round(RANDOM.normal(size=(513, 3)), 1).astype(np.float32)
    labels = (RANDOM.random((513, 3)) < 0.3).astype(np.float32)
    found = measured(logits, labels, OutputHead((3,), "sigmoid"), Target("binary", 3), RocAuc())
    assert found["roc_auc"] == pytest.approx(oracle.roc_auc_score(labels, logits, average="macro"), rel=1e-12)


def test_roc_auc_of_scores() -> None:
    logits, ids = RANDOM.normal(size=(300, 1)).astype(np.float32), RANDOM.integers(0, 2, (300, 1)).astype(np.float32)
    found = measured(logits, ids, OutputHead((1,)), Target("binary"), RocAuc(), loss=Hinge())
    assert found["roc_auc"] == pytest.approx(oracle.roc_auc_score(ids, logits), rel=1e-12)


@pytest.mark.parametrize("rows", [2, 300, 1500])
def test_the_nearest_other_example(rows: int) -> None:
    points, ids = RANDOM.normal(size=(rows, 3)).astype(np.float32), RANDOM.integers(0, 3, rows).astype(np.int32)
    points += np.eye(3, dtype=np.float32)[ids]
    found = measured(points, ids, OutputHead((3,)), Target("class", 1, 3), Nearest(), loss=Triplet())
    neighbours = NearestNeighbors(n_neighbors=2).fit(points).kneighbors(points, return_distance=False)[:, 1]
    assert found["nearest"] == pytest.approx((ids[neighbours] == ids).mean(), abs=1e-12)


# ---------------------------------------------------------------- what is spelt


def distance_by_hand(a: list[int], b: list[int]) -> int:
    """Wagner and Fischer's table."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0] = range(len(a) + 1), range(len(b) + 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = min(table[i, j + 1] + 1, table[i + 1, j] + 1, table[i, j] + (x != y))
    return int(table[-1, -1])


def spelt(steps: np.ndarray, blank: int) -> list[int]:
    kept = [i for i, before in zip(steps, [-1, *steps[:-1]], strict=True) if i != before]
    return [int(i) for i in kept if i != blank]


@pytest.mark.parametrize("blank", [0, 3])
def test_edit_distances(blank: int) -> None:
    letters = [i for i in range(4) if i != blank]
    for _ in range(40):
        steps = RANDOM.integers(0, 4, 9)
        target = list(RANDOM.choice(letters, RANDOM.integers(0, 6)))
        padded = np.array(target + [blank] * (6 - len(target)), np.int32)
        found = edit_distance(jnp.asarray(steps, jnp.int32), jnp.asarray(padded), blank)
        assert int(found) == distance_by_hand(spelt(steps, blank), [int(i) for i in target])


def test_error_rate() -> None:
    logits = RANDOM.normal(size=(300, 9, 4)).astype(np.float32)
    lengths = RANDOM.integers(0, 5, 300)
    targets = np.where(np.arange(4) < lengths[:, None], RANDOM.integers(1, 4, (300, 4)), 0).astype(np.int32)
    found = measured(logits, targets, OutputHead((9, 4), "softmax"), Target("class", 4, 4), ErrorRate(), loss=Ctc())
    edits = [
        distance_by_hand(spelt(row.argmax(1), 0), [int(i) for i in target if i])
        for row, target in zip(logits, targets, strict=True)
    ]
    assert found["error_rate"] == pytest.approx(sum(edits) / lengths.sum(), rel=1e-12)
