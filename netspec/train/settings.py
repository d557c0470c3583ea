"""The section `train { … }`: how a net is trained."""

from __future__ import annotations

from typing import Any

from netspec.kinds import Choice, Count, OneWord
from netspec.train.losses import Loss
from netspec.train.metrics import Metric
from netspec.train.optimizers import Adam, Optimizer
from netspec.train.schedules import Constant, Schedule
from netspec.train.stopping import Stop
from netspec.values import Word, spell
from netspec.vocabulary import option, register


class Chain(OneWord):
    """Words of a category joined by `->`, or given as a list where their order means nothing."""

    def __init__(self, of: str) -> None:
        super().__init__(of, chain=True)

    def accept(self, value: object) -> Any:
        return super().accept(tuple(value) if isinstance(value, list) else value)

    def spell(self, value: object) -> str:
        return " -> ".join(spell(word) for word in value) if isinstance(value, tuple) else spell(value)


@register("section", "train")
class TrainSettings(Word):
    """How a net is trained. Every key has a default.

    Example: train { epochs = 12 }
    """

    epochs: int = option(Count(), "how often every training example is seen", default=10)
    batch: int = option(
        Count(), "examples per step; small ones make more steps of an epoch, large ones faster steps", default=32
    )
    optimizer: tuple[Optimizer, ...] = option(
        Chain("optimizer"), "how the weights follow the gradient", default=(Adam(),)
    )
    schedule: tuple[Schedule, ...] = option(
        Chain("schedule"), "what the learning rate is multiplied by", default=(Constant(),)
    )
    loss: Loss | None = option(OneWord("loss"), "what is made small (none: follows from the last layer)", default=None)
    metrics: tuple[Metric, ...] | None = option(
        Chain("metric"), "what is reported (none: follows from the last layer)", default=None
    )
    seed: int = option(Count(0), "where random weights, orders and dropout start from", default=0)
    stop: Stop | None = option(OneWord("stop"), "when to stop before the last epoch (none: never)", default=None)
    keep: str | None = option(
        Choice(("best", "last")),
        "the weights that are kept (none: `best` if there is a validation split, otherwise `last`)",
        default=None,
    )
