"""Metrics of predicted distributions and intervals."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from netspec.language.lazy import lazy
from netspec.training.losses.distributions import ordered
from netspec.training.metrics.base import Described, Predictions
from netspec.training.metrics.regression import MeanOfNumbers, mean_word
from netspec.training.table import table_word

jax = lazy("jax")
jnp = lazy("jax.numpy")


def _described(predictions: Predictions) -> Described:
    assert predictions.described is not None, "the recipe has checked that the loss predicts distributions"
    return predictions.described


Pinball = mean_word(
    "pinball",
    "The mean pinball loss of predicted quantiles, in the unit of the targets.",
    "Koenker and Bassett 1978, Regression quantiles.",
    example="pinball",
    aliases=("pinball_loss", "d2_pinball_score", "mean_pinball_loss"),
    needs="quantiles",
    total="pinball",
    of_each=lambda self, predictions: _pinball(_described(predictions)),
)
NegativeLogLikelihood = mean_word(
    "nll",
    "The mean negative logarithm of the predicted density, or probability, of the targets in their unit.",
    details="It depends on the unit: in cents instead of dollars it is larger by log(100).",
    aliases=("negative_log_likelihood", "NegativeLogLikelihood"),
    needs="likelihood",
    has_average=True,
    total="log_densities",
    of_each=lambda self, predictions: _nll(_described(predictions)),
)
RankedProbabilityScore = mean_word(
    "crps",
    "The continuous ranked probability score of predicted normal distributions: as `mae`, for distributions.",
    "Gneiting and Raftery 2007, Strictly proper scoring rules, prediction, and estimation.",
    formula="s * (z * (2 * Phi(z) - 1) + 2 * phi(z) - 1 / sqrt(pi)), z = (target - mean) / s, s the standard deviation",
    aliases=("continuous_ranked_probability_score", "crps_gaussian"),
    needs="normal distribution",
    total="ranked_probability",
    of_each=lambda self, predictions: _crps(_described(predictions)),
)


class _OfIntervals(MeanOfNumbers):
    """Base of the metrics of intervals. What is calibrated has intervals when the training is done."""

    takes_long = True
    needs = "intervals"

    def sums(self, predictions: Predictions) -> dict[str, Any]:
        return {} if _described(predictions).bounds is None else super().sums(predictions)


interval_word = partial(table_word, _OfIntervals, {})
Coverage = interval_word(
    "coverage",
    "The fraction of the targets that are in their prediction intervals.",
    details="It should be near the level of the intervals, such as 90%, on data that were not trained on.",
    aliases=("interval_coverage", "picp", "coverage_probability"),
    is_fraction=True,
    in_percent=True,
    has_average=True,
    total="covered",
    of_each=lambda self, predictions: _covered(_described(predictions)),
)
IntervalWidth = interval_word(
    "interval_width",
    "The mean width of the prediction intervals, in the unit of the targets.",
    aliases=("mean_interval_width", "sharpness", "mpiw"),
    total="widths",
    of_each=lambda self, predictions: _widths(_described(predictions)),
)


def _pinball(described: Described) -> Any:
    return described.loss.pinball(ordered(described.parameters), described.targets) * described.std


def _nll(described: Described) -> Any:
    return jnp.log(described.std) - described.loss.log_density(described.parameters, described.targets)


def _crps(described: Described) -> Any:
    mean, scale = described.parameters[..., 0], described.parameters[..., 1]
    z, norm = (described.targets - mean) / scale, jax.scipy.stats.norm
    score = z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi)
    return scale * score * described.std


def _covered(described: Described) -> Any:
    assert described.bounds is not None
    low, high = described.bounds
    return ((described.targets >= low) & (described.targets <= high)).astype(jnp.float32)


def _widths(described: Described) -> Any:
    assert described.bounds is not None
    low, high = described.bounds
    return (high - low) * described.std
