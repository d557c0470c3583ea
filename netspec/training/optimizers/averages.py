"""Words that keep weights of their own beside those that are trained; the net answers with theirs."""

from __future__ import annotations

from typing import Any, NamedTuple

from netspec.language.kinds import Count, Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.optimizers.base import FRACTION, Around, Link, optimizer

jax = lazy("jax")
jnp = lazy("jax.numpy")
optax = lazy("optax")


class Averaged(NamedTuple):
    """The weights that answer, and how many steps they have seen."""

    weights: Any
    steps: Any


@optimizer("ema")
class Ema(Link):
    """Keeps a mean of the weights over the last steps; what is measured and kept is the mean.

    The mean forgets the first weights as Adam's means do: after one step it is the weights, and it is over about
    1 / (1 - decay) steps later. Training itself does not notice it; running means of batchnorms are not averaged.

    Formula: mean += (1 - decay) / (1 - decay^t) * (weights - mean)
    Example: train { optimizer = adam(1e-3) -> ema(0.99) }
    Reference: Polyak and Juditsky 1992, Acceleration of stochastic approximation by averaging.
    """

    place = "last"
    answers = True
    aliases = ("AveragedModel", "swa", "polyak_averaging", "ExponentialMovingAverage")

    decay: float = option(
        FRACTION, "how much of the mean is kept at each step", default=0.999, position=0, aliases=("momentum",)
    )

    def build_around(self, around: Around) -> Any:
        def update(updates: Any, state: Averaged, params: Any) -> tuple[Any, Averaged]:
            count = state.steps + 1
            share = (1 - self.decay) / (1 - self.decay**count)
            new = optax.apply_updates(params, updates)
            mean = jax.tree.map(lambda e, w: (e + share * (w - e)).astype(e.dtype), state.weights, new)
            return updates, Averaged(mean, count)

        return optax.GradientTransformation(lambda params: Averaged(params, jnp.int32(0)), update)


@optimizer("lookahead")
class Lookahead(Link):
    """Every few steps goes only part of the way that the optimizer has gone, and on from there.

    What is measured and kept are the weights at these places, the slow ones.

    Example: train { optimizer = adam(1e-3) -> lookahead(5, 0.5) }
    Reference: Zhang et al. 2019, arXiv:1907.08610.
    """

    place = "last"
    answers = True

    steps: int = option(
        Count(), "how many steps the optimizer goes ahead", default=5, position=0, aliases=("sync_period", "k")
    )
    slow: float = option(
        Number(0, 1, open_low=True),
        "the part of the way that is kept",
        default=0.5,
        position=1,
        aliases=("slow_step_size", "alpha"),
    )

    def build_around(self, around: Around) -> Any:
        def update(updates: Any, state: Averaged, params: Any) -> tuple[Any, Averaged]:
            count = state.steps + 1
            is_time = count % self.steps == 0
            new = optax.apply_updates(params, updates)
            slow = jax.tree.map(lambda s, w: jnp.where(is_time, s + self.slow * (w - s), s), state.weights, new)
            updates = jax.tree.map(lambda u, s, p: jnp.where(is_time, s - p, u), updates, slow, params)
            return updates, Averaged(slow, count)

        return optax.GradientTransformation(lambda params: Averaged(params, jnp.int32(0)), update)
