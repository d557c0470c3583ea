"""What a search is for: which metrics, and in which direction they are better."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.display.metric_text import metric_text
from netspec.display.text import number_text
from netspec.language.record import Frozen
from netspec.search.settings import SIZES
from netspec.training.metrics import is_higher_better


class Goal(Frozen):
    """A metric on the validation split, or a size of the network; larger values are better if `is_higher`."""

    name: str

    @property
    def is_higher(self) -> bool:
        return self.name not in SIZES and is_higher_better(self.name)

    @property
    def sign(self) -> int:
        """What a value is multiplied by so that smaller ones are better."""
        return -1 if self.is_higher else 1

    def text(self, value: float) -> str:
        return number_text(value, 6) if self.name in SIZES else metric_text(self.name, value)


def goals_of(names: Sequence[str]) -> tuple[Goal, ...]:
    return tuple(map(Goal, names))


def dominates(one: Sequence[float], other: Sequence[float], goals: Sequence[Goal]) -> bool:
    """Whether a trial is at least as good as another for each goal, and better for one of them."""
    pairs = [(goal.sign * a, goal.sign * b) for goal, a, b in zip(goals, one, other, strict=True)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def front(values: Sequence[Sequence[float]], goals: Sequence[Goal]) -> list[int]:
    """The trials that no other one dominates, by their positions, the best by the first goal first; of a single goal
    the first of the best ones. Those with equal values count once."""
    better = [
        index
        for index, one in enumerate(values)
        if not any(dominates(other, one, goals) or (other == one and at < index) for at, other in enumerate(values))
    ]
    return sorted(better, key=lambda index: goals[0].sign * values[index][0])
