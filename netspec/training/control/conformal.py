"""Prediction intervals of the numbers of an output: those of its loss, or calibrated on the validation split.

Split conformal prediction: the ends of an interval are moved by the error that a fraction `level` of the validation
examples stays within, so that new examples of the same kind are inside with at least this probability, whatever the
network has learned.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar

from netspec.language.diagnostics import fail
from netspec.language.kinds import Number
from netspec.language.lazy import np
from netspec.language.source import Span
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option
from netspec.training.errors.intervals import TooFewToCalibrate
from netspec.training.losses import Loss
from netspec.training.losses.distributions import Distribution, library

LEVEL = Number(0, 1, open_low=True, open_high=True)
"""What a level is: the probability that a target is in its interval."""
ROUNDING = 1e-9
"""Kept from a product of a level and a count, such as 0.9 * 10, before it is rounded up."""


class Interval(Word, ABC):
    """Base of every word for the setting `interval`."""

    category: ClassVar[str] = "interval"


interval = Declares("interval")
"""The decorator that declares a kind of intervals: `@interval("name")`."""


@interval("conformal")
class Conformal(Interval):
    """Intervals whose width is taken from the errors on the validation split, for any loss of numbers.

    With `mse` and other losses of single numbers all intervals of a target are equally wide; those of `quantile`,
    `gaussian` and `poisson` are made wider or narrower by the same amount. They contain a fraction `level` of new
    examples that are like those of the validation split, which is not guaranteed for the future of a series.

    Formula: the ends are moved by the ceil((n + 1) * level)-th smallest of max(low - target, target - high) over the n
        validation examples
    Example: train { interval = conformal(90%) }
    Reference: Lei et al. 2018, Distribution-free predictive inference for regression; for quantiles: Romano, Patterson
        and Candès 2019, Conformalized quantile regression, arXiv:1905.03222.
    """

    level: float = option(
        LEVEL, "the probability that a target is in its interval", position=0, aliases=("confidence",)
    )


def find_bounds(loss: Loss | None, numbers: Any, level: float | None, margins: Any = None) -> tuple[Any, Any] | None:
    """The ends of the intervals, each … x targets; None where there are none.

    Args:
        loss: the loss; None: the one that the last layer implies.
        numbers: the parameters of a loss that predicts a distribution, … x targets x parts; predictions of another one.
        level: the level.
        margins: by how much the ends are moved apart, for each target; None where nothing is calibrated.
    """
    if level is None or (margins is None and not isinstance(loss, Distribution)):
        return None
    low, high = loss.interval(numbers, level) if isinstance(loss, Distribution) else (numbers, numbers)
    if margins is None:
        return low, high
    xp = library(numbers)
    margins = xp.maximum(margins, (low - high) / 2)  # a negative margin never turns an interval around
    low, high = low - margins, high + margins
    return (xp.maximum(low, loss.lowest) if isinstance(loss, Distribution) and loss.lowest is not None else low), high


def calibrated_margins(low: Any, high: Any, targets: Any, level: float, span: Span | None = None) -> tuple[float, ...]:
    """By how much the ends of intervals are moved apart for each target, so that a fraction `level` is inside.

    Args:
        low: the lower ends, examples x targets.
        high: the upper ends.
        targets: the targets.
        level: the level.
        span: where it is set, for the error.

    Raises:
        CompileError: there are too few examples (NS654).
    """
    scores = np.sort(np.maximum(low - targets, targets - high).astype(np.float64), axis=0)
    count = len(scores)
    rank = math.ceil((count + 1) * level - ROUNDING)
    if rank > count:
        needed = math.ceil(level / (1 - level) - ROUNDING)
        raise fail(TooFewToCalibrate(span=span, level=percent(level), needed=needed, found=count))
    margins: Sequence[float] = scores[rank - 1].tolist()
    return tuple(margins)


def percent(level: float) -> str:
    """A level as it is typed: `90%`."""
    return f"{100 * level:.10g}%"
