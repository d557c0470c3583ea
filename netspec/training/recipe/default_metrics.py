"""The metrics of an output that the spec does not name."""

from __future__ import annotations

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.training.feed.targets import are_ids
from netspec.training.losses import Loss
from netspec.training.losses.distributions import Gaussian, Quantile
from netspec.training.metrics import Metric
from netspec.training.metrics.classification import (
    Accuracy,
    BalancedAccuracy,
    ConfusionMatrix,
    IntersectionOverUnion,
    Perplexity,
)
from netspec.training.metrics.distributions import Coverage, IntervalWidth, NegativeLogLikelihood, Pinball
from netspec.training.metrics.ranking import Nearest, RocAuc
from netspec.training.metrics.regression import MeanAbsoluteError, MeanSquaredError, RootMeanSquaredError, RSquared
from netspec.training.metrics.sequences import ErrorRate


def default_metrics(loss: Loss, head: OutputHead, target: Target, level: float | None = None) -> tuple[Metric, ...]:
    """The default metrics for the head that predictions are scored with, and for intervals of this level."""
    first: tuple[Metric, ...] = (Pinball(),) if isinstance(loss, Quantile) else ()
    first = (NegativeLogLikelihood(),) if isinstance(loss, Gaussian) else first
    return (*first, *_of_predictions(loss, head, target), *((Coverage(), IntervalWidth()) if level is not None else ()))


def _of_predictions(loss: Loss, head: OutputHead, target: Target) -> tuple[Metric, ...]:
    if loss.output_kind == "sequence":
        return (ErrorRate(),)
    if loss.output_kind == "embedding":
        return (Nearest(),) if head.units > 1 else ()
    if target.mask is not None and len(head.sizes) == 3 and (are_ids(head, target) or head.activation == "sigmoid"):
        return (Accuracy(), IntersectionOverUnion())
    if head.activation == "softmax":
        return (Accuracy(), Perplexity()) if head.is_sequence else (Accuracy(), ConfusionMatrix())
    if head.activation == "margin":
        return (Accuracy(),) if head.is_sequence else (Accuracy(), RocAuc())
    if are_ids(head, target):
        return (Accuracy(), RootMeanSquaredError())
    if head.activation == "sigmoid":
        if target.kind == "numbers":
            return (RootMeanSquaredError(), MeanAbsoluteError())
        if head.count > 1:
            return (Accuracy(), RootMeanSquaredError())
        return (Accuracy(), BalancedAccuracy(), RocAuc(), ConfusionMatrix())
    return (MeanSquaredError(), RootMeanSquaredError(), MeanAbsoluteError(), RSquared())
