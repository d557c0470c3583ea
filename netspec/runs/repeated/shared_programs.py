"""Compiled programs that several experiments on one spec share, such as those of seeds, of a sweep, or of trials.

Input: one experiment after another. Output: an `Engine` for each, with the programs of an earlier one where these
compute the same.
"""

from __future__ import annotations

from netspec.spec.experiment import SpecExperiment
from netspec.training.feed.placement import Placement
from netspec.training.step.engine import Engine
from netspec.training.step.rate_in_state import RateInStateEngine, with_unit_rate


class SharedPrograms:
    """Makes the engines of experiments, of which the last ones are kept with their programs.

    Args:
        most: how many different ones are kept.
        shares_rate: experiments with other learning rates share their programs, too.
    """

    def __init__(self, most: int, *, shares_rate: bool) -> None:
        self.most, self.shares_rate = most, shares_rate
        self.engines: list[Engine] = []

    def engine(self, experiment: SpecExperiment, placement: Placement | None = None) -> Engine:
        """An engine, with the compiled programs of one before where these are the same."""
        known = next((one for one in self.engines if self._has_programs_for(one, experiment)), None)
        kind = RateInStateEngine if self.shares_rate else Engine
        made = kind(experiment, placement=placement, programs_of=known)
        others = [one for one in self.engines if one is not known]
        self.engines = [*others, known or made][-self.most :]
        return made

    def clear(self) -> None:
        """Let go of all programs."""
        self.engines.clear()

    def _has_programs_for(self, engine: Engine, experiment: SpecExperiment) -> bool:
        """Whether the compiled programs of an engine are those of an experiment: what is built into them is the
        network, and the recipe but for its seed (and its learning rate, where that is in the state), with the weights
        of classes, the scale of targets and the steps of an epoch. Another number of examples is compiled anew, by JAX.
        """
        other = engine.experiment
        assert isinstance(other, SpecExperiment)
        recipes = [other.recipe, experiment.recipe.replace(seed=other.recipe.seed)]
        if self.shares_rate:
            recipes = [with_unit_rate(recipe)[0] for recipe in recipes]
        return (
            other.model.source == experiment.model.source
            and recipes[0] == recipes[1]
            and other.steps_per_epoch == experiment.steps_per_epoch
            and other.penalties == experiment.penalties
            and {n: x.shape[1:] for n, x in other.train.inputs.items()}
            == {n: x.shape[1:] for n, x in experiment.train.inputs.items()}
        )
