"""From the words of a chain to one optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netspec.language.lazy import lazy
from netspec.training.optimizers.base import ChainContext, ChainWord, Link, Path, Wrapper, strong, typed_as
from netspec.training.optimizers.transforms import Averaged
from netspec.training.optimizers.wrappers import SkipNonfinite

contrib = lazy("optax.contrib")
jax = lazy("jax")
optax = lazy("optax")


class OptimizerChain:
    """The words of a chain as one optimizer.

    The learning rate is passed in at every step, since it follows the steps of the run, which are not always those of
    the optimizer (`accumulate`).

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
    def has_eval_weights(self) -> bool:
        """Evaluation uses other weights than those that are trained."""
        return any(word.has_eval_weights for word in self.words)

    @property
    def max_skipped(self) -> int | None:
        """How many non-finite steps in a row may be skipped; None: none."""
        return next((word.most for word in self.words if isinstance(word, SkipNonfinite)), None)

    def init(self, params: Any) -> Any:
        """The state before the first step."""
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
        """The updates to add to the weights, and the new state.

        Args:
            gradient: of the loss, a tree as `params`.
            state: from `init` or the last step.
            params: the weights.
            factor: the factor of the schedule at this step.
            value: the loss.
            examples: the size of the batch.
            closes: the step is the last one of an epoch.
        """
        built = self._built(factor)
        updates, after = built.update(gradient, state, params, value=value, examples=examples, closes=closes)
        return updates, jax.tree.map(typed_as, after, state)

    def eval_weights(self, state: Any, params: Any) -> Any:
        """The weights for evaluation: those of the last word that maintains its own, or `params`."""
        kinds = (Averaged, contrib.ScheduleFreeState)
        leaves = jax.tree.leaves(state, is_leaf=lambda part: isinstance(part, kinds))
        last = next((leaf for leaf in reversed(leaves) if isinstance(leaf, kinds)), None)
        if last is None:
            return params
        return last.weights if isinstance(last, Averaged) else contrib.schedule_free_eval_params(last, params)

    def _built(self, factor: Any) -> Any:
        rated = next(i for i, word in enumerate(self.words) if word.has_rate)
        rate = self.words[rated].rate * factor  # type: ignore[attr-defined]  # words with a rate have it
        context = [ChainContext(rate, factor, self.seed, i, i > rated, self.chosen) for i in range(len(self.words))]
        first = next((i for i, word in enumerate(self.words) if word.place == "last"), len(self.words))
        pairs = list(zip(self.words, context, strict=True))
        return optax.with_extra_args_support(_joined(pairs[:first], pairs[first:]))


Pairs = Sequence[tuple[ChainWord, ChainContext]]


def _joined(words: Pairs, last: Pairs) -> Any:
    """The words, followed by those with evaluation weights."""
    parts: list[Any] = []
    for index, (word, context) in enumerate(words):
        if isinstance(word, Wrapper):
            rest = words[index + 1 :]
            if word.wraps_all:
                return optax.chain(*parts, word.wrap(_joined(rest, last), context))
            return optax.chain(*parts, word.wrap(_joined(rest, ()), context), *_links(last))
        parts += _links([(word, context)])
    return optax.chain(*parts, *_links(last))


def _links(words: Pairs) -> list[Any]:
    return [word.build_in(context) for word, context in words if isinstance(word, Link)]
