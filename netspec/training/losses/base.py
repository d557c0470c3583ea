"""What a loss is: the number for each answer whose mean is made small, and what every loss says about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from netspec.compiler.ir.output_head import OutputHead, OutputKind
from netspec.data.dataset.dataset import Target
from netspec.language.lazy import lazy
from netspec.language.record import Frozen
from netspec.language.vocabulary import Declares
from netspec.language.word import Word
from netspec.training.targets import are_ids, as_numbers, place_targets

if TYPE_CHECKING:
    import numpy as np

jnp = lazy("jax.numpy")

NO_CLASSES = "the targets are numbers, not classes"


class WrongTargets(Frozen):
    """Targets that a loss can do nothing with: the first such example, what is wrong with it, what to do."""

    index: int
    reason: str
    advice: str


class Loss(Word, ABC):
    """Base of every loss."""

    category: ClassVar[str] = "loss"

    heads: ClassVar[tuple[str, ...]] = ("linear", "sigmoid", "softmax")
    """The ends of a net that it can go with."""
    implied: ClassVar[str] = "linear"
    """The head that a net without one is taken to have: it then gives logits."""
    fewest_units: ClassVar[int] = 1
    takes_shares: ClassVar[bool] = True
    """In place of class ids it may be given a share for each class, as `mixup` makes them."""
    output_kind: ClassVar[OutputKind] = "predictions"

    @abstractmethod
    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        """The loss of every answer: float32 of the shape batch x ..., with a place for each step of a sequence."""

    def weighted(self, logits: Any, targets: Any, head: OutputHead, classes: Any) -> tuple[Any, Any]:
        """`values`, each times what its class counts, and what each answer counts (batch x ... without units).

        Args:
            logits: as for `values`.
            targets: as for `values`.
            head: as for `values`.
            classes: what an answer of each class counts, a vector.
        """
        values, weights = self.values(logits, targets, head), class_weights_of(targets, head, classes)
        return values * weights.reshape(*weights.shape, *[1] * (values.ndim - weights.ndim)), weights

    # ------------------------------------------------------------ asked before the first step

    def implied_by(self, head: OutputHead, target: Target) -> str:
        """The head that a net without one is taken to have, for these targets."""
        return self.implied

    def scored(self, head: OutputHead, target: Target) -> OutputHead:
        """The head that figures are made with: that of the net, or the one that is implied for plain numbers."""
        return head.replace(activation=self.implied_by(head, target)) if head.activation == "linear" else head

    def pairs_examples(self, head: OutputHead) -> bool:
        """Whether it compares the examples of a batch with each other."""
        return False

    def misfit(self, head: OutputHead, target: Target) -> str:
        """Why it cannot go with a head and targets, as the end of a sentence; empty when it can."""
        if head.activation not in self.heads:
            if self.heads == ("linear",):
                return "it works on plain numbers: leave the activation of the last layer out"
            return f"it works on a net that ends in `{self.implied}`"
        if head.units < self.fewest_units:
            return f"it needs at least {self.fewest_units} units, one for each class"
        implied = self.implied_by(head, target)
        if implied == "sigmoid" and are_ids(head, target):
            return f"the targets are {target.classes} classes, of which one is right"
        is_decision = implied in ("softmax", "sigmoid", "margin") and self.output_kind != "probabilities"
        return NO_CLASSES * (is_decision and head.activation == "linear" and target.kind == "numbers")

    def place_targets(self, array: Any, head: OutputHead, target: Target) -> Any:
        """Targets as `values` takes them; see `targets.place_targets`."""
        return place_targets(array, head, target)

    def wrong_targets(self, targets: np.ndarray, head: OutputHead) -> WrongTargets | None:
        """The first target that it can do nothing with; `targets` are as `place_targets` gives them."""
        return None


class JointLoss(Loss, ABC):
    """Base of losses that look at more than one answer at a time: at pairs of examples, at a whole sequence."""

    takes_shares = False

    @abstractmethod
    def joint(self, logits: Any, targets: Any, head: OutputHead, counted: Any) -> tuple[Any, Any]:
        """Losses and what each of them counts, of equal shapes.

        Args:
            logits: as for `values`.
            targets: as `place_targets` makes them.
            head: the head.
            counted: batch or batch x T: false for rows and steps that only fill up; None when all count.
        """

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        return self.joint(logits, targets, head, None)[0]


loss = Declares("loss")
"""The decorator that declares a loss: `@loss("name")`."""


def errors(logits: Any, targets: Any, head: OutputHead) -> Any:
    """Answer - target for each unit, float32."""
    return head.apply(logits.astype(jnp.float32)) - as_numbers(targets, head.units)


def class_weights_of(targets: Any, head: OutputHead, classes: Any) -> Any:
    """What each answer counts, without the axis of units: the weight of its class, or of its shares of the classes."""
    weights = jnp.asarray(classes, jnp.float32)
    if jnp.issubdtype(targets.dtype, jnp.integer):
        return weights[targets]
    if head.units == 1:
        return (weights[0] + (weights[1] - weights[0]) * targets)[..., 0]
    return jnp.sum(targets * weights, axis=-1)
