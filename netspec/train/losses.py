"""Losses: functions of what the net computes and what it should answer, one number for each answer.

Comes in: logits (the output before its softmax or sigmoid) in the shape batch x ..., and targets as `place_targets`
makes them: class ids without the last axis, or numbers in the shape of the output. Goes out: losses of the shape batch
x ..., whose mean over everything that counts is made small. Losses that compare probabilities apply the head first; the
others work on the logits and are stable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, dataclass_transform

from netspec.kinds import Number
from netspec.record import record
from netspec.train.heads import HeadInfo, as_numbers
from netspec.values import Word
from netspec.vocabulary import option, register


@record
class Loss(Word, ABC):
    """Base of every loss."""

    category: ClassVar[str] = "loss"

    heads: ClassVar[tuple[str, ...]] = ("linear", "sigmoid", "softmax")
    """The ends of a net that it can go with."""
    implied: ClassVar[str] = "linear"
    """The head that a net without one is taken to have: it then gives logits."""
    fewest_units: ClassVar[int] = 1

    @abstractmethod
    def values(self, logits: Any, targets: Any, head: HeadInfo) -> Any:
        """The loss of every answer: float32 of the shape batch x ..., with a place for each step of a sequence."""


L = TypeVar("L", bound=type[Loss])


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def loss(name: str) -> Callable[[L], L]:
    """Declare a loss.

    Raises:
        ValueError: the name is taken, or is no lower-case word.
    """
    return register("loss", name)  # type: ignore[return-value]  # the same class comes back


def _errors(logits: Any, targets: Any, head: HeadInfo) -> Any:
    import jax.numpy as jnp

    return head.apply(logits.astype(jnp.float32)) - as_numbers(targets, head.units)


@loss("mse")
class Mse(Loss):
    """Mean squared error: the mean of (answer - target)^2.

    Example: train { loss = mse }
    """

    elsewhere = ("mean_squared_error", "MSELoss")

    def values(self, logits: Any, targets: Any, head: HeadInfo) -> Any:
        return _errors(logits, targets, head) ** 2


@loss("mae")
class Mae(Loss):
    """Mean absolute error: the mean of |answer - target|.

    Example: train { loss = mae }
    """

    elsewhere = ("mean_absolute_error", "L1Loss")

    def values(self, logits: Any, targets: Any, head: HeadInfo) -> Any:
        import jax.numpy as jnp

        return jnp.abs(_errors(logits, targets, head))


@loss("huber")
class Huber(Loss):
    """Half the squared error up to `delta`, and delta * (|error| - delta / 2) beyond: outliers pull less.

    Example: train { loss = huber(1.0) }
    Reference: Huber 1964, Robust estimation of a location parameter.
    """

    elsewhere = ("HuberLoss", "SmoothL1Loss")
    delta: float = option(Number(0, open_low=True), "where the square ends", default=1.0, position=0)

    def values(self, logits: Any, targets: Any, head: HeadInfo) -> Any:
        import jax.numpy as jnp

        size = jnp.abs(_errors(logits, targets, head))
        inner = jnp.minimum(size, self.delta)
        return 0.5 * inner**2 + self.delta * (size - inner)


@loss("cross_entropy")
class CrossEntropy(Loss):
    """The negative logarithm of the probability given to the right class.

    With numbers as targets (a distribution for each example) it is -sum(target * log(probability)).

    Example: train { loss = cross_entropy }
    """

    elsewhere = ("categorical_crossentropy", "sparse_categorical_crossentropy", "CrossEntropyLoss", "NLLLoss")
    heads = ("linear", "softmax")
    implied = "softmax"
    fewest_units = 2

    def values(self, logits: Any, targets: Any, head: HeadInfo) -> Any:
        return negative_log_likelihood(logits, targets)


@loss("binary_cross_entropy")
class BinaryCrossEntropy(Loss):
    """For each unit, the negative logarithm of the probability given to the right one of two answers.

    Example: train { loss = binary_cross_entropy }
    """

    elsewhere = ("binary_crossentropy", "BCELoss", "BCEWithLogitsLoss")
    heads = ("linear", "sigmoid")
    implied = "sigmoid"

    def values(self, logits: Any, targets: Any, head: HeadInfo) -> Any:
        import jax.numpy as jnp

        x, y = logits.astype(jnp.float32), as_numbers(targets, head.units)
        # log(1 + exp(x)) - x * y, written so that no exp overflows
        return jnp.maximum(x, 0) - x * y + jnp.log1p(jnp.exp(-jnp.abs(x)))


def negative_log_likelihood(logits: Any, targets: Any) -> Any:
    """-log softmax(logits) at the targets, without the last axis; targets are ids or distributions."""
    import jax
    import jax.numpy as jnp

    x = logits.astype(jnp.float32)
    whole = jax.nn.logsumexp(x, axis=-1)
    if jnp.issubdtype(targets.dtype, jnp.integer):
        return whole - jnp.take_along_axis(x, targets[..., None], axis=-1)[..., 0]
    return jnp.sum(targets, axis=-1) * whole - jnp.sum(targets * x, axis=-1)
