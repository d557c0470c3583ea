"""The position of a run: what a checkpoint holds beside the arrays; decisions about best weights and stopping."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from netspec.training.control.stop import Stop, StopState, is_better
from netspec.training.metrics import is_higher_better
from netspec.training.recipe.recipe import Recipe
from netspec.training.schedules.words import ReduceOnPlateau


@dataclass
class Progress:
    """The position of a run, as plain data.

    `epoch` is the epoch under way, from 0. `best_epoch` (from 1), `best_step` and `best` belong to the best weights.
    `standings` have for each rule of `stop` the best value of its metric and the number of epochs without progress;
    `stopped_by` is the rule that has ended the run. `plateau_…` are the same for a schedule that follows a metric, with
    the epochs of its cooldown. `epoch_seconds` and `train_seconds` are those of the epoch so far, `seconds` those of
    the run.
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

    def is_plateau(self, rule: ReduceOnPlateau, metrics: Mapping[str, Any]) -> bool:
        """Count the epoch that has just ended: whether the learning rate is lowered now."""
        better = _improved(metrics, rule.watches(), self.plateau_best, rule.is_better)
        self.plateau_best = self.plateau_best if better is None else better
        self.plateau_waited = 0 if better is not None or self.plateau_resting else self.plateau_waited + 1
        self.plateau_resting = max(0, self.plateau_resting - 1)
        if self.plateau_waited < rule.patience:
            return False
        self.plateau_waited, self.plateau_resting = 0, rule.cooldown
        return True

    def is_best(self, monitored: str, metrics: Mapping[str, Any]) -> bool:
        """Count the epoch that has just ended: whether its weights are the best so far, by the metric `monitored`."""
        better = _improved(metrics, monitored, self.best, is_better)
        if better is not None:
            self.best, self.best_epoch = better, self.epoch + 1
        return better is not None

    def apply_stop(self, rules: Sequence[Stop], metrics: Mapping[str, Any], seconds: float = 0.0) -> None:
        """Count the epoch that has just ended for every rule; the first one that ends the run goes into `stopped_by`.

        Args:
            rules: those of `stop`.
            metrics: of the epoch.
            seconds: how long the run has taken so far.
        """
        self.standings = self.standings or [[None, 0] for _ in rules]
        for index, rule in enumerate(rules):
            name, (best, waited) = rule.watches() or "", self.standings[index]
            better = _improved(metrics, name, best, rule.is_better)
            best, waited = (best, waited + 1) if better is None else (better, 0)
            self.standings[index] = [best, waited]
            state = StopState(_number(metrics.get(name)), is_higher_better(name), waited, seconds)
            if rule.ends(state) and self.stopped_by is None:
                self.stopped_by = rule.to_source()


def _number(value: object) -> float | None:
    """A metric that can be compared."""
    return value if isinstance(value, float) and not math.isnan(value) else None


def _improved(
    metrics: Mapping[str, Any], name: str, best: float | None, is_better: Callable[..., bool]
) -> float | None:
    """The value of a metric if it is better than the best so far, otherwise None."""
    value = _number(metrics.get(name))
    if value is None or (best is not None and not is_better(value, best, higher=is_higher_better(name))):
        return None
    return value
