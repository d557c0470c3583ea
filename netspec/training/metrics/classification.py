"""Metrics of classification: classes, or a binary decision for each unit."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import partial
from typing import Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.data.dataset.lazy_rows import Array
from netspec.language.kinds import Choice, Count
from netspec.language.lazy import lazy, np
from netspec.language.word import option
from netspec.training.losses.classification import negative_log_likelihood
from netspec.training.metrics.base import Metric, MetricValue, Predictions, Totals, metric
from netspec.training.table import table_word

jnp = lazy("jax.numpy")

MAX_K = 20
"""The largest k of `top(k)`."""


def class_counts(predictions: Predictions) -> dict[str, Any]:
    """True positives, predictions and targets of each class; for binary decisions, those of the positives of a unit."""
    expected, predicted = predictions.expected, predictions.predicted
    if not predictions.chooses:
        columns = {"hits": expected & predicted, "decided": predicted, "right": expected}
        return {
            f"{name}_of_each": predictions.counted(values)
            .reshape(-1, predictions.head.units)
            .sum(axis=0, dtype=jnp.int32)
            for name, values in columns.items()
        }
    ones = predictions.counted(jnp.ones(expected.shape, jnp.int32)).reshape(-1)
    expected, predicted = expected.reshape(-1), predicted.reshape(-1)
    none = jnp.zeros(predictions.head.units, jnp.int32)
    return {
        "hits_of_each": none.at[expected].add(ones * (expected == predicted)),
        "decided_of_each": none.at[predicted].add(ones),
        "right_of_each": none.at[expected].add(ones),
    }


def counts_of(totals: Totals, *, both: bool) -> tuple[Array, Array, Array]:
    """True positives, predictions and targets of each class; with `both`, a single binary unit is two classes."""
    correct, predicted, expected = (
        np.asarray(totals.sums[f"{name}_of_each"], np.float64) for name in ("hits", "decided", "right")
    )
    if both and len(correct) == 1:
        n = totals.decisions
        return (
            np.r_[n - predicted - expected + correct, correct],
            np.r_[n - predicted, predicted],
            np.r_[n - expected, expected],
        )
    return correct, predicted, expected


def of_classes(totals: Totals) -> bool:
    """Whether counts are those of mutually exclusive classes, and not of several binary units."""
    return totals.chooses or len(totals.sums["hits_of_each"]) == 1


def ratio(part: Array, whole: Array) -> Array:
    """part / whole, and 0 where there is nothing."""
    ratios: Array = np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
    return ratios


class Averaged(Metric, ABC):
    """Base of the metrics that are computed for each class and averaged as their option `average` says."""

    is_fraction = True
    higher_is_better = True
    needs = "decisions"

    average: str | None

    @property
    def metric_name(self) -> str:
        return f"{self.word}_{self.average}" if self.average else self.word

    @classmethod
    def metric_names(cls) -> tuple[str, ...]:
        averages = next(option.kind.names for option in cls.options() if option.name == "average")
        return (cls.word, *(f"{cls.word}_{name}" for name in averages if name != "per_class"))

    @property
    def is_table(self) -> bool:
        return self.average == "per_class"


@metric("accuracy")
class Accuracy(Averaged):
    """The fraction of correct predictions: the most probable class is correct, or a probability is on the correct side.

    `accuracy(macro)` is the mean over the classes (balanced accuracy), `accuracy(per_class)` a list with one value for
    each; for several binary units they are those of each unit.

    Example: train { metrics = accuracy }
    """

    aliases = ("BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "acc")
    in_percent = True

    average: str | None = option(
        Choice(("macro", "per_class")), "the mean over the classes, or each of them (none: over all predictions)",
        default=None, position=0,
    )  # fmt: skip

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        if self.average:
            return class_counts(predictions)
        correct = predictions.counted(predictions.predicted == predictions.expected)
        return {"right": jnp.sum(correct, dtype=jnp.int32)}

    def value(self, totals: Totals) -> MetricValue:
        if not self.average:
            return float(totals.sums["right"]) / totals.decisions
        correct, predicted, expected = counts_of(totals, both=True)
        if of_classes(totals):
            each, is_seen = ratio(correct, expected), expected > 0
        else:
            each, is_seen = (
                1 - (predicted + expected - 2 * correct) / (totals.decisions / len(correct)),
                expected >= 0,
            )
        return each.tolist() if self.is_table else float(np.mean(each[is_seen]))


@metric("balanced_accuracy")
class BalancedAccuracy(Metric):
    """The mean over the classes of the fraction of their examples that are predicted correctly.

    A network that always predicts the most frequent class has 1 / classes, however high its accuracy is. It is
    `accuracy(macro)` under its own name.

    Example: train { metrics = accuracy -> balanced_accuracy }
    Reference: Brodersen et al. 2010, The balanced accuracy and its posterior distribution.
    """

    aliases = ("balanced_accuracy_score", "BalancedAccuracy")
    in_percent = True
    is_fraction = True
    higher_is_better = True
    needs = "classes"

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        return class_counts(predictions)

    def value(self, totals: Totals) -> MetricValue:
        correct, _, expected = counts_of(totals, both=True)
        return float(np.mean(ratio(correct, expected)[expected > 0]))


@metric("top")
class Top(Metric):
    """The fraction of predictions with the correct class among the `k` most probable ones.

    It is reported with its number: `top(5)` as `top_5`.

    Example: train { metrics = accuracy -> top(5) }
    """

    aliases = ("TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "top_k_accuracy_score", "top_k_accuracy")
    higher_is_better = True
    is_fraction = True
    in_percent = True
    needs = "several classes"

    k: int = option(Count(1, MAX_K), "how many are looked at", position=0)

    @property
    def metric_name(self) -> str:
        return f"{self.word}_{self.k}"

    @classmethod
    def metric_names(cls) -> tuple[str, ...]:
        return tuple(f"{cls.word}_{k}" for k in range(1, MAX_K + 1))

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        expected = predictions.expected[..., None]
        score = jnp.take_along_axis(predictions.logits, expected, axis=-1)
        # Of equal scores the first one is taken, as the accuracy does; comparing with <= also leaves NaN out.
        is_first = jnp.arange(predictions.head.units) >= expected
        is_below = (predictions.logits < score) | ((predictions.logits == score) & is_first)
        above = predictions.head.units - jnp.sum(is_below, axis=-1)
        return {self.metric_name: jnp.sum(predictions.counted(above < self.k), dtype=jnp.int32)}

    def value(self, totals: Totals) -> MetricValue:
        return float(totals.sums[self.metric_name]) / totals.decisions

    def misfit(self, head: OutputHead, target: Target) -> str:
        return f"more than {self.k} classes; with {head.units} it is always 1" if self.k >= head.units else ""


class OfCounts(Averaged, ABC):
    """Base of the metrics that are computed from the counts of each class."""

    average: str | None = option(
        Choice(("macro", "micro", "weighted", "per_class")),
        "`macro`: the mean over the classes; `weighted`: by how many examples they have; `micro`: of all predictions "
        "together; `per_class`: each of them (none: that of the positives for a single binary unit, otherwise macro)",
        default=None,
        position=0,
    )

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        return class_counts(predictions)

    def value(self, totals: Totals) -> MetricValue:
        correct, predicted, expected = counts_of(totals, both=self.average is not None)
        if self.average == "micro":
            correct, predicted, expected = (np.atleast_1d(counts.sum()) for counts in (correct, predicted, expected))
        each = self.of_counts(correct, predicted, expected)
        if self.is_table:
            return each.tolist()
        if self.average == "weighted":
            return float(np.sum(each * expected) / max(expected.sum(), 1))
        is_seen = predicted + expected > 0  # a class that is neither a target nor predicted does not count
        return float(np.mean(each[is_seen] if of_classes(totals) and is_seen.any() else each))

    @abstractmethod
    def of_counts(self, correct: Array, predicted: Array, expected: Array) -> Array:
        """The value for each class, from its true positives, predictions and targets."""


counts_word = partial(table_word, OfCounts, {})
Precision = counts_word(
    "precision",
    "The fraction of the predictions of a class that are correct; 0 where there are none.",
    example="precision(macro)",
    aliases=("Precision", "precision_score"),
    of_counts=lambda self, correct, predicted, expected: ratio(correct, predicted),
)
Recall = counts_word(
    "recall",
    "The fraction of the examples of a class that are found; 0 where there are none.",
    example="recall(per_class)",
    aliases=("Recall", "recall_score", "sensitivity"),
    of_counts=lambda self, correct, predicted, expected: ratio(correct, expected),
)
F1 = counts_word(
    "f1",
    "The harmonic mean of precision and recall.",
    "van Rijsbergen 1979, Information retrieval.",
    example="f1(macro)",
    aliases=("F1Score", "f1_score"),
    of_counts=lambda self, correct, predicted, expected: ratio(2 * correct, predicted + expected),
)
Dice = counts_word(
    "dice",
    "Twice the intersection over the sum of the predicted and the true positions of a class: `f1`, as it is called "
    "where classes are parts of images.",
    "Dice 1945, Measures of the amount of ecologic association between species.",
    example="dice(per_class)",
    aliases=("DiceScore", "DiceCoefficient", "dice_coefficient", "dice_score"),
    of_counts=lambda self, correct, predicted, expected: ratio(2 * correct, predicted + expected),
)
IntersectionOverUnion = counts_word(
    "iou",
    "Intersection over union of the predicted and the true positions of a class.",
    "Jaccard 1912, The distribution of the flora in the alpine zone.",
    example="iou(per_class)",
    aliases=("MeanIoU", "JaccardIndex", "jaccard_score"),
    of_counts=lambda self, correct, predicted, expected: ratio(correct, predicted + expected - correct),
)


@metric("perplexity")
class Perplexity(Metric):
    """exp of the mean negative log-probability of the correct class.

    It is the number of equally likely classes with the same uncertainty.

    Example: train { metrics = perplexity }
    """

    needs = "probabilities"

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        return {"surprise": predictions.counted(negative_log_likelihood(predictions.logits, predictions.targets)).sum()}

    def value(self, totals: Totals) -> MetricValue:
        mean = float(totals.sums["surprise"]) / totals.decisions
        return math.exp(mean) if mean < 700 else math.inf


@metric("confusion_matrix")
class ConfusionMatrix(Metric):
    """How often each class (rows) was predicted as each class (columns).

    Example: train { metrics = confusion_matrix }
    """

    needs = "classes"

    @classmethod
    def metric_names(cls) -> tuple[str, ...]:
        return ()

    @property
    def is_table(self) -> bool:
        return True

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        classes = predictions.head.units if predictions.chooses else 2
        expected, predicted = predictions.expected.reshape(-1), predictions.predicted.reshape(-1)
        ones = predictions.counted(jnp.ones(predictions.expected.shape, jnp.int32)).reshape(-1)
        return {"table": jnp.zeros((classes, classes), jnp.int32).at[expected, predicted].add(ones)}

    def value(self, totals: Totals) -> MetricValue:
        return np.asarray(totals.sums["table"]).astype(int).tolist()
