"""What a metric is: sums over batches inside the compiled program, and a value computed from their totals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.language.kinds import Chain, Text
from netspec.language.lazy import lazy
from netspec.language.record import Frozen
from netspec.language.vocabulary import Declares, register, words
from netspec.language.word import Word, option
from netspec.training.feed.targets import as_numbers
from netspec.training.table import table_word

if TYPE_CHECKING:
    import numpy as np

jax = lazy("jax")
jnp = lazy("jax.numpy")

DEFAULT_THRESHOLD = 0.5
"""The probability above which a prediction is yes."""

OF_EACH = "_of_each"
"""The end of the names of sums that are known of each number of a target, or of each class."""

MetricValue = Any
"""A number, or (nested) lists of numbers for a table."""

Need = Literal[
    "numbers", "decisions", "classes", "several classes", "probabilities", "ranks", "points", "sequences", "intervals",
    "quantiles", "likelihood", "normal distribution",
]  # fmt: skip
"""What the predictions must be for a metric; in words: `netspec/training/recipe/metric_fit.py`."""


class Described(Frozen):
    """The distributions that are predicted for a batch, for targets as they are trained on.

    `parameters` (… x targets x parts) are those of a `loss` that predicts distributions. `bounds` are the ends of the
    intervals, where there are some; `targets` and they have the shape … x targets. Numbers are times `std` in the units
    of the targets.
    """

    loss: Any
    targets: Any
    parameters: Any
    bounds: tuple[Any, Any] | None
    std: Any


class Predictions(Frozen):
    """A batch as metrics see it, inside the compiled program.

    `logits` have the shape batch x head, `targets` are as `place_targets` makes them. `weights` (batch, or batch
    x T) are 0 for rows and steps that only fill up, or None when there are none. Numbers are in the units of the
    targets; `difference` is prediction - target where they were normalized. With `by_column` the sums of each number of
    a target are needed. `threshold` is the probability above which a sigmoid says yes. `described` is there for losses
    that predict distributions, and where there are intervals.
    """

    logits: Any
    targets: Any
    head: OutputHead
    weights: Any = None
    difference: Any = None
    by_column: bool = False
    threshold: float = DEFAULT_THRESHOLD
    described: Described | None = None

    @property
    def errors(self) -> Any:
        """Prediction - target, in the shape of the output."""
        if self.difference is not None:
            return self.difference
        return self.head.apply(self.logits) - as_numbers(self.targets, self.head.units)

    @property
    def chooses(self) -> bool:
        """The prediction is one class of several, not a binary decision for each unit."""
        return self.head.activation == "softmax" or bool(jnp.issubdtype(self.targets.dtype, jnp.integer))

    @property
    def predicted(self) -> Any:
        """The class of each prediction, or 1 for a positive one."""
        if self.chooses:
            return jnp.argmax(self.logits, axis=-1)
        if self.threshold != DEFAULT_THRESHOLD and self.head.activation == "sigmoid":
            return (jax.nn.sigmoid(self.logits) > self.threshold).astype(jnp.int32)
        # A sigmoid is above 0.5 where its logit is above 0, as a score is for yes; plain numbers are taken as they are.
        limit = 0.0 if self.head.activation in ("sigmoid", "margin") else 0.5
        return (self.logits > limit).astype(jnp.int32)

    @property
    def expected(self) -> Any:
        """The class of each target, or 1 for a positive one."""
        if jnp.issubdtype(self.targets.dtype, jnp.integer):
            return self.targets
        return jnp.argmax(self.targets, axis=-1) if self.chooses else (self.targets > 0.5).astype(jnp.int32)

    def counted(self, values: Any) -> Any:
        """Values (batch x ...) with zeros for the rows and steps that do not count."""
        if self.weights is None:
            return values
        weights = self.weights.reshape(*self.weights.shape, *[1] * (values.ndim - self.weights.ndim))
        return jnp.where(weights > 0, values, 0)


class Totals(Frozen):
    """What `Metric.value` works from: the sums over a split, and what is known about it without the network.

    `chooses` says whether a prediction is one class of several. `spread` holds, for each number of a target, the sum of
    (target - mean)^2. `scores` (predictions x units, as the network computes them) and `labels` are those of every
    prediction, for metrics with `takes_scores`.
    """

    sums: Mapping[str, Any]
    examples: int
    decisions: int
    numbers: int
    chooses: bool = False
    spread: np.ndarray | None = None
    scores: np.ndarray | None = None
    labels: np.ndarray | None = None

    def column(self, index: int, count: int) -> Totals:
        """The totals of one of the `count` numbers of a target: those that are known of each."""
        each = {name: total for name, total in self.sums.items() if name.endswith(OF_EACH)}
        sums = {name.removesuffix(OF_EACH): total[index] for name, total in each.items()}
        sums |= {name: total[index : index + 1] for name, total in each.items()}
        spread = self.spread[index : index + 1] if self.spread is not None else None
        return self.replace(sums=sums, numbers=self.numbers // count, spread=spread)


class Metric(Word, ABC):
    """Base of every metric."""

    category: ClassVar[str] = "metric"

    higher_is_better: ClassVar[bool] = False
    takes_scores: ClassVar[bool] = False
    """Needs the scores of all examples at once, so it is not reported on the training split."""
    takes_long: ClassVar[bool] = False
    """Is not reported on the training split, where it would be computed in every step."""
    is_fraction: ClassVar[bool] = False
    """Is between 0 and 1."""
    is_at_most_1: ClassVar[bool] = False
    """Has no lower limit, but is 1 where every prediction is exact."""
    in_percent: ClassVar[bool] = False
    """Is shown in percent."""
    by_column: ClassVar[bool] = False
    """Is reported for each target column, where they have names."""
    has_average: ClassVar[bool] = True
    """Is reported over all target columns as well: it has no unit, so that their average means something."""
    needs: ClassVar[Need] = "numbers"

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        """Sums over a batch, by name."""
        return {}

    @abstractmethod
    def value(self, totals: Totals) -> MetricValue:
        """The metric of a whole split."""

    @property
    def metric_name(self) -> str:
        """The name that it is reported under."""
        return self.word

    @classmethod
    def metric_names(cls) -> tuple[str, ...]:
        """The names of all single numbers that words of this class report."""
        return (cls.word,)

    @property
    def is_table(self) -> bool:
        """Is not a single number, so it is reported at the end only."""
        return False

    def misfit(self, head: OutputHead, target: Target) -> str:
        """Why it does not fit such predictions, beyond `needs`; empty when it fits."""
        return ""


metric = Declares("metric")
"""The decorator that declares a metric: `@metric("name")`."""


metric_word = partial(table_word, Metric, {})
"""Declares a metric without a class statement, as a row of a table."""


def all_metric_names() -> dict[str, type[Metric]]:
    """The names of all numbers that metrics report, without the prefixes of splits and outputs, and their classes."""
    classes = [cls for cls in words("metric").values() if issubclass(cls, Metric)]
    return {name: cls for cls in classes for name in cls.metric_names()}


def metric_of(name: str) -> type[Metric] | None:
    """The class of a reported metric (`val_accuracy`, `test_digit_top_5`, …); None for losses."""
    classes = all_metric_names()
    # `digit_top_5` ends with `top_5`; of several names that it ends with, the longest is meant.
    fitting = [known for known in classes if name == known or name.endswith(f"_{known}")]
    return classes[max(fitting, key=len)] if fitting else None


def is_higher_better(name: str) -> bool:
    """Whether a larger value of a reported metric (`val_accuracy`, `digit_loss`, …) is better."""
    metric = metric_of(name)
    return metric is not None and metric.higher_is_better


@register("metric", "of")
class OfOutputMetrics(Word):
    """The metrics of one output of a network with several outputs.

    Join several of them by `->`. Metrics in the chain without `of` are for all other outputs; an output without any
    gets those that fit its last layer.

    Example: train { metrics = of("digit", accuracy -> top(3)) -> of("style", rmse) }
    """

    output: str = option(Text(), "the name of the output", position=0)
    metrics: tuple[Metric | OfOutputMetrics, ...] = option(Chain("metric"), "its metrics", position=1)


MetricWord = Metric | OfOutputMetrics
"""A word of the chain `metrics`."""
