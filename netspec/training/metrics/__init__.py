"""Metrics, exact over a whole split.

A metric is made in two steps: `sums` runs inside the compiled program and gives, for a batch, sums that may be added up
over batches; `value` computes the metric from their totals on the host. Sums with the same name are the same in every
metric and are computed once. Metrics that need every score at once (roc_auc) take `scores` instead.
"""

from netspec.training.metrics.base import (
    Metric as Metric,
    MetricValue as MetricValue,
    Predictions as Predictions,
    Totals as Totals,
    all_metric_names as all_metric_names,
    is_higher_better as is_higher_better,
    metric as metric,
    metric_of as metric_of,
)
from netspec.training.metrics.classification import (
    F1 as F1,
    Accuracy as Accuracy,
    ConfusionMatrix as ConfusionMatrix,
    IntersectionOverUnion as IntersectionOverUnion,
    Perplexity as Perplexity,
    Precision as Precision,
    Recall as Recall,
    Top as Top,
)
from netspec.training.metrics.per_output import MetricWord as MetricWord, OfOutputMetrics as OfOutputMetrics
from netspec.training.metrics.ranking import Nearest as Nearest, RocAuc as RocAuc, area_under_roc as area_under_roc
from netspec.training.metrics.regression import (
    ExplainedVariance as ExplainedVariance,
    MeanAbsoluteError as MeanAbsoluteError,
    MeanAbsolutePercentageError as MeanAbsolutePercentageError,
    MeanSquaredError as MeanSquaredError,
    RootMeanSquaredError as RootMeanSquaredError,
    RSquared as RSquared,
)
from netspec.training.metrics.sequences import ErrorRate as ErrorRate, edit_distance as edit_distance
