"""From the words of a chain to something that follows gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netspec.language.lazy import lazy
from netspec.training.optimizers.averages import Averaged
from netspec.training.optimizers.base import Around, ChainWord, Link, Path, Wrapper
from netspec.training.optimizers.dtypes import strong, typed_as
from netspec.training.optimizers.wrappers import SkipNonfinite

contrib = lazy("optax.contrib")
jax = lazy("jax")
optax = lazy("optax")


class OptimizerChain:
    """The words of a chain as one optimizer.

    The rate is handed in at every step, since it follows the steps of the run, which are not always those of an
    optimizer (`accumulate`).

    Args:
        words: the chain, checked: one word with a rate, every word in its place.
        seed: where random numbers start from.
        chosen: the weights of the layers that words of the chain name.
    """

    def __init__(
        self, words: Sequence[ChainWord], *, seed: int = 0, chosen: Mapping[str, Sequence[Path]] | None = None
    ) -> None:
        self.words, self.seed, self.chosen = tuple(words), seed, chosen or {}

    @property
    def answers(self) -> bool:
        """The net answers with other weights than those that are trained."""
        return any(word.answers for word in self.words)

    @property
    def most_skipped(self) -> int | None:
        """How many steps in a row may be left out because they are not finite; None: not one."""
        return next((word.most for word in self.words if isinstance(word, SkipNonfinite)), None)

    def init(self, params: Any) -> Any:
        """What it remembers, before the first step."""
        return strong(self._built(1.0).init(params))

    def update(
        self,
        gradient: Any,
        state: Any,
        params: Any,
        *,
        factor: Any = 1.0,
        value: Any = 0.0,
        examples: int = 1,
        closes: Any = False,
    ) -> tuple[Any, Any]:
        """What is to be added to the weights, and what is remembered.

        Args:
            gradient: of the loss, a tree as `params`.
            state: what `init` or the last step gave.
            params: the weights.
            factor: what the schedule multiplies the rate by at this step.
            value: the loss.
            examples: the size of the batch.
            closes: the step is the last one of an epoch.
        """
        built = self._built(factor)
        updates, after = built.update(gradient, state, params, value=value, examples=examples, closes=closes)
        return updates, jax.tree.map(typed_as, after, state)

    def answering(self, state: Any, params: Any) -> Any:
        """The weights with which the net answers: those of the last word that keeps its own, or `params`."""
        kinds = (Averaged, contrib.ScheduleFreeState)
        leaves = jax.tree.leaves(state, is_leaf=lambda part: isinstance(part, kinds))
        found = [leaf for leaf in leaves if isinstance(leaf, kinds)]
        if not found:
            return params
        last = found[-1]
        return last.weights if isinstance(last, Averaged) else contrib.schedule_free_eval_params(last, params)

    def _built(self, factor: Any) -> Any:
        rated = next(i for i, word in enumerate(self.words) if word.has_rate)
        rate = self.words[rated].rate * factor  # type: ignore[attr-defined]  # words with a rate have it
        around = [Around(rate, factor, self.seed, i, i > rated, self.chosen) for i in range(len(self.words))]
        first = next((i for i, word in enumerate(self.words) if word.place == "last"), len(self.words))
        pairs = list(zip(self.words, around, strict=True))
        return optax.with_extra_args_support(_joined(pairs[:first], pairs[first:]))


Pairs = Sequence[tuple[ChainWord, Around]]


def _joined(words: Pairs, last: Pairs) -> Any:
    """The words, and behind them those that keep weights of their own."""
    parts: list[Any] = []
    for index, (word, around) in enumerate(words):
        if isinstance(word, Wrapper):
            rest = words[index + 1 :]
            if word.wraps_all:
                return optax.chain(*parts, word.wrap(_joined(rest, last), around))
            return optax.chain(*parts, word.wrap(_joined(rest, ()), around), *_links(last))
        parts += _links([(word, around)])
    return optax.chain(*parts, *_links(last))


def _links(words: Pairs) -> list[Any]:
    return [word.build_around(around) for word, around in words if isinstance(word, Link)]


def build_optimizer(
    chain: Sequence[ChainWord], *, seed: int = 0, chosen: Mapping[str, Sequence[Path]] | None = None
) -> OptimizerChain:
    """The words of a chain as one optimizer; see `OptimizerChain`."""
    return OptimizerChain(chain, seed=seed, chosen=chosen)
