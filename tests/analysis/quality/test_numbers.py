"""Curves and tables of predictions are those of scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

from netspec.analysis.quality.numbers.classification import (
    Calibration,
    Ranking,
    class_metrics,
    confusion_matrix,
    log_losses,
    macro_roc,
    top,
)
from netspec.analysis.quality.numbers.groups import groups_by_quartile, groups_by_value
from netspec.analysis.quality.numbers.regression import MAX_BINS, histogram, normal_quantiles
from netspec.analysis.quality.views.probabilities import thinned

RNG = np.random.default_rng(0)
N, CLASSES = 200, 5
TRUE = RNG.integers(0, CLASSES - 1, N)  # the last class does not occur
LOGITS = RNG.normal(size=(N, CLASSES)) + 2 * np.eye(CLASSES)[TRUE]
LOGITS[:, 3] -= 100  # and one is never predicted
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
YES = RNG.random(N) < 0.3
SCORES = np.round(np.clip(0.3 * RNG.normal(size=N) + 0.3 + 0.3 * YES, 0, 1), 2)  # with ties, 0 and 1


def test_confusion_and_metrics_of_classes() -> None:
    guess = PROBABILITIES.argmax(axis=1)
    matrix = confusion_matrix(TRUE, guess, CLASSES)
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(TRUE, guess, labels=range(CLASSES)))
    found = class_metrics(matrix)
    wanted = metrics.precision_recall_fscore_support(TRUE, guess, labels=range(CLASSES), zero_division=np.nan)
    for name, values in zip(("precision", "recall", "f1", "support"), wanted, strict=True):
        np.testing.assert_allclose(found[name], values, err_msg=name)
    assert np.isnan(found["precision"][3]) and np.isnan(found["recall"][4])


def test_roc_and_precision_recall() -> None:
    found = Ranking.of(YES, SCORES)
    across, up, thresholds = metrics.roc_curve(YES, SCORES, drop_intermediate=False)
    for mine, wanted in zip((*found.roc(), found.thresholds), (across, up, thresholds), strict=True):
        np.testing.assert_allclose(mine, wanted)
    assert found.roc_auc == pytest.approx(metrics.roc_auc_score(YES, SCORES))
    precision, recall, _ = metrics.precision_recall_curve(YES, SCORES)
    mine = found.precision_recall()
    np.testing.assert_allclose(mine[0][::-1], recall[:-1])
    np.testing.assert_allclose(mine[1][::-1], precision[:-1])
    assert found.average_precision == pytest.approx(metrics.average_precision_score(YES, SCORES))


def test_the_mean_curve_has_the_mean_area() -> None:
    there = range(CLASSES - 1)
    rankings = [Ranking.of(i == TRUE, PROBABILITIES[:, i]) for i in there]
    across, up = macro_roc(rankings)
    areas = [metrics.roc_auc_score(i == TRUE, PROBABILITIES[:, i]) for i in there]
    assert metrics.auc(across, up) == pytest.approx(np.mean(areas))
    assert (across[0], across[-1], up[-1]) == (0, 1, 1)


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.31, 0.5, 0.999, 1.0])
def test_metrics_by_threshold(threshold: float) -> None:
    said = threshold < SCORES
    found = {name: values[0] for name, values in Ranking.of(YES, SCORES).by_threshold(np.array([threshold])).items()}
    assert found == pytest.approx(
        {
            "precision": metrics.precision_score(YES, said, zero_division=np.nan),
            "recall": metrics.recall_score(YES, said),
            "f1": metrics.f1_score(YES, said),
            "accuracy": metrics.accuracy_score(YES, said),
        },
        nan_ok=True,
    )


def test_calibration() -> None:
    found = Calibration.of(YES, SCORES)
    observed, predicted = calibration_curve(YES, SCORES, n_bins=10)
    is_in = found.counts > 0
    np.testing.assert_allclose(found.observed[is_in], observed)
    np.testing.assert_allclose(found.predicted[is_in], predicted)
    # by hand: two bins with 3 and 1 predictions
    hand = Calibration.of(np.array([True, False, False, True]), np.array([0.1, 0.2, 0.3, 0.8]), bins=2)
    assert hand.error == pytest.approx(3 / 4 * abs(0.2 - 1 / 3) + 1 / 4 * abs(0.8 - 1))


def test_losses_and_ranks_of_classes() -> None:
    wanted = metrics.log_loss(TRUE, PROBABILITIES, labels=range(CLASSES))
    assert log_losses(TRUE, PROBABILITIES).mean() == pytest.approx(wanted)
    assert np.isfinite(log_losses(np.array([0]), np.array([[0.0, 1.0]], np.float32))).all()
    for k in (1, 2, 4):
        wanted = metrics.top_k_accuracy_score(TRUE, PROBABILITIES, k=k, labels=range(CLASSES))
        assert top(TRUE, PROBABILITIES, k).mean() == pytest.approx(wanted)


def test_quantiles_of_errors() -> None:
    errors = RNG.normal(2, 3, 500)
    theory, measured = normal_quantiles(errors, limit=500)
    np.testing.assert_allclose(theory, stats.norm.ppf((np.arange(1, 501) - 0.5) / 500), atol=1e-9)
    np.testing.assert_allclose(measured, stats.zscore(np.sort(errors)), atol=1e-12)
    few = normal_quantiles(errors, limit=20)
    assert len(few[0]) == 20 and (few[1][0], few[1][-1]) == (measured[0], measured[-1])
    assert normal_quantiles(np.ones(3))[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize("values", [RNG.normal(size=1000), np.ones(5), np.r_[np.zeros(99), 1e6], np.array([3.0])])
def test_histograms_hold_every_number(values: np.ndarray) -> None:
    counts, edges = histogram(values)
    assert counts.sum() == len(values) and len(counts) <= MAX_BINS and len(edges) == len(counts) + 1
    np.testing.assert_array_equal(counts, np.histogram(values, edges)[0])


def test_groups_of_rows() -> None:
    cells = ["b"] * 5 + ["a"] * 3 + [str(i) for i in range(20)]
    found = groups_by_value(cells)
    assert [*found][:2] == ["b", "a"] and sum(map(len, found.values())) == len(cells) and len(found["others"]) == 14
    values = np.r_[np.arange(100.0), np.nan]
    quartiles = groups_by_quartile(values)
    assert [len(rows) for rows in quartiles.values()] == [25, 25, 25, 25]
    assert [*quartiles][:2] == ["0 to 24.75", "above 24.75, to 49.5"]
    assert {name: rows.tolist() for name, rows in groups_by_quartile(np.array([1, 0, 1])).items()} == {
        "0": [1],
        "1": [0, 2],
    }


def test_a_curve_has_the_corners_of_scikit_learn() -> None:
    scores = SCORES + 1e-6 * np.arange(N)  # without ties
    across, up, _ = metrics.roc_curve(YES, scores, drop_intermediate=True)
    xs, ys = thinned(Ranking.of(YES, scores).roc())
    assert [*zip(xs[1:], ys[1:], strict=True)] == [*zip(across[2:], up[2:], strict=True)]  # it also keeps the first
