"""What every way to keep the trials of a search has in common: who does which trial, and when one is done again.

A trial belongs to the process that began it. One whose process has ended without a result is marked as interrupted, by
whoever asks for the next trial, and done again with the same values. Everything that changes trials holds a lock.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from netspec.search.checks import Plan
from netspec.search.trials.record import State, Trial
from netspec.search.trials.workers import is_working

MAX_ATTEMPTS = 5
"""A trial whose process has ended this often has failed: it may well be what ends the process."""


def ended_text(attempt: int) -> str:
    """Why a trial has no result whose process has ended."""
    return f"its process ended {attempt} times" if attempt > 1 else "its process ended"


def remove_partial_line(path: Path) -> None:
    """Remove what a killed process has written of the last line of a file."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


class Study(ABC):
    """The trials of a search in a folder, for one of the processes that work on them.

    Args:
        folder: that of the search.
        plan: what is searched for.
        worker: the name of this process; empty to look at trials only.
    """

    def __init__(self, folder: Path, plan: Plan, worker: str = "") -> None:
        self.folder, self.plan, self.worker = folder, plan, worker
        self.lock = FileLock(folder / ".trials.lock")

    @abstractmethod
    def trials(self) -> list[Trial]:
        """All trials, in the order of their numbers."""

    @abstractmethod
    def report(self, trial: Trial, epoch: int, value: float) -> bool:
        """Record the first goal of a trial after an epoch (from 1); whether the trial should end early."""

    @abstractmethod
    def finish(self, trial: Trial) -> None:
        """Record the end of a trial."""

    @abstractmethod
    def _begin(self, count: int, again: Trial | None) -> Trial | None:
        """Begin a trial: the one to repeat, or a new one after `count` others; None if there is no other point."""

    def ask(self) -> Trial | None:
        """The next trial of this process, which is running from now on; None when enough are done or under way."""
        with self.lock:
            trials = self._recovered()
            repeated = {trial.repeats for trial in trials}
            waiting = [t for t in trials if t.state == "interrupted" and t.number not in repeated]
            count = sum(trial.counts for trial in trials) + len(waiting)
            if waiting:
                return self._begin(count, waiting[0])
            if any(trial.state == "waiting" for trial in trials) or count < self.plan.trials:
                return self._begin(count, None)
            return None

    def is_over(self) -> bool:
        """Whether nothing is left to do, for this process and for the others."""
        with self.lock:
            trials = self._recovered()
        repeated = {trial.repeats for trial in trials}
        is_left = any(not t.is_over or (t.state == "interrupted" and t.number not in repeated) for t in trials)
        return not is_left and sum(trial.counts for trial in trials) >= self.plan.trials

    def _recovered(self) -> list[Trial]:
        """All trials; those of processes that have ended are interrupted from now on."""
        trials = self.trials()
        lost = [t for t in trials if t.state == "running" and not self._is_alive(t)]
        for trial in lost:
            state: State = "failed" if trial.attempt >= MAX_ATTEMPTS else "interrupted"
            self.finish(trial.replace(state=state, reason=ended_text(trial.attempt)))
        return self.trials() if lost else trials

    def _is_alive(self, trial: Trial) -> bool:
        return trial.worker == self.worker or is_working(self.folder, trial.worker)


def best_values(trials: Sequence[Trial], epoch: int, sign: int) -> dict[int, float]:
    """By the number of a trial its best value up to an epoch, smaller ones better, of those that have come to it."""
    return {
        trial.number: min(sign * value for at, value in trial.reports.items() if at <= epoch)
        for trial in trials
        if epoch in trial.reports
    }
