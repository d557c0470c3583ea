"""Which weights of a run are saved."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from netspec.language.kinds import Time
from netspec.language.values import Duration
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option
from netspec.training.control.stop import MetricName


class Keep(Word, ABC):
    """Base of every word that says which weights are saved."""

    category: ClassVar[str] = "keep"

    is_final: ClassVar[bool] = True
    """Says which weights are those of the run at its end."""


keep = Declares("keep")
"""The decorator that declares a keep: `@keep("name")`."""


@keep("best")
class Best(Keep):
    """The weights of the epoch with the best metric on the validation split.

    Example: train { keep = best(val_accuracy) }
    """

    aliases = ("ModelCheckpoint", "best_weights", "load_best_model_at_end", "save_best_only")

    metric: str | None = option(
        MetricName(),
        "the metric to compare (none: the one that `stop` monitors, or else `reduce_on_plateau`, or else `val_loss`)",
        default=None,
        position=0,
        aliases=("monitor", "metric_for_best_model"),
        former="figure",
    )

    def watches(self) -> str | None:
        """The metric that it compares, if it says so."""
        return self.metric


@keep("last")
class Last(Keep):
    """The weights at the end of the run.

    Example: train { keep = last }
    """


@keep("every")
class Every(Keep):
    """The weights of every n-th epoch, each in its own file in the run folder: `weights-epoch5.safetensors`.

    Combine it with what to save at the end.

    Example: train { keep = best -> every(5 epochs) }
    """

    is_final = False

    length: Duration = option(Time(("epochs",), is_whole=True), "the number of epochs between two files", position=0)

    def takes(self, epoch: int) -> bool:
        """Whether the weights after an epoch, from 1, are written."""
        return epoch % int(self.length.value) == 0
