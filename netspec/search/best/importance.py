"""How much each value of a search matters for its goal."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.language.lazy import lazy, np
from netspec.search.spaces.space import Choice, Dimension, Space
from netspec.search.trials.record import Trial

ensemble = lazy("sklearn.ensemble")
inspection = lazy("sklearn.inspection")

MIN_TRIALS = 8
TREES = 100
REPEATS = 10


def importance_of(space: Space, trials: Sequence[Trial], goal: int = 0) -> dict[str, float]:
    """By the name of a dimension its part (0 to 1, together 1) of the differences between trials in a goal, the largest
    first: by how much a random forest that predicts the goal from the values is wrong when one of them is permuted
    (Breiman 2001). Nothing where trials are few, or all the same.
    """
    complete = [trial for trial in trials if trial.state == "complete"]
    dimensions = [d for d in space.dimensions if len({t.values.get(d.name) for t in complete}) > 1]
    goals = np.array([trial.goals[goal] for trial in complete])
    if len(complete) < MIN_TRIALS or not dimensions or np.ptp(goals) == 0:
        return {}
    inputs = np.array([[_coded(d, trial) for d in dimensions] for trial in complete])
    forest = ensemble.RandomForestRegressor(TREES, random_state=0).fit(inputs, goals)
    found = inspection.permutation_importance(forest, inputs, goals, n_repeats=REPEATS, random_state=0)
    means = np.maximum(found.importances_mean, 0.0)
    if means.sum() == 0:
        return {}
    parts = {d.name: float(part) for d, part in zip(dimensions, means / means.sum(), strict=True)}
    return dict(sorted(parts.items(), key=lambda pair: -pair[1]))


def _coded(dimension: Dimension, trial: Trial) -> float:
    """A value as a number: its place in the range, or that of its label; -1 where it does not count."""
    value = trial.values.get(dimension.name)
    if value is None:
        return -1.0
    if isinstance(dimension, Choice):
        return float(dimension.labels.index(str(value)))
    return dimension.fraction_of(float(value))
