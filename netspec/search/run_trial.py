"""One trial: the spec with the values of a point, compiled and trained without a run folder.

Input: a spec, its data, a trial. Output: the record of the finished trial; a training that fails is one with a reason.
Trials with the same network and the same recipe but for its learning rate share their compiled programs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from netspec.compiler.ir.cost import total_cost
from netspec.data.dataset.dataset import Dataset
from netspec.language.diagnostics import CompileError
from netspec.language.files.atomic_files import reason_of
from netspec.language.values import is_plain_number
from netspec.runs.repeated.shared_programs import SharedPrograms
from netspec.search.checks import Plan, at_point
from netspec.search.settings import SIZES
from netspec.search.trials.record import Trial
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import SpecExperiment, load_init, prepare
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.fit_result import FitResult
from netspec.training.loop.loop import fit

MAX_ENGINES = 4
"""Networks whose compiled programs are kept."""

Report = Callable[[int, float], bool]
"""Takes the first goal after an epoch, and says whether the trial should end."""


class Pruned(Exception):
    """A trial ends early."""


class OutOfTime(Exception):
    """The time of the search is over."""


class Trainer:
    """Trains the trials of a search in this process.

    Args:
        compilation: the spec.
        dataset: its data, which are loaded once.
        plan: what is searched for.
        deadline: when trials end without a result, in the time of `time.monotonic`; None: never.
    """

    def __init__(
        self, compilation: Compilation, dataset: Dataset, plan: Plan, *, deadline: float | None = None
    ) -> None:
        self.compilation, self.dataset, self.plan, self.deadline = compilation, dataset, plan, deadline
        self._programs = SharedPrograms(MAX_ENGINES, shares_rate=True)

    def train(self, trial: Trial, report: Report | None = None) -> tuple[Trial, str | None]:
        """The record of a trial after its training, and the signal that interrupted it.

        Raises:
            OutOfTime: the time of the search is over.
        """
        began = time.perf_counter()
        watch = _Watch(self.plan.goals[0].name, report, self.deadline)
        signal = None
        try:
            experiment = self._prepared(trial)
            result = fit(experiment, engine=self._programs.engine(experiment), reporter=watch, save_seconds=math.inf)
            signal = result.signal
            ended = trial.replace(state="interrupted") if signal else self._ended(trial, experiment, result)
        except Pruned:
            ended = trial.replace(state="pruned", metrics=watch.metrics)
        except CompileError as error:
            first = error.diagnostics[0]
            ended = trial.replace(state="failed", code=first.code, reason=first.message, metrics=watch.metrics)
        except OutOfTime:
            raise
        except Exception as error:  # noqa: BLE001  # memory, disks, user-defined layers: the search goes on
            self._programs.clear()
            reason = f"{type(error).__name__}: {reason_of(error)}"
            ended = trial.replace(state="failed", reason=reason, metrics=watch.metrics)
        return ended.replace(epochs=watch.epochs, seconds=round(time.perf_counter() - began, 3)), signal

    def _prepared(self, trial: Trial) -> SpecExperiment:
        spec = at_point(self.compilation, trial.overrides)
        experiment = load_init(prepare(spec, self.dataset))
        # The test split is for the best spec alone.
        return experiment if experiment.recipe.test_decides else replace(experiment, test=None)

    def _ended(self, trial: Trial, experiment: SpecExperiment, result: FitResult) -> Trial:
        cost = total_cost(experiment.compilation.network)
        sizes = {"params": cost.trainable, "macs": cost.macs}
        metrics = {name: float(value) for name, value in result.metrics.items() if is_plain_number(value)}
        metrics |= {name: float(value) for name, value in sizes.items() if is_plain_number(value)}
        goals = tuple(metrics.get(goal.name, math.nan) for goal in self.plan.goals)
        metrics = {name: value for name, value in metrics.items() if math.isfinite(value)}
        wrong = [goal.name for goal, value in zip(self.plan.goals, goals, strict=True) if not math.isfinite(value)]
        if wrong:
            what = "is not known for inputs of any size" if wrong[0] in SIZES else "is not finite"
            return trial.replace(state="failed", reason=f"{wrong[0]} {what}", metrics=metrics)
        return trial.replace(state="complete", goals=goals, metrics=metrics)


class _Watch(TrainingCallback):
    """Follows the training of a trial: counts epochs, reports the goal, and ends it."""

    def __init__(self, goal: str, report: Report | None, deadline: float | None) -> None:
        self.goal, self.report, self.deadline = goal, report, deadline
        self.epochs = 0
        self.metrics: dict[str, float] = {}

    def on_tick(self, training: Any) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise OutOfTime

    def on_epoch_end(self, training: Any, record: dict[str, Any]) -> None:
        self.epochs = record["epoch"]
        every = {**record["metrics"], "loss": record["loss"]}
        self.metrics = {k: float(v) for k, v in every.items() if is_plain_number(v) and math.isfinite(v)}
        value = self.metrics.get(self.goal)
        is_last = training.is_ending
        if self.report is not None and value is not None and self.report(self.epochs, value) and not is_last:
            raise Pruned
        if not is_last:
            self.on_tick(training)
