"""Charts of a search: its progress, slices along each value, the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from netspec.display.charts.axes import Axis, axis_of
from netspec.display.charts.bars import Bar, bars_svg
from netspec.display.charts.plane import Plane, Series, plane_svg
from netspec.language.text import truncated
from netspec.search.goals import Goal
from netspec.search.spaces.space import Choice, Dimension, Range, number_source
from netspec.search.trials.record import Trial
from netspec.training.metrics import metric_of

MAX_LABEL = 14
SLICE = 300.0, 190.0


@dataclass(frozen=True)
class LabelAxis(Axis):
    """An axis of labels, which are at 0, 1, 2, …"""

    labels: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        return [truncated(label, MAX_LABEL) for label in self.labels]


def label_axis(labels: Sequence[str]) -> LabelAxis:
    """The axis of a choice."""
    return LabelAxis(-0.5, len(labels) - 0.5, tuple(map(float, range(len(labels)))), labels=tuple(labels))


def goal_axis(goal: Goal, trials: Sequence[Trial], index: int = 0) -> Axis:
    """The axis of a goal; where a few trials are far worse than the others, those are at its end."""
    metric = metric_of(goal.name)
    values = sorted((trial.goals[index] for trial in trials), key=lambda value: goal.sign * value)
    kept = values[: max(2, math.ceil(0.9 * len(values)))]
    in_percent = metric is not None and metric.in_percent
    whole, most = (axis_of(found, in_percent=in_percent) for found in (values, kept))
    return most if (whole.high - whole.low) > 4 * (most.high - most.low) else whole


def within(axis: Axis, value: float) -> float:
    """A number, or the end of the axis that it is beyond."""
    return min(max(value, axis.low), axis.high)


def progress_svg(goal: Goal, trials: Sequence[Trial]) -> str:
    """Every complete trial, and the best one so far."""
    axis, numbers = goal_axis(goal, trials), [float(trial.number) for trial in trials]
    values = [trial.goals[0] for trial in trials]
    best, so_far = values[0], []
    for value in values:
        best = value if goal.sign * value < goal.sign * best else best
        so_far.append(best)
    series = [
        Series("trials", numbers, [within(axis, value) for value in values], "points", 0),
        Series("best so far", numbers, [within(axis, value) for value in so_far], "steps", 1),
    ]
    summary = f"The best of {len(trials)} is {goal.text(best)}."
    return plane_svg(Plane("Progress of the search", "trial", goal.name, series, summary, y_axis=axis))


def slice_svg(dimension: Dimension, goal: Goal, trials: Sequence[Trial], best: Trial) -> str:
    """A goal over a value, for the trials in which it counts."""
    found = [trial for trial in trials if dimension.name in trial.values]
    up = goal_axis(goal, trials)
    across: Axis = (
        label_axis(dimension.labels)
        if isinstance(dimension, Choice)
        else axis_of([dimension.low, dimension.high], may_be_log=dimension.is_log)
    )

    def points(chosen: Sequence[Trial]) -> tuple[list[float], list[float]]:
        xs = [position(dimension, trial) for trial in chosen]
        return xs, [within(up, trial.goals[0]) for trial in chosen]

    others = [trial for trial in found if trial is not best]
    series = [Series("", *points(others), "points", 0)]
    series += [Series("best trial", *points([best]), "points", 1)] if dimension.name in best.values else []
    summary = f"{len(found)} trials." + (
        f" The best one has {number_source(best.values[dimension.name])}." if dimension.name in best.values else ""
    )
    plane = Plane(dimension.name, dimension.name, goal.name, series, summary, x_axis=across, y_axis=up, size=SLICE)
    return plane_svg(replace(plane, title=f"{goal.name} by {dimension.name}"))


def position(dimension: Dimension, trial: Trial) -> float:
    """Where the value of a trial is on the axis of a dimension."""
    value = trial.values[dimension.name]
    if isinstance(dimension, Range):
        return float(value)
    return float(dimension.labels.index(str(value)))


def front_svg(goals: Sequence[Goal], trials: Sequence[Trial], front: Sequence[Trial]) -> str:
    """Two goals of every complete trial, and those that no other one dominates."""
    up, across = goal_axis(goals[0], trials), goal_axis(goals[1], trials, 1)

    def points(chosen: Sequence[Trial]) -> tuple[list[float], list[float]]:
        return [within(across, t.goals[1]) for t in chosen], [within(up, t.goals[0]) for t in chosen]

    others = [trial for trial in trials if trial not in front]
    series = [Series("other trials", *points(others), "points", None), Series("front", *points(front), "points", 1)]
    first, second = goals[0], goals[1]
    summary = f"{len(front)} of {len(trials)} trials are on the front."
    title = f"{first.name} and {second.name}"
    return plane_svg(Plane(title, second.name, first.name, series, summary, across, up))


def importance_svg(importance: dict[str, float], goal: str) -> str:
    """The part of each value in the differences between trials."""
    bars = [Bar(name, part, text=f"{100 * part:.0f}%") for name, part in importance.items()]
    names = ", ".join(f"{bar.name} {bar.text}" for bar in bars)
    return bars_svg(f"Importance for {goal}", "part of the differences", bars, summary=names, in_percent=True)
