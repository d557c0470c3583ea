"""Metrics with their confidence intervals: the percentile bootstrap (Efron and Tibshirani 1993, An introduction to the
bootstrap, section 13.3).

A resample is a row of weights: how often each example is drawn. A metric is a function of such weights, so that all
resamples are computed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from netspec.data.dataset.lazy_rows import Array

Statistic = Callable[[Array], Array]
"""From weights of shape (resamples, examples) to the metric of each resample."""

RESAMPLES = 1000
LEVEL = 0.95
SEED = 0
BLOCK = 1 << 20
"""Weights that are in memory together."""


@dataclass(frozen=True)
class Estimate:
    """A metric of all examples, and the ends of its interval."""

    value: float
    low: float
    high: float


def resamples(examples: int, count: int = RESAMPLES, seed: int = SEED) -> Iterator[Array]:
    """Weights of `count` resamples, drawn with replacement, in blocks of shape (resamples, examples)."""
    rng = np.random.default_rng(seed)
    size = max(1, BLOCK // examples)
    for begin in range(0, count, size):
        rows = min(size, count - begin)
        drawn = rng.integers(0, examples, (rows, examples)) + examples * np.arange(rows)[:, None]
        yield np.bincount(drawn.reshape(-1), minlength=rows * examples).reshape(rows, examples).astype(np.float32)


def estimates(statistics: Mapping[str, Statistic], examples: int, count: int = RESAMPLES) -> dict[str, Estimate]:
    """Metrics with the ends of their intervals: the 2.5th and the 97.5th percentile over the resamples. A resample in
    which a metric is not defined does not count.

    Args:
        statistics: the metrics, by name.
        examples: how many there are, at least one.
        count: how many resamples are drawn.
    """
    values: dict[str, list[Array]] = {name: [] for name in statistics}
    for weights in resamples(examples, count):
        for name, statistic in statistics.items():
            values[name].append(statistic(weights))
    once = np.ones((1, examples), np.float32)
    found = {}
    for name, statistic in statistics.items():
        drawn = np.concatenate(values[name])
        drawn = drawn[np.isfinite(drawn)]
        ends = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(drawn) else (np.nan, np.nan)
        found[name] = Estimate(float(statistic(once)[0]), float(ends[0]), float(ends[1]))
    return found


def wilson(right: float, count: int) -> tuple[float, float]:
    """The 95% interval of a fraction (Wilson 1927, Probable inference), which has a width even where all are right."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle = (right + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * sqrt(right * (count - right) / count + z * z / 4)
    return middle - half, middle + half


# ---------------------------------------------------------------- metrics


def ratio(amounts: Array, counts: Array | None = None) -> Statistic:
    """The sum of the amounts of examples over the sum of their counts (None: 1 each)."""
    amounts = np.asarray(amounts, np.float64)
    if counts is None:
        return lambda weights: _divided(weights @ amounts, weights.sum(axis=1, dtype=np.float64))
    over = np.asarray(counts, np.float64)
    return lambda weights: _divided(weights @ amounts, weights @ over)


def root(statistic: Statistic) -> Statistic:
    """The square root of a metric, as the RMSE is that of the mean squared error."""
    return lambda weights: np.sqrt(statistic(weights))


def r2(expected: Array, errors: Array) -> Statistic:
    """The coefficient of determination, 1 - the sum of squared errors / that of the deviations from the mean."""
    centered = np.asarray(expected, np.float64) - np.mean(expected, dtype=np.float64)
    squares, squared_errors = np.square(centered), np.square(np.asarray(errors, np.float64))

    def value(weights: Array) -> Array:
        spread = weights @ squares - np.square(weights @ centered) / weights.sum(axis=1, dtype=np.float64)
        return 1 - _divided(weights @ squared_errors, spread)

    return value


def per_class(expected: Array, predicted: Array, classes: int) -> Callable[[Array], tuple[Array, Array, Array]]:
    """For each class the weights of the right predictions, of the predictions, and of the examples, as functions of
    weights; each of shape (resamples, classes)."""
    pairs, cells = np.unique(expected * classes + predicted, return_inverse=True)
    in_cells = _class_sums(cells, len(pairs))  # those of the confusion matrix, which are fewer than examples
    rows, columns = np.divmod(pairs, classes)
    right, guessed = _class_sums(rows, classes, rows == columns), _class_sums(columns, classes)
    there = _class_sums(rows, classes)

    def value(weights: Array) -> tuple[Array, Array, Array]:
        sums = in_cells(weights)
        return right(sums), guessed(sums), there(sums)

    return value


def macro_f1(expected: Array, predicted: Array, classes: int) -> Statistic:
    """The mean of the F1 scores of the classes that occur or are predicted."""
    counts = per_class(expected, predicted, classes)

    def value(weights: Array) -> Array:
        right, guessed, there = counts(weights)
        with np.errstate(invalid="ignore"):
            return _mean(2 * right / (guessed + there))

    return value


def balanced_accuracy(expected: Array, predicted: Array, classes: int) -> Statistic:
    """The mean of the recalls of the classes that occur."""
    counts = per_class(expected, predicted, classes)

    def value(weights: Array) -> Array:
        right, _, there = counts(weights)
        with np.errstate(invalid="ignore"):
            return _mean(right / there)

    return value


def f1(expected: Array, predicted: Array) -> Statistic:
    """The F1 score of yes, for arrays of booleans."""
    both, either = expected & predicted, expected.astype(np.float64) + predicted
    return lambda weights: 2 * _divided(weights @ both.astype(np.float64), weights @ either)


def roc_auc(expected: Array, scores: Array) -> Statistic:
    """The area under the ROC curve: the probability that a yes has a higher score than a no, ties counting half."""
    order = np.argsort(scores, kind="stable")
    is_yes = np.asarray(expected, bool)[order]
    begins = np.flatnonzero(np.r_[True, np.diff(np.asarray(scores)[order]) != 0])

    def value(weights: Array) -> Array:
        ranked = weights[:, order].astype(np.float64)
        yes = np.add.reduceat(ranked * is_yes, begins, axis=1)
        no = np.add.reduceat(ranked * ~is_yes, begins, axis=1)
        below = np.cumsum(no, axis=1) - no / 2
        return _divided((yes * below).sum(axis=1), yes.sum(axis=1) * no.sum(axis=1))

    return value


def _class_sums(ids: Array, classes: int, counted: Array | None = None) -> Statistic:
    """The weights of the examples of each class, by their ids."""
    order = np.argsort(ids, kind="stable")
    order = order if counted is None else order[counted[order]]
    ranked = ids[order]
    there, begins = np.unique(ranked, return_index=True)

    def value(weights: Array) -> Array:
        sums = np.zeros((len(weights), classes))
        if len(order):
            sums[:, there] = np.add.reduceat(weights[:, order], begins, axis=1, dtype=np.float64)
        return sums

    return value


def _mean(of_classes: Array) -> Array:
    """The mean of the classes for which something is defined; at least one in each resample."""
    found: Array = np.nanmean(of_classes, axis=1)
    return found


def _divided(above: Array, below: Array) -> Array:
    """Their ratio, NaN where both are 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Array = np.asarray(above, np.float64) / below
    return found
