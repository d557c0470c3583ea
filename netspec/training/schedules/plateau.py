"""A schedule that follows a figure of the validation split, instead of the time alone."""

from __future__ import annotations

from typing import Any

from netspec.language.kinds import Count, Number
from netspec.language.word import option
from netspec.training.control.stop import ValidationFigure
from netspec.training.schedules.base import Schedule, schedule


@schedule("reduce_on_plateau")
class ReduceOnPlateau(Schedule):
    """The rate is multiplied by `factor` when a figure has not become better for `patience` epochs in a row.

    The figure is looked at at the end of every epoch; epochs that end before this word's time do not count. Needs a
    validation split.

    Example: train { schedule = reduce_on_plateau(0.1, 3) }
    """

    aliases = ("ReduceLROnPlateau",)

    factor: float = option(
        Number(0, 1, open_low=True, open_high=True), "what the rate is multiplied by", default=0.1, position=0
    )
    patience: int = option(Count(1), "epochs without progress that are waited for", default=2, position=1)
    figure: str = option(
        ValidationFigure(), "what is watched", default="val_loss", position=2, aliases=("metric", "monitor")
    )
    min_delta: float = option(
        Number(0), "progress of less than this does not count", default=0.0, aliases=("threshold",)
    )
    cooldown: int = option(Count(0), "epochs after a fall in which nothing is waited for", default=0)
    least: float = option(Number(0, 1), "the factor that is the least", default=0.0, aliases=("min_lr", "min_scale"))

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return 1.0  # what has fallen is in the state of the run (`rate_scale`)

    def is_better(self, value: float, best: float | None, *, higher: bool) -> bool:
        """Whether an epoch's figure counts as progress; `higher`: larger figures are better."""
        if best is None:
            return True
        return (value - best if higher else best - value) > self.min_delta
