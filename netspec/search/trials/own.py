"""Random search, grids and successive halving, without another package: the trials are lines of `trials.jsonl`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec

from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import append_line
from netspec.language.lazy import np
from netspec.language.text import json_line
from netspec.search.checks import Plan
from netspec.search.errors import NoSearch
from netspec.search.spaces.space import Choice, Dimension, Point, Range, Space, Value
from netspec.search.trials.record import Trial
from netspec.search.trials.study import Study, best_values, remove_partial_line

FILE = "trials.jsonl"
MAX_GRID = 5
"""Numbers of a range that a grid has at most."""
ETA = 3
"""Of this number of trials, one continues after a rung of successive halving; the next rung has this times as many
epochs."""


class OwnStudy(Study):
    """The trials of a search whose values netspec chooses.

    The n-th trial has the same values whatever happened before: they follow from the seed and n.
    """

    def __init__(self, folder: Path, plan: Plan, worker: str = "") -> None:
        super().__init__(folder, plan, worker)
        self.path = folder / FILE

    def trials(self) -> list[Trial]:
        found: dict[int, Trial] = {}
        for line in self._lines():
            try:
                record = msgspec.json.decode(line, type=_Line)
            except msgspec.DecodeError as error:
                raise fail(NoSearch(run=str(self.folder), reason=f"{FILE} is damaged: {error}")) from None
            if record.trial is not None:
                reports = found[record.trial.number].reports if record.trial.number in found else {}
                found[record.trial.number] = record.trial.replace(reports=reports)
            elif record.report is not None:
                number, epoch, value = record.report
                found[number] = found[number].replace(reports={**found[number].reports, epoch: value})
        return [found[number] for number in sorted(found)]

    def _lines(self) -> list[str]:
        """The lines of the file; what a killed process has written of one does not count."""
        text = self.path.read_text(encoding="utf-8", errors="replace") if self.path.exists() else ""
        return text.split("\n")[:-1]

    def _append(self, record: _Line) -> None:
        with self.lock:
            remove_partial_line(self.path)
            append_line(self.path, json_line(msgspec.to_builtins(record)))

    def _begin(self, count: int, again: Trial | None) -> Trial | None:
        number = len(self.trials()) + 1
        if again is not None:
            trial = Trial(number, again.values, again.overrides, worker=self.worker)
            trial = trial.replace(repeats=again.number, attempt=again.attempt + 1)
        else:
            point = self._point(count)
            if point is None:
                return None
            trial = Trial(number, point.values, point.overrides, worker=self.worker)
        self._append(_Line(trial=trial))
        return trial

    def _point(self, count: int) -> Point | None:
        if self.plan.sampler == "grid":
            return next((point for at, point in enumerate(grid(self.plan.space)) if at == count), None)
        return random_point(self.plan.space, self.plan.seed, count)

    def report(self, trial: Trial, epoch: int, value: float) -> bool:
        self._append(_Line(report=(trial.number, epoch, value)))
        if self.plan.pruner != "halving" or not is_rung(epoch):
            return False
        values = best_values(self.trials(), epoch, self.plan.goals[0].sign)
        better = sum(other < values[trial.number] for other in values.values())
        return len(values) >= ETA and bool(better >= math.ceil(len(values) / ETA))

    def finish(self, trial: Trial) -> None:
        self._append(_Line(trial=trial.replace(reports={})))


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the file: the state of a trial from then on, or what it has reported after an epoch."""

    trial: Trial | None = None
    report: tuple[int, int, float] | None = None


def is_rung(epoch: int) -> bool:
    """Whether trials are compared after an epoch: 1, 3, 9, …"""
    return bool(epoch == ETA ** round(math.log(epoch, ETA)))


def random_point(space: Space, seed: int, count: int) -> Point:
    """The point of a random search after `count` others (Bergstra and Bengio 2012)."""
    random = np.random.default_rng((seed, count))

    def draw(dimension: Dimension) -> Value:
        if isinstance(dimension, Choice):
            return dimension.labels[int(random.integers(len(dimension.labels)))]
        if dimension.step and not dimension.is_log:
            steps = int((dimension.high - dimension.low) // dimension.step)
            return int(dimension.low + dimension.step * int(random.integers(steps + 1)))
        return dimension.at(float(random.random()))

    return space.draw(draw)


def grid(space: Space) -> Iterator[Point]:
    """Every combination of the values of the dimensions that count; the last dimension changes first."""
    prefix: list[int] = []
    while True:
        sizes: list[int] = []

        def draw(dimension: Dimension, sizes: list[int] = sizes) -> Value:
            values, at = grid_values(dimension), len(sizes)
            sizes.append(len(values))
            if at == len(prefix):
                prefix.append(0)
            return values[prefix[at]]

        yield space.draw(draw)
        while prefix and prefix[-1] + 1 == sizes[len(prefix) - 1]:
            prefix.pop()
        if not prefix:
            return
        prefix[-1] += 1


def grid_values(dimension: Dimension) -> list[Value]:
    """The values of a dimension in a grid: all labels, all of a few integers, or numbers at equal distances."""
    if isinstance(dimension, Choice):
        return [*dimension.labels]
    return [*dict.fromkeys(dimension.at(index / (_count(dimension) - 1)) for index in range(_count(dimension)))]


def _count(dimension: Range) -> int:
    whole = int((dimension.high - dimension.low) // dimension.step) + 1 if dimension.step else MAX_GRID
    return max(2, min(whole, MAX_GRID))
