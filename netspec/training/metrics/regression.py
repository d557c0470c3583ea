"""Metrics of numbers."""

from __future__ import annotations

import math
from typing import Any

from netspec.language.lazy import lazy
from netspec.training.metrics.base import Metric, MetricValue, Predictions, Totals, metric
from netspec.training.targets import as_numbers

jnp = lazy("jax.numpy")
np = lazy("numpy")

EPSILON = 2.220446049250313e-16
"""What an error is divided by at least: the precision of a 64-bit number, as in scikit-learn."""


def _squares(predictions: Predictions) -> Any:
    return predictions.counted(predictions.errors**2)


@metric("mse")
class MeanSquaredError(Metric):
    """The mean of (prediction - target)^2.

    Example: train { metrics = mse }
    """

    needs = "numbers"

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        return {"squares": _squares(predictions).sum()}

    def value(self, totals: Totals) -> MetricValue:
        return float(totals.sums["squares"]) / totals.numbers


@metric("rmse")
class RootMeanSquaredError(MeanSquaredError):
    """The root of the mean squared error: in the unit of the targets.

    Example: train { metrics = rmse }
    """

    aliases = ("RootMeanSquaredError", "root_mean_squared_error")

    def value(self, totals: Totals) -> MetricValue:
        return math.sqrt(super().value(totals))


@metric("mae")
class MeanAbsoluteError(Metric):
    """The mean of |prediction - target|.

    Example: train { metrics = mae }
    """

    needs = "numbers"

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        return {"sizes": predictions.counted(jnp.abs(predictions.errors)).sum()}

    def value(self, totals: Totals) -> MetricValue:
        return float(totals.sums["sizes"]) / totals.numbers


@metric("mape")
class MeanAbsolutePercentageError(Metric):
    """The mean of |prediction - target| / |target|, as a fraction: 0.1 is an error of a tenth.

    A target of 0 makes it huge; use `mae` then.

    Example: train { metrics = mape }
    """

    aliases = ("MeanAbsolutePercentageError", "mean_absolute_percentage_error")
    needs = "numbers"
    in_percent = True

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        sizes = jnp.maximum(jnp.abs(as_numbers(predictions.targets, predictions.head.units)), EPSILON)
        return {"shares": predictions.counted(jnp.abs(predictions.errors) / sizes).sum()}

    def value(self, totals: Totals) -> MetricValue:
        return float(totals.sums["shares"]) / totals.numbers


@metric("r2")
class RSquared(Metric):
    """The fraction of the variance of the targets that is explained: 1 is perfect, 0 is no better than the mean.

    With several numbers for each example it is the mean over them; a number that never varies counts 1 when it is
    predicted exactly, otherwise 0.

    Example: train { metrics = r2 }
    """

    aliases = ("R2Score", "r2_score")
    higher_is_better = True
    needs = "numbers"

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        return {"squares_of_each": _by_number(_squares(predictions))}

    def value(self, totals: Totals) -> MetricValue:
        return _explained(np.asarray(totals.sums["squares_of_each"], np.float64), totals)


@metric("explained_variance")
class ExplainedVariance(Metric):
    """As `r2`, but an error that is the same for all examples does not count.

    Example: train { metrics = explained_variance }
    """

    aliases = ("ExplainedVariance", "explained_variance_score")
    higher_is_better = True
    needs = "numbers"

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
