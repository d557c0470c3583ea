"""Which weights of a run are kept."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from netspec.language.kinds import Time
from netspec.language.values import Duration
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option
from netspec.training.control.stop import ValidationFigure


class Keep(Word, ABC):
    """Base of every word that says which weights are kept."""

    category: ClassVar[str] = "keep"

    is_final: ClassVar[bool] = True
    """Says which weights are those of the run at its end."""


keep = Declares("keep")
"""The decorator that declares a keep: `@keep("name")`."""


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
        aliases=("monitor",),
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
