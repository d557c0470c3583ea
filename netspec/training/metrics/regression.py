"""Metrics of numbers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import partial
from typing import Any, ClassVar

from netspec.language.lazy import lazy, np
from netspec.training.feed.targets import as_numbers
from netspec.training.metrics.base import OF_EACH, Metric, MetricValue, Predictions, Totals, metric, metric_word
from netspec.training.table import table_word

jnp = lazy("jax.numpy")

EPSILON = 2.220446049250313e-16
"""What an error is divided by at least: the precision of a 64-bit number, as in scikit-learn."""


class MeanOfNumbers(Metric, ABC):
    """Base of the means over all numbers of a split; `total` is the name of their sum."""

    total: ClassVar[str]
    by_column = True
    has_average = False

    @abstractmethod
    def of_each(self, predictions: Predictions) -> Any:
        """What the mean is taken of, in the shape of the output."""

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        values = predictions.counted(self.of_each(predictions))
        each = {f"{self.total}{OF_EACH}": _by_number(values)} if predictions.by_column else {}
        return {self.total: values.sum(), **each}

    def value(self, totals: Totals) -> MetricValue:
        return float(totals.sums[self.total]) / totals.numbers


mean_word = partial(table_word, MeanOfNumbers, {})
MeanSquaredError = mean_word(
    "mse",
    "The mean of (prediction - target)^2.",
    total="squares",
    of_each=lambda self, predictions: predictions.errors**2,
)
RootMeanSquaredError = table_word(
    MeanSquaredError,
    {},
    "rmse",
    "The root of the mean squared error: in the unit of the targets.",
    aliases=("RootMeanSquaredError", "root_mean_squared_error"),
    value=lambda self, totals: math.sqrt(MeanSquaredError.value(self, totals)),
)
MeanAbsoluteError = mean_word(
    "mae",
    "The mean of |prediction - target|.",
    total="sizes",
    of_each=lambda self, predictions: jnp.abs(predictions.errors),
)
MeanAbsolutePercentageError = mean_word(
    "mape",
    "The mean of |prediction - target| / |target|, as a fraction: 0.1 is an error of a tenth.",
    details="A target of 0 makes it huge; use `mae` then.",
    aliases=("MeanAbsolutePercentageError", "mean_absolute_percentage_error"),
    in_percent=True,
    has_average=True,
    total="shares",
    of_each=lambda self, predictions: (
        jnp.abs(predictions.errors)
        / jnp.maximum(jnp.abs(as_numbers(predictions.targets, predictions.head.units)), EPSILON)
    ),
)
RSquared = metric_word(
    "r2",
    "The fraction of the variance of the targets that is explained: 1 is perfect, 0 is as good as the mean.",
    details="With several numbers for each example it is the mean over them; a number that never varies counts 1 when "
    "it is predicted exactly, otherwise 0.",
    aliases=("R2Score", "r2_score"),
    higher_is_better=True,
    is_at_most_1=True,
    by_column=True,
    sums=lambda self, predictions: {"squares_of_each": _by_number(predictions.counted(predictions.errors**2))},
    value=lambda self, totals: _explained(np.asarray(totals.sums["squares_of_each"], np.float64), totals),
)


@metric("explained_variance")
class ExplainedVariance(Metric):
    """As `r2`, but an error that is the same for all examples does not count.

    Example: train { metrics = explained_variance }
    """

    aliases = ("ExplainedVariance", "explained_variance_score")
    higher_is_better = True
    is_at_most_1 = True
    by_column = True

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        errors = predictions.counted(predictions.errors)
        return {
            "squares_of_each": _by_number(errors**2),
            "errors_of_each": _by_number(errors),
            "counts_of_each": _by_number(predictions.counted(jnp.ones(errors.shape, jnp.int32))),
        }

    def value(self, totals: Totals) -> MetricValue:
        squares, errors, counts = (
            np.asarray(totals.sums[f"{name}_of_each"], np.float64) for name in ("squares", "errors", "counts")
        )
        left = np.maximum(squares - errors**2 / np.maximum(counts, 1), 0)
        # What is left of equal errors is rounding of 32-bit sums.
        return _explained(np.where(left <= 1e-6 * squares, 0, left), totals)


def _by_number(values: Any) -> Any:
    return values.reshape(values.shape[0], -1).sum(axis=0)


def _explained(left: Any, totals: Totals) -> float:
    """1 - left / spread, the mean over the numbers of a target."""
    assert totals.spread is not None, "the spread of the targets is known for every split"
    spread = totals.spread
    constant = np.where(left == 0, 1.0, 0.0)
    return float(np.mean(np.where(spread > 0, 1 - left / np.where(spread > 0, spread, 1), constant)))
