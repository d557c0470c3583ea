"""Words that maintain averages of the weights, which evaluation and prediction use."""

from __future__ import annotations

from typing import Any, NamedTuple

from netspec.language.kinds import Count, Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.optimizers.base import FRACTION, ChainContext, Link, optimizer

jax = lazy("jax")
jnp = lazy("jax.numpy")
optax = lazy("optax")


class Averaged(NamedTuple):
    """The averaged weights, and how many steps they have seen."""

    weights: Any
    steps: Any


@optimizer("ema")
class Ema(Link):
    """Maintains a moving average of the weights; evaluation uses the average, and it is what is saved.

    The average is bias-corrected like Adam's means: after one step it equals the weights, later it covers about
    1 / (1 - decay) steps. Training itself is not affected; running statistics of batchnorms are not averaged.

    Formula: mean += (1 - decay) / (1 - decay^t) * (weights - mean)
    Example: train { optimizer = adam(1e-3) -> ema(0.99) }
    Reference: Polyak and Juditsky 1992, Acceleration of stochastic approximation by averaging.
    """

    place = "last"
    has_eval_weights = True
    aliases = ("AveragedModel", "swa", "polyak_averaging", "ExponentialMovingAverage")

    decay: float = option(
        FRACTION, "how much of the average is kept at each step", default=0.999, position=0, aliases=("momentum",)
    )

    def build_in(self, context: ChainContext) -> Any:
        def update(updates: Any, state: Averaged, params: Any) -> tuple[Any, Averaged]:
            count = state.steps + 1
            fraction = (1 - self.decay) / (1 - self.decay**count)
            new = optax.apply_updates(params, updates)
            mean = jax.tree.map(lambda e, w: (e + fraction * (w - e)).astype(e.dtype), state.weights, new)
            return updates, Averaged(mean, count)

        return optax.GradientTransformation(lambda params: Averaged(params, jnp.int32(0)), update)


@optimizer("lookahead")
class Lookahead(Link):
    """Every few steps moves slow weights part of the way to the fast ones, and continues from there.

    Evaluation uses the slow weights, and they are what is saved.

    Example: train { optimizer = adam(1e-3) -> lookahead(5, 0.5) }
    Reference: Zhang et al. 2019, arXiv:1907.08610.
    """

    place = "last"
    has_eval_weights = True

    steps: int = option(
        Count(),
        "steps between two updates of the slow weights",
        default=5,
        position=0,
        aliases=("sync_period", "k"),
    )
    slow: float = option(
        Number(0, 1, open_low=True),
        "how far the slow weights move towards the fast ones",
        default=0.5,
        position=1,
        aliases=("slow_step_size", "alpha"),
    )

    def build_in(self, context: ChainContext) -> Any:
        def update(updates: Any, state: Averaged, params: Any) -> tuple[Any, Averaged]:
            count = state.steps + 1
            is_time = count % self.steps == 0
            new = optax.apply_updates(params, updates)
            slow = jax.tree.map(lambda s, w: jnp.where(is_time, s + self.slow * (w - s), s), state.weights, new)
            updates = jax.tree.map(lambda u, s, p: jnp.where(is_time, s - p, u), updates, slow, params)
            return updates, Averaged(slow, count)

        return optax.GradientTransformation(lambda params: Averaged(params, jnp.int32(0)), update)
