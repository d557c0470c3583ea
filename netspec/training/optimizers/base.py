"""The bases of the words of an optimizer chain, and what a word may know of the chain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from netspec.language.kinds import Number
from netspec.language.lazy import lazy
from netspec.language.vocabulary import Declares
from netspec.language.word import Word

jax = lazy("jax")
jnp = lazy("jax.numpy")

Rate = Callable[[Any], Any]
"""The learning rate of the current step. It may be passed to Optax as a schedule: whatever it is called with, it is
the rate times the schedule of the run, which counts steps of the run."""

Path = tuple[str | int, ...]
"""The names on the way to a weight: `("conv1", "kernel")`."""

Place = Literal["anywhere", "first", "before", "after", "last"]
"""Where a word may be used: before the word with the learning rate it works on gradients, after it on steps. `first`
comes before all others, `last` after all that are not `last` themselves."""

POSITIVE = Number(0, open_low=True)
FRACTION = Number(0, 1, open_high=True)


@dataclass(frozen=True)
class ChainContext:
    """What a word may know of the chain and the run.

    `rate` is the learning rate of the current step, `factor` the part of it that comes from the schedule. `index` is
    the position of the word in the chain, `is_after_rate` whether that is after the word with the learning rate.
    `chosen` has the weights of the layers that words of the chain name.
    """

    rate: Any
    factor: Any
    seed: int = 0
    index: int = 0
    is_after_rate: bool = False
    chosen: Mapping[str, Sequence[Path]] = field(default_factory=dict)

    @property
    def key(self) -> Any:
        """A key for random numbers, different for each word of the chain and from those of the network."""
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), 0x0F7), self.index)


class ChainWord(Word, ABC):
    """Base of every word of an optimizer chain."""

    category: ClassVar[str] = "optimizer"

    has_rate: ClassVar[bool] = False
    """Applies a learning rate, in its option `rate`; exactly one word of a chain does."""

    place: ClassVar[Place] = "anywhere"

    is_of_gradient: ClassVar[bool] = False
    """Is meant for gradients: after the optimizer it is allowed, and changes the step."""

    has_eval_weights: ClassVar[bool] = False
    """Maintains evaluation weights beside the trained ones: evaluation and prediction use them, and they are saved."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of layers and blocks that it treats differently."""
        return ()


class Link(ChainWord, ABC):
    """Base of the words that transform gradients or steps."""

    @abstractmethod
    def build_in(self, context: ChainContext) -> Any:
        """The `optax.GradientTransformation`, given the chain around the word."""


class Optimizer(Link, ABC):
    """Base of the words that need nothing but the learning rate."""

    @abstractmethod
    def build(self, rate: Rate) -> Any:
        """The `optax.GradientTransformation`; words without a learning rate ignore `rate`."""

    def build_in(self, context: ChainContext) -> Any:
        return self.build(lambda step: context.rate)


class Wrapper(ChainWord, ABC):
    """Base of the words that decide when and how the words after them are applied."""

    place: ClassVar[Place] = "before"

    wraps_all: ClassVar[bool] = True
    """Words with evaluation weights are among what it wraps, and see only the steps that it lets through."""

    @abstractmethod
    def wrap(self, inner: Any, context: ChainContext) -> Any:
        """The `optax.GradientTransformation` of itself and the rest of the chain."""


optimizer = Declares("optimizer")
"""The decorator that declares an optimizer: `@optimizer("name")`."""


def strong(tree: Any) -> Any:
    """Arrays that are not weakly typed, so that the step compiles once; random keys stay as they are."""
    return jax.tree.map(typed_as, tree, tree)


def typed_as(new: Any, old: Any) -> Any:
    """An array in the dtype of another one."""
    return new if jnp.issubdtype(old.dtype, jax.dtypes.prng_key) else jnp.asarray(new, old.dtype)
