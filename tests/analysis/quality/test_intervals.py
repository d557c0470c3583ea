"""Bootstrap intervals: each resample is what scikit-learn computes of the examples that were drawn."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from netspec.analysis.quality.numbers import intervals

RNG = np.random.default_rng(0)
N, CLASSES = 60, 4
TRUE, GUESS = RNG.integers(0, CLASSES, N), RNG.integers(0, CLASSES, N)
GUESS = np.where(RNG.random(N) < 0.5, TRUE, GUESS)
YES = RNG.random(N) < 0.4
SCORES = np.round(RNG.normal(size=N) + YES, 1)  # with ties
SAID = SCORES > 0.5
Y = RNG.normal(size=N) + 3
ERROR = RNG.normal(size=N) / 2
OF_CLASSES = {"labels": [*range(CLASSES)], "average": "macro", "zero_division": np.nan}


@pytest.mark.parametrize(
    ("statistic", "wanted"),
    [
        (intervals.ratio(TRUE == GUESS), lambda i: metrics.accuracy_score(TRUE[i], GUESS[i])),
        (intervals.macro_f1(TRUE, GUESS, CLASSES), lambda i: metrics.f1_score(TRUE[i], GUESS[i], **OF_CLASSES)),
        (
            intervals.balanced_accuracy(TRUE, GUESS, CLASSES),
            lambda i: metrics.balanced_accuracy_score(TRUE[i], GUESS[i]),
        ),
        (intervals.f1(YES, SAID), lambda i: metrics.f1_score(YES[i], SAID[i])),
        (intervals.ratio(YES & SAID, SAID), lambda i: metrics.precision_score(YES[i], SAID[i])),
        (intervals.ratio(YES & SAID, YES), lambda i: metrics.recall_score(YES[i], SAID[i])),
        (intervals.roc_auc(YES, SCORES), lambda i: metrics.roc_auc_score(YES[i], SCORES[i])),
        (intervals.root(intervals.ratio(ERROR**2)), lambda i: metrics.mean_squared_error(Y[i], Y[i] + ERROR[i]) ** 0.5),
        (intervals.ratio(np.abs(ERROR)), lambda i: metrics.mean_absolute_error(Y[i], Y[i] + ERROR[i])),
        (intervals.r2(Y, ERROR), lambda i: metrics.r2_score(Y[i], Y[i] + ERROR[i])),
    ],
)
def test_a_resample_is_the_metric_of_what_was_drawn(statistic: intervals.Statistic, wanted: object) -> None:
    (weights,) = intervals.resamples(N, 20)
    assert weights.shape == (20, N) and (weights.sum(axis=1) == N).all()
    drawn = [np.repeat(np.arange(N), row.astype(int)) for row in weights]
    assert callable(wanted)
    np.testing.assert_allclose(statistic(weights), [wanted(rows) for rows in drawn], rtol=1e-6)


def test_intervals_are_those_of_scipy() -> None:
    errors = np.random.default_rng(1).normal(size=400)
    found = intervals.estimates({"rmse": intervals.root(intervals.ratio(errors**2))}, 400, 4000)["rmse"]
    wanted = stats.bootstrap(
        (errors,), lambda e, axis: np.sqrt(np.mean(e**2, axis=axis)), n_resamples=4000, method="percentile", rng=0
    ).confidence_interval
    assert found.value == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=0.005)
    assert (
        found == intervals.estimates({"rmse": intervals.root(intervals.ratio(errors**2))}, 400, 4000)["rmse"]
    )  # one seed


@pytest.mark.parametrize(("right", "count"), [(0, 5), (3, 7), (40, 40), (199, 1000)])
def test_the_interval_of_a_fraction(right: int, count: int) -> None:
    wanted = stats.binomtest(right, count).proportion_ci(method="wilson")
    assert intervals.wilson(right, count) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_examples_of_several_predictions_are_drawn_together() -> None:
    sums, counts = np.array([3.0, 0.0, 5.0]), np.array([4, 4, 8])
    (weights,) = intervals.resamples(3, 10)
    wanted = [(row @ sums) / (row @ counts) for row in weights]
    np.testing.assert_allclose(intervals.ratio(sums, counts)(weights), wanted)


def test_ten_thousand_examples_take_less_than_a_second() -> None:
    rng = np.random.default_rng(0)
    true, guess = rng.integers(0, 10, 10_000), rng.integers(0, 10, 10_000)
    for statistic in (intervals.macro_f1(true, guess, 10), intervals.roc_auc(true > 4, rng.random(10_000))):
        start = time.process_time()
        intervals.estimates({"": statistic}, 10_000)
        assert time.process_time() - start < 2  # one measured alone takes a third of that


def test_what_is_not_defined_does_not_count() -> None:
    found = intervals.estimates({"": intervals.roc_auc(np.array([True, False]), np.array([0.9, 0.1]))}, 2)[""]
    assert (found.value, found.low, found.high) == (1, 1, 1)
