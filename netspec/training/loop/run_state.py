"""Where a run stands: what a checkpoint keeps beside the arrays, and what decides about best weights and stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from netspec.training.control.stop import Standing, Stop
from netspec.training.metrics import is_higher_better
from netspec.training.recipe.recipe import Recipe
from netspec.training.schedules import ReduceOnPlateau


@dataclass
class Progress:
    """The position of a run, as plain data.

    `epoch` is the epoch under way, from 0. `best_epoch` (from 1), `best_step` and `best` are those of the best weights.
    `standings` have for each rule of `stop` the figure that progress is measured from and the epochs without any;
    `stopped_by` is the rule that has ended the run. `plateau_…` are the same for a schedule that follows a figure, with
    the epochs in which it does not wait. `epoch_seconds` and
    `train_seconds` are those of the epoch so far, `seconds` those of the run.
    """

    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int | None = None
    best_step: int | None = None
    best: float | None = None
    standings: list[list[Any]] = field(default_factory=list)
    stopped_by: str | None = None
    plateau_best: float | None = None
    plateau_waited: int = 0
    plateau_resting: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    train_seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Progress:
        return cls(**{name: record[name] for name in cls.__dataclass_fields__})

    def is_over(self, recipe: Recipe) -> bool:
        return self.stopped_by is not None or self.epoch >= recipe.epochs

    def is_plateau(self, rule: ReduceOnPlateau, figures: Mapping[str, Any]) -> bool:
        """Take the figures of the epoch that has just ended into account: whether the rate falls now."""
        value = _number(figures.get(rule.figure))
        higher = is_higher_better(rule.figure)
        gained = value is not None and rule.is_better(value, self.plateau_best, higher=higher)
        self.plateau_best = value if gained else self.plateau_best
        self.plateau_waited = 0 if gained or self.plateau_resting else self.plateau_waited + 1
        self.plateau_resting = max(0, self.plateau_resting - 1)
        if self.plateau_waited < rule.patience:
            return False
        self.plateau_waited, self.plateau_resting = 0, rule.cooldown
        return True

    def judge(self, recipe: Recipe, figures: Mapping[str, Any], seconds: float = 0.0) -> bool:
        """Take the figures of the epoch that has just ended into account: best so far, and whether to stop.

        Args:
            recipe: what decides.
            figures: of the epoch.
            seconds: how long the run has taken so far.

        Returns:
            Whether its weights are the best ones.
        """
        value = _number(figures.get(recipe.watched))
        higher = is_higher_better(recipe.watched)
        is_best = False
        if value is not None and recipe.keeps_best:
            is_best = self.best is None or (value > self.best if higher else value < self.best)
            if is_best:
                self.best, self.best_epoch = value, self.epoch + 1
        self.standings = self.standings or [[None, 0] for _ in recipe.stop]
        for index, rule in enumerate(recipe.stop):
            if self._ends(index, rule, figures, seconds) and self.stopped_by is None:
                self.stopped_by = rule.to_source()
        return is_best

    def _ends(self, index: int, rule: Stop, figures: Mapping[str, Any], seconds: float) -> bool:
        """Whether a rule of `stop` ends the run."""
        figure, (reference, waited) = rule.watches(), self.standings[index]
        value = _number(figures.get(figure)) if figure is not None else None
        higher = figure is not None and is_higher_better(figure)
        gained = value is not None and (reference is None or rule.is_better(value, reference, higher=higher))
        reference, waited = (value, 0) if gained else (reference, waited + 1)
        self.standings[index] = [reference, waited]
        return rule.ends(Standing(value=value, higher=higher, waited=waited, seconds=seconds))


def _number(figure: object) -> float | None:
    """A figure that can be compared."""
    return figure if isinstance(figure, float) and not math.isnan(figure) else None
