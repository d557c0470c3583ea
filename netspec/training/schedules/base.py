"""What every schedule word is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, dataclass_transform

from netspec.language.kinds import Time
from netspec.language.record import record
from netspec.language.values import Duration, Word
from netspec.language.vocabulary import option, register

Factor = Callable[[Any], Any]
"""From a step (a whole number, or a traced one) to what the rate is multiplied by."""


@record
class Schedule(Word, ABC):
    """Base of every schedule word."""

    category: ClassVar[str] = "schedule"

    @property
    def span_of_time(self) -> Duration | None:
        """How long it lasts; None: to the end of the run."""
        return None

    @abstractmethod
    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        """The factor at a step of its own, from 0, of `length` in all."""


S = TypeVar("S", bound=type[Schedule])


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def schedule(name: str) -> Callable[[S], S]:
    """Declare a schedule.

    Raises:
        ValueError: the name is taken, or is no lower-case word.
    """
    return register("schedule", name)  # type: ignore[return-value]  # the same class comes back


@record
class Lasting(Schedule, ABC):
    """Base of those that may last for a time, and otherwise to the end of the run."""

    length: Duration | None = option(
        Time(), "how long (none: to the end)", default=None, elsewhere=("total_iters", "T_max", "decay_steps")
    )

    @property
    def span_of_time(self) -> Duration | None:
        return self.length


def steps_of(duration: Duration, steps_per_epoch: int) -> int:
    """A duration in whole steps, at least one."""
    steps = duration.value * (steps_per_epoch if duration.unit == "epochs" else 1)
    return max(1, round(steps))
