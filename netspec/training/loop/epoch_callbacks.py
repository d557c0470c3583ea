"""The callbacks of the loop itself that act once per epoch.

Their order matters: metrics are computed first, then they decide about the best weights, about stopping, and about the
learning rate; `Checkpointing` comes last, since it saves what the others have decided.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netspec.storage.run_folder import Run
from netspec.storage.tree_paths import Weights
from netspec.training.control.keep import Every
from netspec.training.experiment import Experiment
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.evaluate import measure
from netspec.training.schedules.build import find_plateau, rates_of, steps_before
from netspec.training.schedules.words import ReduceOnPlateau


def callbacks_of(experiment: Experiment, run: Run | None) -> list[TrainingCallback]:
    """Those that a recipe needs, in their order."""
    recipe = experiment.recipe
    callbacks: list[TrainingCallback] = []
    if experiment.val is not None:
        callbacks.append(HeldOutMetrics("val"))
    if experiment.test is not None and recipe.test_decides:
        callbacks.append(HeldOutMetrics("test"))
    callbacks += [BestWeights()] if recipe.keeps_best else []
    callbacks += [Stopping()] if recipe.stop else []
    plateau = find_plateau(recipe.schedule)
    callbacks += [Plateau(plateau)] if plateau is not None else []
    callbacks += [PeriodicWeights(recipe.every, run)] if recipe.every is not None and run is not None else []
    return callbacks


class HeldOutMetrics(TrainingCallback):
    """Adds the metrics of `val` or `test` after every epoch."""

    def __init__(self, part: str) -> None:
        self.part = part

    def on_begin(self, training: Any) -> None:
        training.eval_set(self.part)

    def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
        with training.reading():
            eval_set = training.eval_set(self.part)
            metrics.update(measure(training.engine, training.weights, eval_set, prefix=f"{self.part}_"))


class BestWeights(TrainingCallback):
    """Keeps a copy of the weights of the epoch with the best metric."""

    def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
        if training.progress.is_best(training.recipe.watched, metrics):
            training.best = Weights(*training.engine.copy(tuple(training.weights)))
            training.progress.best_step = training.step


class Stopping(TrainingCallback):
    """Ends the run by the rules of `stop`."""

    def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
        training.progress.apply_stop(training.recipe.stop, metrics, training.seconds)


class Plateau(TrainingCallback):
    """Lowers the learning rate when a metric has not improved, and reports the rate of each epoch."""

    def __init__(self, rule: ReduceOnPlateau) -> None:
        self.rule = rule

    def on_begin(self, training: Any) -> None:
        recipe = training.recipe
        rate = next(word.rate for word in recipe.optimizer if word.has_rate)
        self.rates = rates_of(rate, recipe.schedule, training.engine.steps_per_epoch, recipe.epochs)

    def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
        chain, steps, step = training.recipe.schedule, training.engine.steps_per_epoch, training.step
        before = float(training.state["rate_scale"])
        self.rate = float(self.rates[step - 1]) * before
        if step <= steps_before(chain, self.rule, steps) or not training.progress.is_plateau(self.rule, metrics):
            return
        after = max(before * self.rule.factor, self.rule.least)
        training.state["rate_scale"] = training.engine.placement.put(np.float32(after))
        training.log(
            f"`{self.rule.watches()}` has not improved: the scheduled learning rate is now multiplied by {after:.4g}"
        )
        # Saved at once: steps that are run again after a kill all have the same rate.
        training.must_save = training.must_save or after < before

    def on_epoch_end(self, training: Any, record: dict[str, Any]) -> None:
        record["rate"] = self.rate


class PeriodicWeights(TrainingCallback):
    """Writes the weights of every n-th epoch to a file of their own."""

    def __init__(self, every: Every, run: Run) -> None:
        self.every, self.run = every, run

    def on_epoch_end(self, training: Any, record: dict[str, Any]) -> None:
        if self.every.takes(record["epoch"]):
            self.run.write_weights(training.weights, record["epoch"])
