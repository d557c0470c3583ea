"""What every schedule word is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from netspec.language.values import Duration
from netspec.language.vocabulary import Declares
from netspec.language.word import Word

Factor = Callable[[Any], Any]
"""From a step (a whole number, or a traced one) to what the rate is multiplied by."""


class Schedule(Word, ABC):
    """Base of every schedule word."""

    category: ClassVar[str] = "schedule"

    @property
    def span_of_time(self) -> Duration | None:
        """How long it lasts: its option `length`, if it has one; None: to the end of the run."""
        length: Duration | None = getattr(self, "length", None)
        return length

    @abstractmethod
    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        """The factor at a step of its own, from 0, of `length` in all."""


schedule = Declares("schedule")
"""The decorator that declares a schedule: `@schedule("name")`."""


def steps_of(duration: Duration, steps_per_epoch: int) -> int:
    """A duration in whole steps, at least one."""
    steps = duration.value * (steps_per_epoch if duration.unit == "epochs" else 1)
    return max(1, round(steps))
