"""What every word of an optimizer chain is, and what it may know of its surroundings."""

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

Rate = Callable[[Any], Any]
"""The learning rate of the step under way. It may be handed to Optax as a schedule: whatever it is called with, it is
the rate times the schedule of the run, which counts steps of the run."""

Path = tuple[str | int, ...]
"""The names on the way to a weight: `("conv1", "kernel")`."""

Place = Literal["anywhere", "first", "front", "behind", "last"]
"""Where a word may stand: in front of the word with the rate it works on gradients, behind it on steps. `first` is in
front of all others, `last` behind all that are not so themselves."""

POSITIVE = Number(0, open_low=True)
FRACTION = Number(0, 1, open_high=True)


@dataclass(frozen=True)
class Around:
    """What a word may know of the chain and the run.

    `rate` is the learning rate of the step under way, `factor` the part of it that comes from the schedule. `index` is
    the word's place in the chain, `is_behind` whether that is behind the word with the rate. `chosen` has the weights
    of the layers that words of the chain name.
    """

    rate: Any
    factor: Any
    seed: int = 0
    index: int = 0
    is_behind: bool = False
    chosen: Mapping[str, Sequence[Path]] = field(default_factory=dict)

    @property
    def key(self) -> Any:
        """A key for random numbers; one for each word of the chain, and none that the net has."""
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), 0x0F7), self.index)


class ChainWord(Word, ABC):
    """Base of every word of an optimizer chain."""

    category: ClassVar[str] = "optimizer"

    has_rate: ClassVar[bool] = False
    """Applies a learning rate, in its option `rate`; exactly one word of a chain does."""

    place: ClassVar[Place] = "anywhere"

    answers: ClassVar[bool] = False
    """Keeps weights of its own, with which the net answers: those that are measured and kept."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of layers and blocks that it treats in another way."""
        return ()


class Link(ChainWord, ABC):
    """Base of the words that turn what comes to them, gradients or steps, into something else."""

    @abstractmethod
    def build_around(self, around: Around) -> Any:
        """The `optax.GradientTransformation`, for what is around the word."""


class Optimizer(Link, ABC):
    """Base of those that need to know the rate at most."""

    @abstractmethod
    def build(self, rate: Rate) -> Any:
        """The `optax.GradientTransformation`; words without a rate leave `rate` alone."""

    def build_around(self, around: Around) -> Any:
        return self.build(lambda step: around.rate)


class Wrapper(ChainWord, ABC):
    """Base of the words that decide when and how all that stands behind them is done."""

    place: ClassVar[Place] = "front"

    wraps_all: ClassVar[bool] = True
    """The words that keep weights of their own are among what it wraps, and see only the steps that it lets through."""

    @abstractmethod
    def wrap(self, inner: Any, around: Around) -> Any:
        """The `optax.GradientTransformation` of itself and the rest of the chain."""


optimizer = Declares("optimizer")
"""The decorator that declares an optimizer: `@optimizer("name")`."""
