"""When training stops before its last epoch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, TypeVar, dataclass_transform

from netspec.kinds import Count, Kind, Mismatch, Number
from netspec.record import record, value
from netspec.values import Symbol, Word
from netspec.vocabulary import option, register, words


@value
class ValidationFigure(Kind):
    """The name of a figure on the validation split: `val_loss`, `val_accuracy`, …

    With several outputs the name has the output in it and is given in quotes: "val_digit_accuracy".
    """

    def accept(self, value: object) -> str:
        name = value.name if isinstance(value, Symbol) else value
        if not isinstance(name, str) or not name.startswith("val_"):
            raise Mismatch(self.describe(), value)
        return name

    def describe(self) -> str:
        return "a figure on the validation split, such as `val_loss` or `val_accuracy`"

    def spell(self, value: object) -> str:
        name = str(value)
        return name if name in self.names else f'"{name}"'

    @property
    def names(self) -> tuple[str, ...]:
        return ("val_loss", *(f"val_{name}" for name in words("metric")))


@record
class Stop(Word, ABC):
    """Base of every stopping rule."""

    category: ClassVar[str] = "stop"

    def watches(self) -> str | None:
        """The figure it looks at, or None."""
        return None

    @abstractmethod
    def is_better(self, value: float, best: float, *, higher: bool) -> bool:
        """Whether an epoch's figure counts as progress; `higher`: larger figures are better."""

    @abstractmethod
    def is_over(self, epochs_without_progress: int) -> bool:
        """Whether to stop now."""


T = TypeVar("T", bound=type[Stop])


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def stop(name: str) -> Callable[[T], T]:
    """Declare a stopping rule.

    Raises:
        ValueError: the name is taken, or is no lower-case word.
    """
    return register("stop", name)  # type: ignore[return-value]  # the same class comes back


@stop("early")
class Early(Stop):
    """Stops when a figure on the validation split has not become better for `patience` epochs in a row.

    Example: train { stop = early(val_loss, patience = 3) }
    Reference: Prechelt 1998, Early stopping - but when?
    """

    figure: str = option(ValidationFigure(), "what is watched", default="val_loss", position=0)
    patience: int = option(Count(1), "epochs without progress that are waited for", default=3, position=1)
    min_delta: float = option(Number(0), "progress of less than this does not count", default=0.0)

    def watches(self) -> str:
        return self.figure

    def is_better(self, value: float, best: float, *, higher: bool) -> bool:
        gain = value - best if higher else best - value
        return gain > self.min_delta

    def is_over(self, epochs_without_progress: int) -> bool:
        return epochs_without_progress >= self.patience
