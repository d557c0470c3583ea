"""Which weights of a run are kept."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from typing import ClassVar, TypeVar, dataclass_transform

from netspec.language.kinds import Time
from netspec.language.record import record
from netspec.language.values import Duration, Word
from netspec.language.vocabulary import option, register
from netspec.training.control.stop import ValidationFigure


@record
class Keep(Word, ABC):
    """Base of every word that says which weights are kept."""

    category: ClassVar[str] = "keep"

    is_final: ClassVar[bool] = True
    """Says which weights are those of the run at its end."""


K = TypeVar("K", bound=type[Keep])


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def keep(name: str) -> Callable[[K], K]:
    """Declare a word of `keep`.

    Raises:
        ValueError: the name is taken, or is no lower-case word.
    """
    return register("keep", name)  # type: ignore[return-value]  # the same class comes back


@keep("best")
class Best(Keep):
    """The weights of the epoch with the best figure on the validation split.

    Example: train { keep = best(val_accuracy) }
    """

    figure: str | None = option(
        ValidationFigure(),
        "what is compared (none: what `stop` watches, or else `reduce_on_plateau`, or else `val_loss`)",
        default=None,
        position=0,
        elsewhere=("monitor",),
    )


@keep("last")
class Last(Keep):
    """The weights at the end of the run.

    Example: train { keep = last }
    """


@keep("every")
class Every(Keep):
    """The weights of every so many epochs, each in a file of its own in the run folder: `weights-epoch5.safetensors`.

    Beside it stands what is kept at the end.

    Example: train { keep = best -> every(5 epochs) }
    """

    is_final = False

    length: Duration = option(Time(("epochs",), is_whole=True), "after how many epochs again", position=0)

    def takes(self, epoch: int) -> bool:
        """Whether the weights after an epoch, from 1, are written."""
        return epoch % int(self.length.value) == 0
