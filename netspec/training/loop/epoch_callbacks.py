"""The callbacks of the loop itself that act once per epoch.

Their order matters: metrics are computed first, then they decide about the best weights, about stopping, and about the
learning rate; `Checkpointing` comes last, since it saves what the others have decided.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netspec.data.dataset.lazy_rows import read_all
from netspec.storage.run_folder import Run
from netspec.storage.tree_paths import Weights
from netspec.training.control.keep import Every
from netspec.training.distributed.processes import peers
from netspec.training.errors.outputs import OneClass
from netspec.training.experiment import Experiment
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.evaluate import measure
from netspec.training.schedules.build import find_plateau, rates_of, steps_before
from netspec.training.schedules.words import ReduceOnPlateau

FREQUENT = 1.5
"""A class is frequent if it has this many times its share of the examples."""


def callbacks_of(experiment: Experiment, run: Run | None) -> list[TrainingCallback]:
    """Those that a recipe needs, in their order."""
    recipe = experiment.recipe
    callbacks: list[TrainingCallback] = []
    if experiment.val is not None:
        callbacks.append(HeldOutMetrics("val"))
    if experiment.test is not None and recipe.test_decides:
        callbacks.append(HeldOutMetrics("test"))
    callbacks.append(MajorityClass())
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


class MajorityClass(TrainingCallback):
    """Warns after the first epoch where the accuracy of an output is that of always predicting its most frequent class,
    and that class is much more frequent than others."""

    def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
        experiment, recipe = training.engine.experiment, training.recipe
        if training.progress.epoch > 0:
            return
        part = "train" if experiment.val is None else "val"
        for name, output in recipe.outputs.items():
            key = ("" if part == "train" else "val_") + recipe.metric_name(name, "accuracy")
            if key not in metrics or output.class_weights is not None or output.decisions != 1:
                continue
            targets = output.place_targets(read_all(getattr(experiment, part).targets[name])).reshape(-1)
            classes, counts = np.unique(targets, return_counts=True)
            rate, most = counts.max() / len(targets), int(classes[counts.argmax()])
            if len(classes) < 2 or rate < FREQUENT / len(classes) or abs(metrics[key] - rate) > 1e-9:
                continue
            names = output.target.names
            shown = names[most] if names is not None else str(most)
            training.warn(OneClass(metric=key, percent=f"{100 * rate:.1f}%", most=shown))


class BestWeights(TrainingCallback):
    """Keeps a copy of the weights of the epoch with the best metric."""

    def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
        if training.progress.is_best(training.recipe.watched, metrics):
            training.best = Weights(*training.engine.copy(tuple(training.weights)))
            training.progress.best_step = training.step


class Stopping(TrainingCallback):
    """Ends the run by the rules of `stop`."""

    def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
        seconds = peers().first(training.seconds)  # clocks differ between processes
        training.progress.apply_stop(training.recipe.stop, metrics, seconds)


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
        after = max(before * self.rule.factor, self.rule.min_factor)
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
            weights = training.engine.placement.get(training.weights)
            self.run.write_weights(weights, record["epoch"])
