"""Where a run stands: what a checkpoint keeps beside the arrays, and what decides about best weights and stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from netspec.train.metrics import figure_is_higher_better
from netspec.train.recipe import Recipe


@dataclass
class Progress:
    """The position of a run, as plain data.

    `epoch` is the epoch under way, from 0. `best_epoch` (from 1), `best_step` and `best` are those of the best weights.
    `reference` is the figure that progress is measured from, and `waited` the epochs without any. `epoch_seconds` and
    `train_seconds` are those of the epoch so far, `seconds` those of the run.
    """

    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int | None = None
    best_step: int | None = None
    best: float | None = None
    reference: float | None = None
    waited: int = 0
    stopped: bool = False
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    train_seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Progress:
        return cls(**{name: record[name] for name in cls.__dataclass_fields__})

    def is_over(self, recipe: Recipe) -> bool:
        return self.stopped or self.epoch >= recipe.epochs

    def judge(self, recipe: Recipe, figures: Mapping[str, Any]) -> bool:
        """Take the figures of the epoch that has just ended into account: best so far, and whether to stop.

        Returns:
            Whether its weights are the best ones.
        """
        value = figures.get(recipe.watched)
        if not isinstance(value, float) or math.isnan(value):
            value = None
        higher = figure_is_higher_better(recipe.watched)
        is_best = False
        if value is not None and recipe.keep == "best":
            is_best = self.best is None or (value > self.best if higher else value < self.best)
            if is_best:
                self.best, self.best_epoch = value, self.epoch + 1
        if recipe.stop is not None:
            gained = value is not None and (
                self.reference is None or recipe.stop.is_better(value, self.reference, higher=higher)
            )
            self.reference = value if gained else self.reference
            self.waited = 0 if gained else self.waited + 1
            self.stopped = recipe.stop.is_over(self.waited)
        return is_best
