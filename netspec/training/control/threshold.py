"""The probability above which a yes/no output predicts yes, given or chosen on the validation split."""

from __future__ import annotations

import math
from abc import ABC
from typing import ClassVar

from netspec.language.kinds import OneWord
from netspec.language.lazy import np
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option
from netspec.training.metrics.base import DEFAULT_THRESHOLD, Metric, MetricWord, Totals
from netspec.training.metrics.classification import Averaged, BalancedAccuracy

MAX_CANDIDATES = 10_000
"""Thresholds that are compared; of more, these many are taken at equal distances in their order."""


class Threshold(Word, ABC):
    """Base of every word that chooses a threshold."""

    category: ClassVar[str] = "threshold"


threshold = Declares("threshold")
"""The decorator that declares a threshold: `@threshold("name")`."""


@threshold("best")
class BestThreshold(Threshold):
    """The threshold with the best metric on the validation split, with the weights that are saved at the end.

    The midpoints between neighboring predicted probabilities are compared, and of equally good ones the nearest to 0.5
    is taken. Until the end of the training metrics are computed with 0.5. The metric is one of those that count
    decisions: `accuracy`, `balanced_accuracy`, `precision`, `recall`, `f1`, `iou`.

    Example: train { threshold = best(f1) }
    """

    metric: MetricWord = option(OneWord("metric"), "the metric to compare", position=0, aliases=("monitor",))


def number_of(setting: float | BestThreshold) -> float:
    """The threshold of a setting before one is chosen."""
    return DEFAULT_THRESHOLD if isinstance(setting, BestThreshold) else setting


def can_compare(metric: MetricWord) -> bool:
    """Whether a metric follows from the decisions that a threshold makes, and is a single number."""
    return isinstance(metric, Averaged | BalancedAccuracy) and not metric.is_table


def best_threshold(metric: Metric, probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The threshold with the best metric; an example is a positive one where its probability is greater.

    Args:
        metric: one that `can_compare` accepts.
        probabilities: of yes, float32, one for each example.
        labels: 1 for yes, 0 for no.
    """
    order = np.argsort(probabilities, kind="stable")
    ranked, positive = probabilities[order].astype(np.float32), np.asarray(labels)[order] > 0.5
    candidates = _candidates(np.unique(ranked))
    if len(candidates) > MAX_CANDIDATES:
        candidates = candidates[np.linspace(0, len(candidates) - 1, MAX_CANDIDATES).round().astype(int)]
    before = np.searchsorted(ranked, candidates, side="right")  # how many examples are predicted as no
    count, right = len(ranked), int(positive.sum())
    missed = np.r_[0, np.cumsum(positive)][before]
    values = [_value(metric, count, right, count - int(n), right - int(m)) for n, m in zip(before, missed, strict=True)]
    top = max(values)
    ties = [float(t) for t, value in zip(candidates, values, strict=True) if value == top]
    return min(ties, key=lambda t: abs(t - DEFAULT_THRESHOLD))


def _candidates(levels: np.ndarray) -> np.ndarray:
    """One threshold below all different probabilities, between each two, and above all. They are float32, as the
    probabilities are, so that none is rounded to the other side later."""
    low, high = np.r_[np.float32(0), levels], np.r_[levels, np.float32(1)]
    middle = ((low.astype(np.float64) + high) / 2).astype(np.float32)
    middle = np.where((middle >= high) & (low < high), low, middle)
    candidates: np.ndarray = middle[1:] if levels[0] == 0 else middle
    return candidates


def _value(metric: Metric, count: int, right: int, decided: int, hits: int) -> float:
    """The metric of `count` examples, `right` of them positive, `decided` predicted so, and `hits` of these truly."""
    sums = {
        "hits_of_each": np.array([hits]),
        "decided_of_each": np.array([decided]),
        "right_of_each": np.array([right]),
        "right": hits + count - right - (decided - hits),
    }
    value = float(metric.value(Totals(sums=sums, examples=count, decisions=count, numbers=count)))
    return -math.inf if math.isnan(value) else value
