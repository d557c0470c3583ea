"""Trainings that differ in their learning rate run the same compiled programs.

The rate is a number in the state, as the factor of a schedule that follows a metric is (`rate_scale`), and the recipe
that is compiled has a rate of 1. The numbers are those of a training with the rate in its program, to rounding.
"""

from __future__ import annotations

from dataclasses import replace

from netspec.language.lazy import np
from netspec.training.experiment import Experiment
from netspec.training.feed.placement import Placement
from netspec.training.optimizers.base import ChainWord
from netspec.training.recipe.recipe import Recipe
from netspec.training.schedules import find_plateau
from netspec.training.step.engine import Engine, State

SCALED = ("sgd", "adam", "adamw", "nadam", "radam", "adamax", "adagrad", "rmsprop", "lion", "lamb")
"""Optimizers that are linear in their learning rate, which may then be a number in the state."""


class RateInStateEngine(Engine):
    """An engine whose learning rate is in its state, where its optimizer allows that.

    Args:
        experiment: the network, the recipe and the data.
        placement: where arrays live; one device by default.
        programs_of: an engine of the same network, recipe and data but for the rate and the seed.
    """

    def __init__(
        self, experiment: Experiment, *, placement: Placement | None = None, programs_of: Engine | None = None
    ) -> None:
        compiled, self.rate = with_unit_rate(experiment.recipe)
        super().__init__(replace(experiment, recipe=compiled), placement=placement, programs_of=programs_of)
        # What is reported, and compared when a run is resumed, is the recipe as it is written.
        self.experiment, self.recipe = experiment, experiment.recipe

    def start(self) -> State:
        scale = {} if self.rate is None else {"rate_scale": self.placement.put(np.float32(self.rate))}
        return {**super().start(), **scale}


def with_unit_rate(recipe: Recipe) -> tuple[Recipe, float | None]:
    """A recipe whose learning rate is 1, and its rate; the recipe itself and None where that would not be the same."""
    rated = [word for word in recipe.optimizer if word.has_rate]
    if len(rated) != 1 or rated[0].word not in SCALED or find_plateau(recipe.schedule) is not None:
        return recipe, None
    if any(word is not rated[0] and not _is_without_rate(word) for word in recipe.optimizer):
        return recipe, None
    rate = float(rated[0].rate)  # type: ignore[attr-defined]  # words with a rate have it
    changed = tuple(word.replace(rate=1.0) if word is rated[0] else word for word in recipe.optimizer)
    return recipe.replace(optimizer=changed), rate


def _is_without_rate(word: ChainWord) -> bool:
    """Whether a word of the chain takes nothing from the schedule itself."""
    return word.word in ("clip", "clip_value", "decay", "noise")
