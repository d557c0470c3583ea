"""Optimizers: words that are chained, `clip(1.0) -> adamw(1e-3, decay = 1e-4)`.

Comes in: checked words. Goes out: an `optax.GradientTransformation`. Optax is imported when one is built.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar, dataclass_transform

from netspec.kinds import Flag, Number
from netspec.record import record
from netspec.values import Word
from netspec.vocabulary import option, register

Rate = Callable[[Any], Any]
"""The learning rate for a step, counted from 0."""

POSITIVE = Number(0, open_low=True)
FRACTION = Number(0, 1, open_high=True)


@record
class Optimizer(Word, ABC):
    """Base of every word of an optimizer chain: it turns gradients into what is added to the weights."""

    category: ClassVar[str] = "optimizer"

    has_rate: ClassVar[bool] = False
    """Applies a learning rate, in its option `rate`; exactly one word of a chain does."""

    @abstractmethod
    def build(self, rate: Rate) -> Any:
        """The `optax.GradientTransformation`; words without a rate leave `rate` alone."""


O = TypeVar("O", bound=type[Optimizer])  # noqa: E741


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def optimizer(name: str) -> Callable[[O], O]:
    """Declare an optimizer.

    Raises:
        ValueError: the name is taken, or is no lower-case word.
    """
    return register("optimizer", name)  # type: ignore[return-value]  # the same class comes back


@record
class _Adaptive(Optimizer):
    """What Adam and AdamW have in common."""

    has_rate = True

    rate: float = option(
        POSITIVE,
        "the learning rate, before the schedule",
        default=1e-3,
        position=0,
        elsewhere=("lr", "learning_rate"),
    )
    b1: float = option(FRACTION, "how much of the mean gradient is kept at each step", default=0.9)
    b2: float = option(FRACTION, "how much of the mean squared gradient is kept at each step", default=0.999)
    epsilon: float = option(POSITIVE, "added to the root, so that nothing is divided by zero", default=1e-8)


@optimizer("adam")
class Adam(_Adaptive):
    """Steps along the mean gradient, divided by the root of the mean squared gradient.

    Example: train { optimizer = adam(1e-3) }
    Reference: Kingma and Ba 2014, arXiv:1412.6980.
    """

    def build(self, rate: Rate) -> Any:
        import optax

        return optax.adam(rate, b1=self.b1, b2=self.b2, eps=self.epsilon)


@optimizer("adamw")
class Adamw(_Adaptive):
    """Adam that also shrinks the kernels by `rate * decay` at each step; biases and the scales of norms are left alone.

    Example: train { optimizer = adamw(1e-3, decay = 1e-4) }
    Reference: Loshchilov and Hutter 2017, arXiv:1711.05101.
    """

    decay: float = option(Number(0), "the weight decay of kernels", default=1e-4, position=1)

    def build(self, rate: Rate) -> Any:
        import optax

        return optax.adamw(rate, b1=self.b1, b2=self.b2, eps=self.epsilon, weight_decay=self.decay, mask=kernels_only)


@optimizer("sgd")
class Sgd(Optimizer):
    """Steps against the gradient; with `momentum`, against a running sum of gradients.

    Example: train { optimizer = sgd(0.1, momentum = 0.9) }
    Reference: Robbins and Monro 1951; Sutskever et al. 2013, On the importance of initialization and momentum.
    """

    has_rate = True

    rate: float = option(
        POSITIVE,
        "the learning rate, before the schedule",
        default=0.01,
        position=0,
        elsewhere=("lr", "learning_rate"),
    )
    momentum: float = option(FRACTION, "how much of the running sum is kept at each step", default=0.0, position=1)
    nesterov: bool = option(Flag(), "look ahead along the momentum (Nesterov)", default=False)

    def build(self, rate: Rate) -> Any:
        import optax

        return optax.sgd(rate, momentum=self.momentum or None, nesterov=self.nesterov)


@optimizer("rmsprop")
class Rmsprop(Optimizer):
    """Steps along the gradient divided by the root of the mean squared gradient.

    Example: train { optimizer = rmsprop(1e-3) }
    Reference: Tieleman and Hinton 2012, Lecture 6.5.
    """

    has_rate = True

    rate: float = option(
        POSITIVE,
        "the learning rate, before the schedule",
        default=1e-3,
        position=0,
        elsewhere=("lr", "learning_rate"),
    )
    decay: float = option(FRACTION, "how much of the mean squared gradient is kept at each step", default=0.9)
    momentum: float = option(FRACTION, "how much of the running sum is kept at each step", default=0.0)
    epsilon: float = option(POSITIVE, "added to the root, so that nothing is divided by zero", default=1e-8)

    def build(self, rate: Rate) -> Any:
        import optax

        return optax.rmsprop(
            rate, decay=self.decay, eps=self.epsilon, eps_in_sqrt=False, momentum=self.momentum or None
        )


@optimizer("clip")
class Clip(Optimizer):
    """Shrinks the gradient of all weights together to a length of at most `norm`, keeping its direction.

    Example: train { optimizer = clip(1.0) -> adam }
    Reference: Pascanu, Mikolov and Bengio 2012, arXiv:1211.5063.
    """

    norm: float = option(POSITIVE, "the greatest length", position=0)

    def build(self, rate: Rate) -> Any:
        import optax

        return optax.clip_by_global_norm(self.norm)


@optimizer("clip_value")
class ClipValue(Optimizer):
    """Cuts each number of the gradient to between -limit and limit.

    Example: train { optimizer = clip_value(0.5) -> adam }
    """

    limit: float = option(POSITIVE, "the greatest absolute value", position=0)

    def build(self, rate: Rate) -> Any:
        import optax

        return optax.clip(self.limit)


def kernels_only(params: Any) -> Any:
    """A tree of truth values: which weights decay. Biases and scales have one axis, kernels two or more."""
    import jax

    return jax.tree.map(lambda p: p.ndim >= 2, params)


def build_optimizer(chain: Sequence[Optimizer], factor: Rate) -> Any:
    """The `optax.GradientTransformation` of a chain that has one word with a rate, times `factor(step)`."""
    import optax

    def rate_of(word: Optimizer) -> Rate:
        base = getattr(word, "rate", 0.0)
        return lambda step: base * factor(step)

    return optax.chain(*(word.build(rate_of(word)) for word in chain))
