"""How classes are told apart: counts, metrics of each class, and the curves of probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netspec.data.dataset.lazy_rows import Array

BINS = 10
"""Intervals of probabilities in a reliability diagram."""


def confusion_matrix(expected: Array, predicted: Array, classes: int) -> Array:
    """How often examples of each class (rows) are predicted as each class (columns); integers (classes, classes)."""
    pairs = np.bincount(np.asarray(expected) * classes + predicted, minlength=classes * classes)
    counts: Array = pairs.reshape(classes, classes)
    return counts


def class_metrics(matrix: Array) -> dict[str, Array]:
    """`precision`, `recall`, `f1`, `iou` and `support` of each class from a confusion matrix; NaN where one is not
    defined: the precision of a class that is never predicted, the recall of one that does not occur."""
    right, guessed, support = matrix.diagonal().astype(float), matrix.sum(axis=0), matrix.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return {
            "precision": right / guessed,
            "recall": right / support,
            "f1": 2 * right / (guessed + support),
            "iou": right / (guessed + support - right),
            "support": support,
        }


@dataclass(frozen=True, eq=False)
class Ranking:
    """How many examples have a score of at least each of the different scores, from the highest on: first none."""

    thresholds: Array
    yes: Array
    no: Array

    @classmethod
    def of(cls, expected: Array, scores: Array) -> Ranking:
        """Args:
        expected: booleans (examples).
        scores: the higher, the more probable is yes.
        """
        order = np.argsort(-np.asarray(scores), kind="stable")
        ranked, is_yes = np.asarray(scores)[order], np.asarray(expected, bool)[order]
        last = np.flatnonzero(np.r_[np.diff(ranked) != 0, True])
        yes = np.cumsum(is_yes)[last]
        return cls(np.r_[np.inf, ranked[last]], np.r_[0, yes], np.r_[0, last + 1 - yes])

    def roc(self) -> tuple[Array, Array]:
        """The false and the true positive rate at each threshold; NaN where there is no yes, or no no."""
        with np.errstate(invalid="ignore"):
            return self.no / float(self.no[-1]), self.yes / float(self.yes[-1])

    @property
    def roc_auc(self) -> float:
        """The area under the ROC curve."""
        across, up = self.roc()
        return float(np.trapezoid(up, across))

    def precision_recall(self) -> tuple[Array, Array]:
        """The recall and the precision at each threshold that predicts at least one yes."""
        yes, no = self.yes[1:], self.no[1:]
        with np.errstate(invalid="ignore"):
            return yes / float(self.yes[-1]), yes / (yes + no)

    @property
    def average_precision(self) -> float:
        """The area under the precision-recall curve, without interpolation: the precisions, weighted by the steps of
        the recall."""
        recall, precision = self.precision_recall()
        return float(np.sum(np.diff(recall, prepend=0.0) * precision))

    def by_threshold(self, thresholds: Array) -> dict[str, Array]:
        """`precision`, `recall`, `f1` and `accuracy` where scores above a threshold are yes; NaN where not defined."""
        above = np.searchsorted(-self.thresholds, -thresholds, side="left") - 1
        yes, no, all_yes, all_no = self.yes[above], self.no[above], self.yes[-1], self.no[-1]
        with np.errstate(invalid="ignore"):
            return {
                "precision": yes / (yes + no),
                "recall": yes / float(all_yes),
                "f1": 2 * yes / (yes + no + all_yes),
                "accuracy": (yes + all_no - no) / (all_yes + all_no),
            }


def macro_roc(rankings: Sequence[Ranking]) -> tuple[Array, Array]:
    """The mean of the ROC curves of several classes, each against the others: at each false positive rate that occurs
    the mean true positive rate, before and after the steps there; its area is the mean of the areas."""
    curves = [ranking.roc() for ranking in rankings]
    across = np.unique(np.concatenate([curve[0] for curve in curves]))
    before = np.mean([np.interp(-across, -x[::-1], y[::-1]) for x, y in curves], axis=0)
    after = np.mean([np.interp(across, x, y) for x, y in curves], axis=0)
    return np.repeat(across, 2), np.stack([before, after], axis=1).reshape(-1)


@dataclass(frozen=True, eq=False)
class Calibration:
    """For each bin of probabilities: how many are in it, their mean, and how often they come true; NaN where it is
    empty."""

    counts: Array
    predicted: Array
    observed: Array

    @classmethod
    def of(cls, is_true: Array, probabilities: Array, bins: int = BINS) -> Calibration:
        """Args:
        is_true: whether what was predicted came true, booleans (predictions).
        probabilities: with which it was predicted.
        bins: of equal width from 0 to 1; each has its upper end.
        """
        ids = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], probabilities)
        counts = np.bincount(ids, minlength=bins)
        with np.errstate(invalid="ignore"):
            means = [np.bincount(ids, values, minlength=bins) / counts for values in (probabilities, is_true)]
        return cls(counts, *means)

    @property
    def error(self) -> float:
        """The expected calibration error (Guo et al. 2017, On calibration of modern neural networks): the mean
        difference of both, weighted by the counts."""
        gaps = np.abs(self.predicted - self.observed)
        return float(np.nansum(self.counts * gaps) / self.counts.sum())


def log_losses(expected: Array, probabilities: Array) -> Array:
    """For each example -log of the probability of its class; a probability counts as at least the precision of its
    type."""
    chosen = np.take_along_axis(probabilities, np.asarray(expected)[:, None], axis=1)[:, 0]
    losses: Array = -np.log(np.clip(chosen, np.finfo(probabilities.dtype).eps, 1.0), dtype=np.float64)
    return losses


def top(expected: Array, probabilities: Array, k: int) -> Array:
    """Whether the class is among the `k` most probable ones, ties in its favor."""
    own = np.take_along_axis(probabilities, np.asarray(expected)[:, None], axis=1)
    is_in: Array = (probabilities > own).sum(axis=1) < k
    return is_in
