"""Trials whose values Optuna chooses, by ask and tell; they are in its journal, `optuna.journal`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock

from netspec.language.diagnostics import fail
from netspec.language.lazy import lazy
from netspec.search.checks import Plan
from netspec.search.errors import NoSearch
from netspec.search.spaces.space import Choice, Dimension, Range, Value
from netspec.search.trials.record import State, Trial
from netspec.search.trials.study import MAX_ATTEMPTS, Study, ended_text, remove_partial_line

optuna = lazy("optuna")
journal = lazy("optuna.storages.journal")

FILE = "optuna.journal"
NAME = "search"
BEGUN, ENDED, REPEATS = "netspec", "netspec_end", "netspec_repeats"
"""Attributes of a trial in the journal: its record from its beginning and its end, and what it does again."""
MAX_SEED = 2**32 - 1
STARTUP = 10
"""Random trials before a sampler learns from them."""


class OptunaStudy(Study):
    """The trials of a search whose values Optuna chooses.

    Raises:
        CompileError: the journal is damaged (NS597).
    """

    def __init__(self, folder: Path, plan: Plan, worker: str = "") -> None:
        super().__init__(folder, plan, worker)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", module="optuna")
        self._under_way: dict[int, Any] = {}
        try:
            with self.lock:
                self.study = optuna.create_study(
                    storage=journal.JournalStorage(_backend(folder / FILE)),
                    study_name=NAME,
                    load_if_exists=True,
                    directions=["maximize" if goal.is_higher else "minimize" for goal in plan.goals],
                    pruner=_pruner(plan.pruner),
                )
        except (ValueError, KeyError) as error:  # what Optuna raises for a journal that cannot be read
            raise fail(NoSearch(run=str(folder), reason=f"{FILE} is damaged: {error}")) from None

    def trials(self) -> list[Trial]:
        return [self._trial(found) for found in self.study.get_trials(deepcopy=False)]

    def _trial(self, found: Any) -> Trial:
        number, attributes = found.number + 1, found.user_attrs
        reports = dict(found.intermediate_values)
        begun = attributes.get(BEGUN) or {}
        record = {"values": found.params, **begun, **attributes.get(ENDED, {}), "number": number, "reports": reports}
        again = attributes.get(REPEATS, {})
        trial = msgspec.convert({**record, **again}, Trial)
        states = optuna.trial.TrialState
        if found.state == states.WAITING:
            return trial.replace(state="waiting", values=found.system_attrs.get("fixed_params", {}))
        if found.state == states.RUNNING:
            return trial.replace(state="running")
        if ENDED in attributes:
            return trial
        state: State = "failed" if trial.attempt >= MAX_ATTEMPTS else "interrupted"
        return trial.replace(state=state, reason=ended_text(trial.attempt))

    def _begin(self, count: int, again: Trial | None) -> Trial | None:
        if again is not None:
            repeats = {"repeats": again.number, "attempt": again.attempt + 1}
            self.study.enqueue_trial(again.values, user_attrs={REPEATS: repeats})
        self.study.sampler = _sampler(self.plan, count)
        asked = self.study.ask()
        point = self.plan.space.draw(lambda dimension: _suggest(asked, dimension))
        begun = {"values": point.values, "overrides": point.overrides, "worker": self.worker}
        asked.set_user_attr(BEGUN, begun)
        repeats = asked.user_attrs.get(REPEATS, {})
        self._under_way[asked.number + 1] = asked
        return Trial(asked.number + 1, point.values, point.overrides, worker=self.worker, **repeats)

    def report(self, trial: Trial, epoch: int, value: float) -> bool:
        asked = self._under_way[trial.number]
        asked.report(value, epoch)
        return bool(asked.should_prune())

    def finish(self, trial: Trial) -> None:
        """The record first: a trial with one has ended, also where the process is killed before it is told."""
        found = self.study.get_trials(deepcopy=False)[trial.number - 1]
        asked = self._under_way.pop(trial.number, None)
        ended: Mapping[str, Any] = found.user_attrs.get(ENDED) or ({} if asked is None else _end_of(trial))
        if asked is not None:
            asked.set_user_attr(ENDED, ended)
        states = optuna.trial.TrialState
        state = {"complete": states.COMPLETE, "pruned": states.PRUNED}.get(ended.get("state", ""), states.FAIL)
        values = list(ended["goals"]) if state == states.COMPLETE else None
        self.study.tell(trial.number - 1, values, state=state)


def _end_of(trial: Trial) -> dict[str, Any]:
    names = ("state", "goals", "metrics", "epochs", "seconds", "code", "reason")
    record: dict[str, Any] = msgspec.to_builtins(trial)
    return {name: record[name] for name in names}


def _suggest(asked: Any, dimension: Dimension) -> Value:
    """The value of a dimension, as Optuna chooses it."""
    if isinstance(dimension, Choice):
        return str(asked.suggest_categorical(dimension.name, dimension.labels))
    return dimension.rounded(_suggest_number(asked, dimension))


def _suggest_number(asked: Any, range_: Range) -> float:
    if range_.step:
        low, high = int(range_.low), int(range_.highest)
        options = {"log": True} if range_.is_log else {"step": range_.step}
        return int(asked.suggest_int(range_.name, low, high, **options))
    return float(asked.suggest_float(range_.name, float(range_.low), float(range_.high), log=range_.is_log))


def _sampler(plan: Plan, count: int) -> Any:
    """The sampler of a trial. Its random numbers follow from the seed and the number of trials before, so that a search
    that was interrupted continues with the values that it would have had."""
    seed = (plan.seed * 1_000_003 + count) % MAX_SEED
    samplers = optuna.samplers
    independent = samplers.RandomSampler(seed=seed)
    match plan.sampler:
        case "gp":
            return samplers.GPSampler(seed=seed, n_startup_trials=STARTUP, independent_sampler=independent)
        case "cmaes":
            return samplers.CmaEsSampler(seed=seed, n_startup_trials=STARTUP, independent_sampler=independent)
        case "nsga2":
            return samplers.NSGAIISampler(seed=seed, population_size=max(4, min(50, plan.trials // 4)))
        case "random":
            return independent
        case "grid":
            raise AssertionError("a grid is not one of Optuna")
    return samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)


def _pruner(name: str | None) -> Any:
    match name:
        case "median":
            return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
        case "hyperband":
            return optuna.pruners.HyperbandPruner(min_resource=1, max_resource="auto", reduction_factor=3)
        case "halving":
            return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return optuna.pruners.NopPruner()


def _backend(path: Path) -> Any:
    """The journal, under a lock that the system gives back when a process is killed; what such a process has written of
    a line is removed."""

    class Lock:
        def __init__(self) -> None:
            self.lock = FileLock(path.with_name(".journal.lock"))

        def acquire(self) -> bool:
            self.lock.acquire()
            remove_partial_line(path)
            return True

        def release(self) -> None:
            self.lock.release()

    return journal.JournalFileBackend(str(path), lock_obj=Lock())
