"""Which metrics fit the predictions of an output."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.training.errors import recipe as errors
from netspec.training.feed.targets import are_ids
from netspec.training.losses import Loss
from netspec.training.losses.distributions import Distribution, Gaussian, Quantile
from netspec.training.metrics import Metric
from netspec.training.recipe.default_metrics import default_metrics
from netspec.training.recipe.settings import Check

NEEDS = {
    "numbers": "predictions that are numbers",
    "decisions": "predictions that are right or wrong",
    "classes": "predictions that are classes",
    "several classes": "predictions that are one of several classes",
    "probabilities": "probabilities of several classes",
    "ranks": "classes or binary labels, one prediction per example",
    "points": "a network that gives embeddings, trained with `contrastive` or `triplet`",
    "sequences": "a network that gives sequences, trained with `ctc`",
    "intervals": "intervals of numbers, as the loss `quantile` or `interval = conformal(90%)` gives them",
    "quantiles": "quantiles, as the loss `quantile` gives them",
    "likelihood": "a distribution of the targets, as the losses `gaussian` and `poisson` give it",
    "normal distribution": "a normal distribution, as the loss `gaussian` gives it",
}
"""What metrics need, in words."""


def check_metric(
    metric: Metric,
    chosen: Sequence[Metric],
    loss: Loss,
    head: OutputHead,
    target: Target,
    other: str,
    check: Check,
    level: float | None,
) -> None:
    if needs := _metric_misfit(metric, loss, head, target, level):
        fitting = [m for m in chosen if not _metric_misfit(m, loss, head, target, level)]
        usual = fitting or default_metrics(loss, head, target, level)
        wrong = errors.MetricNotForHead(
            span=check.at("metrics", head),
            case="none" if not usual else "others" if other else "",
            metric=metric.to_source(),
            needs=needs,
            head=f"{head}, trained with `{loss.word}`" if loss.output_kind in ("sequence", "embedding") else str(head),
            defaults=" -> ".join(m.to_source() for m in usual),
            other=other,
        )
        check.problems.add(wrong)


def _metric_misfit(metric: Metric, loss: Loss, head: OutputHead, target: Target, level: float | None) -> str:
    """What a metric needs that these predictions do not give; empty where it fits."""
    if metric.needs not in given_needs(loss, head, target, level):
        return NEEDS[metric.needs]
    return metric.misfit(head, target)


def given_needs(loss: Loss, head: OutputHead, target: Target, level: float | None = None) -> set[str]:
    """What metrics may need of these predictions; `head` is the one that they are scored with, `level` that of their
    intervals."""
    if loss.output_kind == "sequence":
        return {"sequences"}
    if loss.output_kind == "embedding":
        return {"points"} if head.units > 1 else set()
    classes = has_classes(head, target)
    is_yes_or_no = target.kind != "numbers" and not classes
    needs = {
        "numbers": head.activation != "margin",
        "decisions": classes or is_yes_or_no,
        "classes": classes or (is_yes_or_no and head.count == 1),
        "several classes": classes,
        "probabilities": head.activation == "softmax",
        "ranks": (classes or is_yes_or_no) and not head.is_sequence,
        "intervals": level is not None,
        "quantiles": isinstance(loss, Quantile),
        "likelihood": isinstance(loss, Distribution) and loss.has_likelihood,
        "normal distribution": isinstance(loss, Gaussian),
    }
    return {name for name, is_given in needs.items() if is_given}


def has_classes(scored: OutputHead, target: Target) -> bool:
    """Whether a prediction is one class of several."""
    return scored.activation == "softmax" or are_ids(scored, target)
