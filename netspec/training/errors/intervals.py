"""NS650 to NS654: losses that predict distributions, and prediction intervals."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NotADistribution(Diagnostic):
    """The last layer or the targets do not fit a loss that predicts the distribution of numbers.

    `quantile` takes a unit for each quantile of each target, `gaussian` two for each target, the mean and the standard
    deviation. The targets are numbers, and the last layer has no activation.
    """

    code = "NS650"
    title = {
        "units": "the loss `{loss}` needs {parts} for each target, and the network ends in {head}",
        "activation": "the loss `{loss}` takes plain numbers, and the network ends in {head}",
        "classes": "the loss `{loss}` is for numbers, and the targets are {found}",
    }
    label = {"units": "does not fit", "activation": "does not fit", "classes": "set here"}
    hint = {
        "units": "write `{right}` as the last layer",
        "activation": "remove the activation of the last layer",
        "classes": "remove the loss; where classes of a table are numbers, write `task = numbers` in its source",
    }
    loss: str
    head: str
    parts: str = ""
    found: str = ""
    right: str = ""


class NoIntervals(Diagnostic):
    """There are no prediction intervals for what the network predicts.

    The losses `quantile`, `gaussian` and `poisson` give intervals. For other losses of numbers, such as `mse`, the
    setting `interval = conformal(90%)` in `train` takes their width from the errors on the validation split.
    """

    code = "NS651"
    title = {
        "classes": "intervals are for numbers, and the network predicts classes",
        "point": "the network predicts single numbers, without an interval",
        "single": "`{loss}` has no interval: it predicts one quantile",
        "val": "`conformal` takes the width of intervals from a validation split, and there is none",
        "sequence": "`conformal` is for one prediction for each example, and the network gives one at each step",
    }
    label = {"": "given here", "val": "needs a validation split"}
    hint = {
        "classes": "their probabilities say how sure the network is",
        "point": "train with `interval = conformal(90%)` in `train` and a validation split, such as `val = 20%` in "
        "`data`; or with the loss `quantile(0.05, 0.5, 0.95)`",
        "single": "write two more, such as `quantile(0.05, 0.5, 0.95)`, or `interval = conformal(90%)` in `train`",
        "val": "write `val = 20%` in `data`",
        "sequence": "use the loss `quantile` or `gaussian`, or a network with one prediction for each example",
    }
    loss: str = ""


class NoSuchLevel(Diagnostic):
    """The network has no interval of this level.

    Quantiles are the ends of an interval: `quantile(0.05, 0.5, 0.95)` predicts one of 90%. A conformal interval is of
    the level that it was calibrated for. `interval = conformal(80%)` in `train` makes an interval of any level from
    these quantiles.
    """

    code = "NS652"
    title = {
        "quantile": "`{loss}` predicts no interval of {level}",
        "conformal": "the intervals of this run are calibrated for {known}, not for {level}",
        "range": "the level of an interval is between 0 and 1, not {level}",
    }
    label = "given here"
    hint = {
        "quantile": "use {known}, or train with {right} or with `interval = conformal({level})`",
        "conformal": "use {known}, or train with `interval = conformal({level})`",
        "range": "write a level such as 90% or 0.9",
    }
    level: str
    loss: str = ""
    known: str = ""
    right: str = ""


class CrossedQuantiles(Diagnostic):
    """Predicted quantiles were not in ascending order for some examples, and have been sorted.

    Each quantile is learned by itself, so that two of them may cross where there are few examples. Sorted ones are
    never farther from the true quantiles (Chernozhukov et al. 2010). If it happens often, the network is trained too
    little, or the examples are unlike those of the training.
    """

    code = "NS653"
    severity = "warning"
    title = "predicted quantiles crossed for {count} of {total} {noun}, and were sorted"
    hint = "train for longer if there are many"
    count: int
    total: int
    noun: str


class TooFewToCalibrate(Diagnostic):
    """The validation split has too few examples for a conformal interval of this level.

    The interval is as wide as the error that a fraction `level` of n + 1 examples stays within, so that there must be
    at least level / (1 - level) examples: 9 for 90%, 19 for 95%, 99 for 99%.
    """

    code = "NS654"
    title = "a conformal interval of {level} needs {needed} validation examples, and there are {found}"
    label = "set here"
    hint = "hold out more in `data`, such as `val = 20%`, or use a lower level"
    level: str
    needed: int
    found: int
