"""Metrics: figures that people read, exact over a whole split.

A metric is made in two steps: `sums` runs inside the compiled program and gives, for a batch, sums that may be added up
over batches; `value` makes the figure from their totals on the host. Sums with the same name are the same in every
metric and are computed once. Figures that need every score at once (roc_auc) take `scores` instead.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from netspec.record import Record, record, value
from netspec.train.heads import HeadInfo, as_numbers
from netspec.train.losses import negative_log_likelihood
from netspec.values import Word
from netspec.vocabulary import option, register

if TYPE_CHECKING:
    import numpy as np

Figure = Any
"""A number, or nested lists of numbers for a table."""


@value
class Answers(Record):
    """A batch as metrics see it, inside the compiled program.

    `logits` have the shape batch x head, `targets` are as `place_targets` makes them. `weights` (batch, or batch
    x T) are 0 for rows and steps that only fill up, or None when there are none.
    """

    logits: Any
    targets: Any
    head: HeadInfo
    weights: Any = None

    @property
    def errors(self) -> Any:
        """Answer - target, in the shape of the output."""
        return self.head.apply(self.logits) - as_numbers(self.targets, self.head.units)

    @property
    def chooses(self) -> bool:
        """The answer is one class of several, not a yes or no for each unit."""
        import jax.numpy as jnp

        return self.head.activation == "softmax" or bool(jnp.issubdtype(self.targets.dtype, jnp.integer))

    @property
    def decided(self) -> Any:
        """The class of each answer, or 1 for yes."""
        import jax.numpy as jnp

        if self.chooses:
            return jnp.argmax(self.logits, axis=-1)
        # A sigmoid is above 0.5 where its logit is above 0; plain numbers are compared as they are.
        return (self.logits > (0.0 if self.head.activation == "sigmoid" else 0.5)).astype(jnp.int32)

    @property
    def right(self) -> Any:
        """The class of each target, or 1 for yes."""
        import jax.numpy as jnp

        if jnp.issubdtype(self.targets.dtype, jnp.integer):
            return self.targets
        return jnp.argmax(self.targets, axis=-1) if self.chooses else (self.targets > 0.5).astype(jnp.int32)

    def counted(self, values: Any) -> Any:
        """Values (batch x ...) with zeros for the rows and steps that do not count."""
        import jax.numpy as jnp

        if self.weights is None:
            return values
        weights = self.weights.reshape(*self.weights.shape, *[1] * (values.ndim - self.weights.ndim))
        return jnp.where(weights > 0, values, 0)


@value
class Totals(Record):
    """What `Metric.value` works from: the sums over a split, and what is known about it without the net.

    `spread` holds, for each number of a target, the sum of (target - mean)^2. `scores` and `labels` are those of every
    example, for metrics with `takes_scores`.
    """

    sums: Mapping[str, Any]
    examples: int
    decisions: int
    numbers: int
    spread: np.ndarray | None = None
    scores: np.ndarray | None = field(default=None, repr=False)
    labels: np.ndarray | None = field(default=None, repr=False)


@record
class Metric(Word, ABC):
    """Base of every metric."""

    category: ClassVar[str] = "metric"

    higher_is_better: ClassVar[bool] = False
    takes_scores: ClassVar[bool] = False
    """Needs the score of every example at once, so it is not reported on the training split."""
    is_table: ClassVar[bool] = False
    """Is no single number, so it is reported at the end only."""
    needs: ClassVar[str] = "numbers"
    """What the answers must be: `numbers`, `decisions`, `classes`, `probabilities` or `one yes or no`."""

    def sums(self, answers: Answers) -> dict[str, Any]:
        """Sums over a batch, by name."""
        return {}

    @abstractmethod
    def value(self, totals: Totals) -> Figure:
        """The figure for a whole split."""


M = TypeVar("M", bound=type[Metric])


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def metric(name: str) -> Callable[[M], M]:
    """Declare a metric.

    Raises:
        ValueError: the name is taken, or is no lower-case word.
    """
    return register("metric", name)  # type: ignore[return-value]  # the same class comes back


@metric("accuracy")
class Accuracy(Metric):
    """The share of right answers: the likeliest class is the right one, or yes and no are on the right side.

    Example: train { metrics = accuracy }
    """

    higher_is_better = True
    needs = "decisions"

    def sums(self, answers: Answers) -> dict[str, Any]:
        import jax.numpy as jnp

        hits = answers.counted(answers.decided == answers.right)
        return {"right": jnp.sum(hits, dtype=jnp.int32)}

    def value(self, totals: Totals) -> Figure:
        return float(totals.sums["right"]) / totals.decisions


def _squares(answers: Answers) -> Any:
    return answers.counted(answers.errors**2)


@metric("mse")
class MeanSquaredError(Metric):
    """The mean of (answer - target)^2.

    Example: train { metrics = mse }
    """

    needs = "numbers"

    def sums(self, answers: Answers) -> dict[str, Any]:
        return {"squares": _squares(answers).sum()}

    def value(self, totals: Totals) -> Figure:
        return float(totals.sums["squares"]) / totals.numbers


@metric("rmse")
class RootMeanSquaredError(MeanSquaredError):
    """The root of the mean squared error: in the unit of the targets.

    Example: train { metrics = rmse }
    """

    def value(self, totals: Totals) -> Figure:
        return math.sqrt(super().value(totals))


@metric("mae")
class MeanAbsoluteError(Metric):
    """The mean of |answer - target|.

    Example: train { metrics = mae }
    """

    needs = "numbers"

    def sums(self, answers: Answers) -> dict[str, Any]:
        import jax.numpy as jnp

        return {"sizes": answers.counted(jnp.abs(answers.errors)).sum()}

    def value(self, totals: Totals) -> Figure:
        return float(totals.sums["sizes"]) / totals.numbers


@metric("r2")
class RSquared(Metric):
    """Which share of the targets' variance is explained: 1 is perfect, 0 is no better than the mean.

    With several numbers for each example it is the mean over them; a number that never varies counts 1 when it is
    answered exactly, otherwise 0.

    Example: train { metrics = r2 }
    """

    higher_is_better = True
    needs = "numbers"

    def sums(self, answers: Answers) -> dict[str, Any]:
        squares = _squares(answers)
        return {"squares_of_each": squares.reshape(squares.shape[0], -1).sum(axis=0)}

    def value(self, totals: Totals) -> Figure:
        import numpy as np

        assert totals.spread is not None, "the spread of the targets is known for every split"
        left, spread = np.asarray(totals.sums["squares_of_each"], np.float64), totals.spread
        constant = np.where(left == 0, 1.0, 0.0)
        return float(np.mean(np.where(spread > 0, 1 - left / np.where(spread > 0, spread, 1), constant)))


@metric("perplexity")
class Perplexity(Metric):
    """exp of the mean negative logarithm of the probability of the right class: as unsure as between so many classes.

    Example: train { metrics = perplexity }
    """

    needs = "probabilities"

    def sums(self, answers: Answers) -> dict[str, Any]:
        return {"surprise": answers.counted(negative_log_likelihood(answers.logits, answers.targets)).sum()}

    def value(self, totals: Totals) -> Figure:
        mean = float(totals.sums["surprise"]) / totals.decisions
        return math.exp(mean) if mean < 700 else math.inf


@metric("roc_auc")
class RocAuc(Metric):
    """The probability that an example of class 1 gets a higher score than one of class 0, ties counting half.

    Not a number (reported as null) when one of the classes has no example.

    Example: train { metrics = roc_auc }
    Reference: Hanley and McNeil 1982.
    """

    higher_is_better = True
    takes_scores = True
    needs = "one yes or no"

    def value(self, totals: Totals) -> Figure:
        assert totals.scores is not None and totals.labels is not None
        return area_under_roc(totals.scores, totals.labels)


@metric("confusion_matrix")
class ConfusionMatrix(Metric):
    """How often each class (rows) was taken for each class (columns).

    Example: train { metrics = confusion_matrix }
    """

    is_table = True
    needs = "classes"

    def sums(self, answers: Answers) -> dict[str, Any]:
        import jax.numpy as jnp

        classes = answers.head.units if answers.chooses else 2
        right, decided = answers.right.reshape(-1), answers.decided.reshape(-1)
        ones = answers.counted(jnp.ones(answers.right.shape, jnp.int32)).reshape(-1)
        return {"table": jnp.zeros((classes, classes), jnp.int32).at[right, decided].add(ones)}

    def value(self, totals: Totals) -> Figure:
        import numpy as np

        return np.asarray(totals.sums["table"]).astype(int).tolist()


def area_under_roc(scores: np.ndarray, labels: np.ndarray) -> float:
    """The area under the receiver operating characteristic, by ranks (Mann-Whitney U); NaN if a class is empty."""
    import numpy as np

    labels = np.asarray(labels).reshape(-1) > 0.5
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if positives == 0 or negatives == 0:
        return math.nan
    _, place, count = np.unique(np.asarray(scores).reshape(-1), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks = (last - (count - 1) / 2)[place]  # tied scores share the mean of their ranks
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def figure_is_higher_better(name: str) -> bool:
    """Whether a larger value of a reported figure (`val_accuracy`, `digit_loss`, …) is better."""
    from netspec.vocabulary import words

    found = [cls for word, cls in words("metric").items() if name == word or name.endswith(f"_{word}")]
    return any(issubclass(cls, Metric) and cls.higher_is_better for cls in found)
