"""A schedule that follows a metric of the validation split, not time alone."""

from __future__ import annotations

from typing import Any

from netspec.language.kinds import Count, Number
from netspec.language.word import option
from netspec.training.control.stop import ValidationFigure
from netspec.training.schedules.base import Schedule, schedule


@schedule("reduce_on_plateau")
class ReduceOnPlateau(Schedule):
    """Multiplies the learning rate by `factor` when a metric has not improved for `patience` epochs in a row.

    The metric is read at the end of every epoch; epochs that end before this word takes over do not count. Needs a
    validation split.

    Example: train { schedule = reduce_on_plateau(0.1, 3) }
    """

    aliases = ("ReduceLROnPlateau",)

    factor: float = option(
        Number(0, 1, open_low=True, open_high=True), "multiplies the learning rate", default=0.1, position=0
    )
    patience: int = option(
        Count(1), "epochs without improvement before the learning rate is reduced", default=2, position=1
    )
    figure: str = option(
        ValidationFigure(), "the metric to monitor", default="val_loss", position=2, aliases=("metric", "monitor")
    )
    min_delta: float = option(Number(0), "smaller improvements do not count", default=0.0, aliases=("threshold",))
    cooldown: int = option(Count(0), "epochs to wait after a reduction before monitoring again", default=0)
    least: float = option(Number(0, 1), "the smallest factor", default=0.0, aliases=("min_lr", "min_scale"))

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return 1.0  # what has fallen is in the state of the run (`rate_scale`)

    def is_better(self, value: float, best: float | None, *, higher: bool) -> bool:
        """Whether the metric of an epoch is an improvement; `higher`: larger values are better."""
        if best is None:
            return True
        return (value - best if higher else best - value) > self.min_delta
