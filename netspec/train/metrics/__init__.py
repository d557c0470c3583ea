"""Metrics: figures that people read, exact over a whole split.

A metric is made in two steps: `sums` runs inside the compiled program and gives, for a batch, sums that may be added up
over batches; `value` makes the figure from their totals on the host. Sums with the same name are the same in every
metric and are computed once. Figures that need every score at once (roc_auc) take `scores` instead.
"""

from netspec.train.metrics.base import (
    Answers,
    Figure,
    Metric,
    Totals,
    figure_is_higher_better,
    figure_names,
    metric,
    metric_of,
)
from netspec.train.metrics.classes import (
    F1,
    Accuracy,
    ConfusionMatrix,
    IntersectionOverUnion,
    Perplexity,
    Precision,
    Recall,
    Top,
)
from netspec.train.metrics.numbers import (
    ExplainedVariance,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    RootMeanSquaredError,
    RSquared,
)
from netspec.train.metrics.outputs import MetricWord, OfOutputMetrics
from netspec.train.metrics.scores import Nearest, RocAuc, area_under_roc
from netspec.train.metrics.sequences import ErrorRate, edit_distance

__all__ = [
    "F1",
    "Accuracy",
    "Answers",
    "ConfusionMatrix",
    "ErrorRate",
    "ExplainedVariance",
    "Figure",
    "IntersectionOverUnion",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "Metric",
    "MetricWord",
    "Nearest",
    "OfOutputMetrics",
    "Perplexity",
    "Precision",
    "RSquared",
    "Recall",
    "RocAuc",
    "RootMeanSquaredError",
    "Top",
    "Totals",
    "area_under_roc",
    "edit_distance",
    "figure_is_higher_better",
    "figure_names",
    "metric",
    "metric_of",
]
