"""The base of every loss: one number for each prediction, whose mean is minimized."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from netspec.compiler.ir.output_head import OutputHead, OutputKind
from netspec.data.dataset.dataset import Target
from netspec.language.kinds import Number, OneWord, Text
from netspec.language.lazy import lazy
from netspec.language.record import Frozen
from netspec.language.vocabulary import Declares, register
from netspec.language.word import Word, option
from netspec.training.feed.targets import are_ids, as_numbers, place_targets
from netspec.training.table import table_word

if TYPE_CHECKING:
    import numpy as np

jnp = lazy("jax.numpy")

NO_CLASSES = "the targets are numbers, not classes"


class WrongTargets(Frozen):
    """Targets that a loss cannot use: the first such example, what is wrong with it, and what to do."""

    index: int
    reason: str
    advice: str


class Loss(Word, ABC):
    """Base of every loss."""

    category: ClassVar[str] = "loss"

    heads: ClassVar[tuple[str, ...]] = ("linear", "sigmoid", "softmax")
    """The heads of a network that it accepts."""
    implied: ClassVar[str] = "linear"
    """The head that is assumed for a network without one, which then gives logits."""
    min_units: ClassVar[int] = 1
    takes_soft_targets: ClassVar[bool] = True
    """Accepts probabilities of the classes in place of class ids, as `mixup` makes them."""
    output_kind: ClassVar[OutputKind] = "predictions"
    takes_normalized_targets: ClassVar[bool] = False
    """Compares numbers by their differences, so that targets may be brought to mean 0 and standard deviation 1."""

    @abstractmethod
    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        """The loss of every prediction: float32 of the shape batch x ..., one for each time step of a sequence."""

    def weighted(self, logits: Any, targets: Any, head: OutputHead, classes: Any) -> tuple[Any, Any]:
        """`values`, each times the weight of its class, and the weight of each prediction (batch x ... without units).

        Args:
            logits: as for `values`.
            targets: as for `values`.
            head: as for `values`.
            classes: the weight of each class, a vector.
        """
        values, weights = self.values(logits, targets, head), class_weights_of(targets, head, classes)
        return values * weights.reshape(*weights.shape, *[1] * (values.ndim - weights.ndim)), weights

    @property
    def parts(self) -> int:
        """How many units of the last layer describe one target."""
        return 1

    # ------------------------------------------------------------ asked before the first step

    def implied_by(self, head: OutputHead, target: Target) -> str:
        """The head that is assumed for a network without one, for these targets."""
        return self.implied

    def scored(self, head: OutputHead, target: Target) -> OutputHead:
        """The head that metrics use: that of the network, or the implied one for plain numbers."""
        return head.replace(activation=self.implied_by(head, target)) if head.activation == "linear" else head

    def pairs_examples(self, head: OutputHead) -> bool:
        """Whether it compares the examples of a batch with each other."""
        return False

    def misfit(self, head: OutputHead, target: Target) -> str:
        """Why it does not fit a head and targets, as the end of a sentence; empty when it fits."""
        if head.activation not in self.heads:
            if self.heads == ("linear",):
                return "it expects logits: remove the activation of the last layer"
            return f"it expects a network that ends in `{self.implied}`"
        if head.units < self.min_units:
            return f"it needs at least {self.min_units} units, one for each class"
        implied = self.implied_by(head, target)
        if implied == "sigmoid" and are_ids(head, target):
            return f"the targets are {target.classes} classes, of which one is correct"
        is_decision = implied in ("softmax", "sigmoid", "margin") and self.output_kind != "probabilities"
        return NO_CLASSES * (is_decision and head.activation == "linear" and target.kind == "numbers")

    def place_targets(self, array: Any, head: OutputHead, target: Target) -> Any:
        """Targets as `values` takes them; see `targets.place_targets`."""
        return place_targets(array, head, target)

    def wrong_targets(self, targets: np.ndarray, head: OutputHead) -> WrongTargets | None:
        """The first target that it cannot use; `targets` are as `place_targets` gives them."""
        return None


class JointLoss(Loss, ABC):
    """Base of losses of more than one prediction at a time: of pairs of examples, of a whole sequence."""

    takes_soft_targets = False

    @abstractmethod
    def joint(self, logits: Any, targets: Any, head: OutputHead, counted: Any) -> tuple[Any, Any]:
        """Losses and their weights, of equal shapes.

        Args:
            logits: as for `values`.
            targets: as `place_targets` makes them.
            head: the head.
            counted: batch or batch x T: false for padding; None when everything counts.
        """

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        return self.joint(logits, targets, head, None)[0]


loss = Declares("loss")
"""The decorator that declares a loss: `@loss("name")`."""

loss_word = partial(table_word, Loss, {})
"""Declares a loss without a class statement, as a row of a table."""


def errors(logits: Any, targets: Any, head: OutputHead) -> Any:
    """Prediction - target for each unit, float32."""
    return head.apply(logits.astype(jnp.float32)) - as_numbers(targets, head.units)


def class_weights_of(targets: Any, head: OutputHead, classes: Any) -> Any:
    """The weight of each prediction, without the axis of units: that of its class, or the mean over soft targets."""
    weights = jnp.asarray(classes, jnp.float32)
    if jnp.issubdtype(targets.dtype, jnp.integer):
        return weights[targets]
    if head.units == 1:
        return (weights[0] + (weights[1] - weights[0]) * targets)[..., 0]
    return jnp.sum(targets * weights, axis=-1)


@register("loss", "of")
class OfOutput(Word):
    """The loss of one output of a network with several outputs, and its weight in the total loss.

    Join several of them by `->`. A loss in the chain without `of` is for all other outputs; an output without any gets
    the loss that fits its last layer.

    Example: train { loss = of("digit", cross_entropy) -> of("style", mse, weight = 0.5) }
    """

    output: str = option(Text(), "the name of the output", position=0)
    loss: Loss | OfOutput | None = option(
        OneWord("loss"), "its loss (none: chosen by the last layer)", default=None, position=1
    )
    weight: float = option(
        Number(0, open_low=True), "its weight in the total loss", default=1.0, aliases=("loss_weights",)
    )


LossWord = Loss | OfOutput
"""A word of the chain `loss`."""


def loss_for(output: str, chain: Sequence[LossWord] | None) -> Loss | None:
    """The loss that a chain sets for an output; None where the last layer decides."""
    named = [word.loss for word in chain or () if isinstance(word, OfOutput) and word.output == output]
    loss = (named or [word for word in chain or () if isinstance(word, Loss)] or [None])[0]
    return loss if isinstance(loss, Loss) else None


def plain_losses(chain: Sequence[LossWord] | None) -> list[Loss]:
    """The losses of a chain, whichever output they are for."""
    losses = [word.loss if isinstance(word, OfOutput) else word for word in chain or ()]
    return [loss for loss in losses if isinstance(loss, Loss)]
