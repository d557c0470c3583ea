"""Words that stand for a function of Optax of the same name.

The options of such a word are the arguments of the function. Four are called here as everywhere in the language: `rate`
(in Optax `learning_rate`), `epsilon` and `epsilon_root` (`eps`, `eps_root`) and `decay` (`weight_decay`); and the mask
of what decays is the option `on`. test_optax_words.py compares the two sides, so that an argument or an
optimizer that Optax adds is noticed.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

from netspec.language.kinds import Choice, Flag, Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.optimizers.base import FRACTION, POSITIVE, Around, Optimizer, Rate

jax = lazy("jax")

NAMES = {"rate": "learning_rate", "epsilon": "eps", "epsilon_root": "eps_root", "decay": "weight_decay"}
"""What an option is called in Optax where it is not the same."""

NOT_DECAYING = ("bias", "scale")
"""Weights of these names do not decay, whatever their axes: the biases of attention have two."""


class OptaxWord(Optimizer, ABC):
    """Base of every word that stands for a function of Optax."""

    has_rate = True

    home: ClassVar[str] = "optax"
    """The module that has the function."""

    names: ClassVar[Mapping[str, str]] = {}
    """What options of this word are called in Optax, beside `NAMES`."""

    mask: ClassVar[str | None] = None
    """The argument that says which weights decay."""

    @classmethod
    def argument(cls, name: str) -> str:
        """What an option is called in Optax."""
        return {**NAMES, **cls.names}.get(name, name)

    def arguments(self) -> dict[str, Any]:
        """The arguments of the function, without the rate."""
        own = [item for item in self.options() if item.name not in ("rate", "on")]
        found = {self.argument(item.name): getattr(self, item.field) for item in own}
        if self.mask is not None:
            found[self.mask] = kernels_only if getattr(self, "on", None) == "kernels" else None
        return found

    def build(self, rate: Rate) -> Any:
        # A number, not a schedule: some of the functions take no schedule, and Optax would count steps once more.
        return self.function(**{self.argument("rate"): rate(0)}, **self.arguments())

    @property
    def function(self) -> Any:
        return getattr(import_module(self.home), self.word)


class Seeded(OptaxWord, ABC):
    """Base of those that draw random numbers."""

    def build_around(self, around: Around) -> Any:
        return self.function(**{self.argument("rate"): around.rate}, **self.arguments(), key=around.key)


def kernels_only(params: Any) -> Any:
    """A tree of truth values: which weights decay. Biases and the scales of norms do not, kernels and tables do."""

    def decays(path: Any, weight: Any) -> bool:
        name = str(getattr(path[-1], "key", "")) if path else ""
        return weight.ndim >= 2 and not name.endswith(NOT_DECAYING)

    return jax.tree_util.tree_map_with_path(decays, params)


# ---------------------------------------------------------------- options that many of them have


def rate_option(default: float, doc: str = "the learning rate, before the schedule") -> Any:
    return option(POSITIVE, doc, default=default, position=0, aliases=("lr", "learning_rate"))


def epsilon_option(default: float, doc: str = "added to the root, so that nothing is divided by zero") -> Any:
    return option(Number(0), doc, default=default, aliases=("eps",))


def root_option(default: float = 0.0) -> Any:
    doc = "added under the root, where derivatives of the steps themselves are taken"
    return option(Number(0), doc, default=default, aliases=("eps_root",))


def decay_option(default: float, *, position: int | None = None, doc: str = "the weight decay") -> Any:
    return option(Number(0), doc, default=default, position=position, aliases=("weight_decay", "wd"))


def on_option() -> Any:
    doc = "which weights decay: kernels and tables, or all, biases and the scales of norms too"
    return option(Choice(("kernels", "all")), doc, default="kernels", aliases=("mask", "weight_decay_mask"))


def mean_option(default: float, of: str = "gradient", name: str = "") -> Any:
    aliases = {"b1": ("beta1", "beta_1"), "b2": ("beta2", "beta_2")}.get(name, ())
    return option(FRACTION, f"how much of the mean {of} is kept at each step", default=default, aliases=aliases)


def momentum_option(default: float, *, position: int | None = None) -> Any:
    doc = "how much of the running sum is kept at each step"
    return option(FRACTION, doc, default=default, position=position)


def nesterov_option(default: bool = False) -> Any:
    return option(Flag(), "look ahead along the momentum (Nesterov)", default=default)


class Moments(OptaxWord, ABC):
    """The options of Adam and its kin."""

    b1: float = mean_option(0.9, name="b1")
    b2: float = mean_option(0.999, of="squared gradient", name="b2")
    epsilon: float = epsilon_option(1e-8)


class Masked(OptaxWord, ABC):
    """Those whose weight decay may leave weights out."""

    mask = "mask"

    on: str = on_option()
