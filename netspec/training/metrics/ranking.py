"""Metrics that need all predictions of a split at once."""

from __future__ import annotations

import math

from netspec.language.lazy import np
from netspec.training.metrics.base import Metric, MetricValue, Totals, metric

ROWS = 1024
"""Examples whose distances to all others are held in memory at a time."""


@metric("roc_auc")
class RocAuc(Metric):
    """The probability that an example of class 1 gets a higher score than one of class 0, ties counting half.

    With several classes it is the mean over them, each one against all others by its probability; with several
    binary units the mean over the units. A class without examples, or without others, is left out; no number (reported
    as null) when none is left.

    Example: train { metrics = roc_auc }
    Reference: Hanley and McNeil 1982; Fawcett 2006, An introduction to ROC analysis.
    """

    aliases = ("AUC", "AUROC", "roc_auc_score")
    higher_is_better = True
    takes_scores = True
    is_fraction = True
    needs = "ranks"

    def value(self, totals: Totals) -> MetricValue:
        assert totals.scores is not None and totals.labels is not None
        scores, labels = totals.scores.reshape(len(totals.scores), -1), totals.labels
        units = scores.shape[1]
        if totals.chooses:
            powers = np.exp(scores.astype(np.float64) - scores.astype(np.float64).max(axis=1, keepdims=True))
            scores = powers / powers.sum(axis=1, keepdims=True)
            ids = labels if labels.ndim == 1 else labels.argmax(axis=1)
            labels = ids[:, None] == np.arange(units)
        labels = labels.reshape(-1, units)
        areas = [area_under_roc(scores[:, i], labels[:, i]) for i in range(units)]
        known = [area for area in areas if not math.isnan(area)]
        return float(np.mean(known)) if known else math.nan


@metric("nearest")
class Nearest(Metric):
    """For networks that compute embeddings: the fraction of examples whose nearest neighbor is of the same class.

    Distances are Euclidean, and an example is compared with all others of its split.

    Example: train {
                 loss    = triplet(0.2)
                 metrics = nearest
             }
    """

    aliases = ("recall_at_1", "precision_at_1")
    higher_is_better = True
    takes_scores = True
    is_fraction = True
    in_percent = True
    needs = "points"

    def value(self, totals: Totals) -> MetricValue:
        assert totals.scores is not None and totals.labels is not None
        points, ids = totals.scores.reshape(len(totals.scores), -1).astype(np.float64), totals.labels.reshape(-1)
        if len(points) < 2:
            return math.nan
        squares = (points**2).sum(axis=1)
        true_positives = 0
        for begin in range(0, len(points), ROWS):
            rows = points[begin : begin + ROWS]
            distances = squares - 2 * rows @ points.T  # but for what is the same along a row
            distances[np.arange(len(rows)), begin + np.arange(len(rows))] = np.inf
            true_positives += int((ids[distances.argmin(axis=1)] == ids[begin : begin + ROWS]).sum())
        return true_positives / len(points)


def area_under_roc(scores: np.ndarray, labels: np.ndarray) -> float:
    """The area under the receiver operating characteristic, by ranks (Mann-Whitney U); NaN if a class is empty."""
    labels = np.asarray(labels).reshape(-1) > 0.5
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if positives == 0 or negatives == 0:
        return math.nan
    _, place, count = np.unique(np.asarray(scores).reshape(-1), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks = (last - (count - 1) / 2)[place]  # tied scores get the mean of their ranks
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))
