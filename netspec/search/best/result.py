"""The result of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from netspec.language.record import Frozen
from netspec.runs.repeated.seed_runs import SeedsResult
from netspec.search.best.table import result_text
from netspec.search.goals import Goal, front
from netspec.search.trials.record import Trial


class SearchResult(Frozen):
    """A search that has ended, or was interrupted.

    `run` is its folder, `goals` are the names of what it is for, and `trials` every trial that is not done again as
    another. `importance` has by the name of a param or setting its part of the differences between the trials (0 to 1).
    `spec` is the file with the best spec, `seeds` the result of its runs with several seeds; `signal` is set if one
    interrupted the search, which `netspec.tune(resume=…)` continues.
    """

    run: Path
    goals: tuple[str, ...]
    trials: tuple[Trial, ...]
    importance: Mapping[str, float] = {}
    spec: Path | None = None
    seeds: SeedsResult | None = None
    signal: str | None = None

    @property
    def best(self) -> Trial | None:
        """The best trial; of several goals that of the front which is best by the first one. None: there is none."""
        return next(iter(self.front), None)

    @property
    def front(self) -> tuple[Trial, ...]:
        """The trials that no other one dominates, the best by the first goal first; of a single goal the best one."""
        return front_of(self.trials, tuple(map(Goal, self.goals)))

    @property
    def table(self) -> dict[str, list[Any]]:
        """A column for each value, goal and metric, with a row for each trial, for `pandas.DataFrame(table)`; None
        where a trial has no such value."""
        names = list(dict.fromkeys(name for trial in self.trials for name in trial.values))
        metrics = list(dict.fromkeys([*self.goals, *(name for trial in self.trials for name in trial.metrics)]))
        columns: dict[str, list[Any]] = {
            name: [getattr(trial, name) for trial in self.trials] for name in ("number", "state", "epochs", "seconds")
        }
        columns |= {name: [trial.values.get(name) for trial in self.trials] for name in names}
        columns |= {name: [trial.metrics.get(name) for trial in self.trials] for name in metrics if name not in columns}
        return {**columns, "reason": [trial.reason for trial in self.trials]}

    def as_json(self) -> dict[str, Any]:
        return {
            "event": "tune" if self.signal is None else "interrupted",
            "run": str(self.run),
            "trials": {state: sum(t.state == state for t in self.trials) for state in ("complete", "pruned", "failed")},
            "goals": list(self.goals),
            "front": [trial_json(trial, self.goals) for trial in self.front],
            "importance": dict(self.importance),
            "spec": str(self.spec) if self.spec is not None else None,
            "seeds": self.seeds.as_json() if self.seeds is not None else None,
        }

    def __str__(self) -> str:
        return result_text(tuple(map(Goal, self.goals)), self.trials, self.front, self.importance)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def front_of(trials: Sequence[Trial], goals: Sequence[Goal]) -> tuple[Trial, ...]:
    """The complete trials that no other one dominates."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return tuple(complete[index] for index in front([trial.goals for trial in complete], goals))


def trial_json(trial: Trial, goals: Sequence[str]) -> dict[str, Any]:
    """A trial for machines."""
    return {
        "number": trial.number,
        "state": trial.state,
        "values": trial.values,
        "set": trial.overrides,
        "goals": dict(zip(goals, trial.goals, strict=False)),
        "metrics": trial.metrics,
        "epochs": trial.epochs,
        "seconds": trial.seconds,
        **({"code": trial.code, "reason": trial.reason} if trial.reason else {}),
    }
