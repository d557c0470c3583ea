"""When training stops before its last epoch."""

from __future__ import annotations

import operator
from abc import ABC
from collections.abc import Callable
from typing import Any, ClassVar

from netspec.language.kinds import Count, Number, Time
from netspec.language.record import Frozen
from netspec.language.values import SECONDS, Comparison, Duration, Symbol, to_source
from netspec.language.vocabulary import Declares
from netspec.language.word import Kind, Mismatch, Word, option
from netspec.training.metrics.base import all_metric_names, metric_of

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


class MetricName(Kind):
    """The name of a metric on one of some splits: `val_loss`, `val_accuracy`, …

    With several outputs the name has the output in it, `val_digit_accuracy`, with several target columns the column.
    """

    splits: tuple[str, ...] = ("val",)

    def accept(self, value: object) -> str:
        name = value.name if isinstance(value, Symbol) else value
        if not isinstance(name, str) or name.partition("_")[0] not in self.splits:
            raise Mismatch(self.describe(), value)
        return name

    def describe(self) -> str:
        return "a metric on the validation split, such as `val_loss` or `val_accuracy`"

    def to_source(self, value: object) -> str:
        if value is None:
            return "none"
        name = str(value)
        return name if name in self.names else f'"{name}"'

    def takes_name(self, name: str) -> bool:
        split, _, rest = name.partition("_")
        return split in self.splits and (metric_of(rest) is not None or rest == "loss" or rest.endswith("_loss"))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{split}_{name}" for split in self.splits for name in ("loss", *all_metric_names()))


class MetricGoal(Kind):
    """A comparison of a metric on the validation or the test split with a number: `val_accuracy >= 99%`."""

    metric: MetricName = MetricName(("val", "test"))

    def takes_name(self, name: str) -> bool:
        return self.metric.takes_name(name)

    def accept(self, value: object) -> Comparison:
        if not isinstance(value, Comparison) or value.operator not in OPERATORS:
            raise Mismatch(self.describe(), value)
        try:
            return Comparison(self.metric.accept(value.left), value.operator, Number().accept(value.right))
        except Mismatch as wrong:
            raise Mismatch(self.describe(), value, wrong.unknown) from None

    def describe(self) -> str:
        return "a comparison such as `val_accuracy >= 99%` or `val_loss < 0.1`"

    def to_source(self, value: object) -> str:
        assert isinstance(value, Comparison)
        return f"{self.metric.to_source(value.left)} {value.operator} {to_source(value.right)}"

    @property
    def names(self) -> tuple[str, ...]:
        return self.metric.names

    @property
    def compares(self) -> bool:
        return True


def is_better(value: float, best: float, *, higher: bool, min_delta: float = 0.0) -> bool:
    """Whether a metric has improved by more than `min_delta`; `higher`: larger values are better."""
    return (value - best if higher else best - value) > min_delta


class StopState(Frozen):
    """The state of a run after an epoch, for a rule.

    `value` is the metric that it monitors (None: not measured, or NaN), `higher` says whether larger is better,
    `waited` counts the epochs in a row without progress, and `seconds` are those of the whole run.
    """

    value: float | None
    higher: bool
    waited: int
    seconds: float


class Stop(Word, ABC):
    """Base of every stopping rule. Several of them are joined by `->`, and the first one that says so ends the run."""

    category: ClassVar[str] = "stop"

    def watches(self) -> str | None:
        """The metric that it monitors, or None."""
        return None

    def is_better(self, value: float, best: float, *, higher: bool) -> bool:
        """Whether a metric of an epoch counts as progress; `higher`: larger values are better."""
        return is_better(value, best, higher=higher)

    def is_over(self, epochs_without_progress: int) -> bool:
        """Whether to stop after this many epochs without progress."""
        return False

    def ends(self, state: StopState) -> bool:
        """Whether to stop now."""
        return self.is_over(state.waited)


stop = Declares("stop")
"""The decorator that declares a stop: `@stop("name")`."""


@stop("early")
class Early(Stop):
    """Stops when a metric on the validation split has not improved for `patience` epochs in a row.

    Example: train { stop = early(val_loss, patience = 3) }
    Reference: Prechelt 1998, Early stopping - but when?
    """

    aliases = ("EarlyStopping", "early_stopping")

    metric: str = option(
        MetricName(), "the metric to monitor", default="val_loss", position=0, aliases=("monitor",), former="figure"
    )
    patience: int = option(Count(1), "epochs without progress to wait for", default=3, position=1)
    min_delta: float = option(Number(0), "smaller progress than this does not count", default=0.0)

    def watches(self) -> str:
        return self.metric

    def is_better(self, value: float, best: float, *, higher: bool) -> bool:
        return is_better(value, best, higher=higher, min_delta=self.min_delta)

    def is_over(self, epochs_without_progress: int) -> bool:
        return epochs_without_progress >= self.patience


@stop("until")
class Until(Stop):
    """Stops when a metric on the validation split reaches a goal.

    A metric of the test split is allowed as well, as in "how long to 99% of the test set"; it is then measured
    after every epoch, and is no longer an unbiased estimate on unseen examples.

    Example: train { stop = until(val_accuracy >= 99%) -> early(val_loss) }
    """

    goal: Comparison = option(MetricGoal(), "the goal", position=0)

    def watches(self) -> str:
        return str(self.goal.left)

    def ends(self, state: StopState) -> bool:
        goal: Any = self.goal.right
        return state.value is not None and OPERATORS[self.goal.operator](state.value, goal)


@stop("time")
class TimeLimit(Stop):
    """Stops after the epoch in which a time limit is reached.

    The time is that of the whole run, without the breaks before `--resume`. Two runs may end after different epochs.

    Example: train { stop = time(30 minutes) }
    """

    limit: Duration = option(Time(("minutes", "hours", "seconds")), "how long the run may take", position=0)

    def ends(self, state: StopState) -> bool:
        return state.seconds >= self.limit.value * SECONDS[self.limit.unit]
