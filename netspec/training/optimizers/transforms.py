"""Words of a chain without a learning rate: they transform gradients before the optimizer or steps after it, or
maintain averages of the weights."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from netspec.language.kinds import Count, Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.optimizers.base import FRACTION, POSITIVE, ChainContext, Link, Optimizer, Rate, optimizer
from netspec.training.optimizers.layer_selection import LayerNames
from netspec.training.optimizers.optax_base import OPTIONS, kernels_only
from netspec.training.table import table_word

contrib = lazy("optax.contrib")
jax = lazy("jax")
jnp = lazy("jax.numpy")
optax = lazy("optax")


transform = partial(table_word, Optimizer, OPTIONS)

Clip = transform(
    "clip(norm)",
    "Scales the gradient of all weights down to a global norm of at most `norm`, keeping its direction.",
    "Pascanu, Mikolov and Bengio 2012, arXiv:1211.5063.",
    example="clip(1.0) -> adam",
    is_of_gradient=True,
    options={"norm": option(POSITIVE, "the largest global norm", aliases=("max_norm",))},
    aliases=(
        "clip_by_global_norm",
        "clip_grad_norm_",
        "clipnorm",
        "global_clipnorm",
        "gradient_clip_val",
        "gradient_clipping",
        "max_grad_norm",
    ),
    build=lambda self, rate: optax.clip_by_global_norm(self.norm),
)
ClipValue = transform(
    "clip_value(limit)",
    "Clips each number of the gradient to between -limit and limit.",
    example="clip_value(0.5) -> adam",
    is_of_gradient=True,
    options={"limit": option(POSITIVE, "the largest absolute value", aliases=("max_delta", "clip_value"))},
    aliases=("clip_grad_value_", "clipvalue"),
    build=lambda self, rate: optax.clip(self.limit),
)
Agc = transform(
    "agc(clipping=0.01, *, epsilon=1e-3)",
    "Adaptive gradient clipping: for each unit, gradients of at most `clipping` times the norm of its weights.",
    "Brock et al. 2021, arXiv:2102.06171.",
    example="agc(0.01) -> sgd(0.1, momentum = 0.9)",
    is_of_gradient=True,
    options={
        "clipping": option(POSITIVE, "the norm of the gradient relative to that of the weights"),
        "epsilon": option(POSITIVE, "weights count as having at least this norm", aliases=("eps",)),
    },
    aliases=("adaptive_grad_clip",),
    build=lambda self, rate: optax.adaptive_grad_clip(self.clipping, self.epsilon),
)
Normalize = transform(
    "normalize",
    "Scales the gradient of all weights to a global norm of 1.",
    "Hazan, Levy and Shalev-Shwartz 2015, arXiv:1507.02030.",
    example="normalize -> sgd(0.1)",
    is_of_gradient=True,
    build=lambda self, rate: contrib.normalize(),
)


def centralize(self: Any, rate: Rate) -> Any:
    def centered(gradient: Any) -> Any:
        axes = tuple(range(gradient.ndim - 1))
        return gradient - gradient.mean(axes, keepdims=True) if axes else gradient

    return optax.stateless(lambda gradients, params: jax.tree.map(centered, gradients))


Centralize = transform(
    "centralize",
    "Subtracts the mean from the gradients of each unit, for weights with two axes or more.",
    "Yong et al. 2020, arXiv:2004.01461.",
    example="centralize -> adam",
    is_of_gradient=True,
    details="Units are the last axis of a kernel here, the first one in Optax' `centralize`.",
    build=centralize,
)
Noise = table_word(
    Link,
    OPTIONS,
    "noise(eta=0.01, gamma=0.55)",
    "Adds noise to the gradient that shrinks from step to step, with a variance of `eta / t^gamma`.",
    "Neelakantan et al. 2015, arXiv:1511.06807.",
    example="noise(0.01) -> adam",
    is_of_gradient=True,
    options={"eta": "the variance in the first step", "gamma": "how fast it shrinks"},
    aliases=("add_noise",),
    build_in=lambda self, context: optax.add_noise(self.eta, self.gamma, key=context.key),
)


@optimizer("weight_decay")
class WeightDecay(Link):
    """Shrinks the kernels at each step, with any optimizer.

    After the optimizer, weights shrink by `rate * decay`, decoupled from the gradient as in AdamW. Before it, `decay`
    times the weights is added to the gradient, as in PyTorch's SGD: an optimizer that divides by the size of gradients
    then divides this too. Biases and the scales of norms are not decayed.

    Example: train { optimizer = sgd(0.1, momentum = 0.9) -> weight_decay(5e-4) }
    Reference: Loshchilov and Hutter 2017, arXiv:1711.05101.
    """

    aliases = ("add_decayed_weights",)

    decay: float = option(Number(0), "how much", position=0, aliases=("weight_decay", "rate"))
    on: str = OPTIONS["on"].replace(default="kernels")

    def build_in(self, context: ChainContext) -> Any:
        amount = -self.decay * context.rate if context.is_after_rate else self.decay
        return optax.add_decayed_weights(amount, kernels_only if self.on == "kernels" else None)


@optimizer("rate_of")
class RateOf(Link):
    """Multiplies the learning rate of some layers, by their names; a block stands for everything in it.

    It comes after the optimizer, and may be used several times. `netspec show` prints the names of the layers.

    Example: train { optimizer = adam(1e-3) -> rate_of("stem", 0.1) }
    Reference: Howard and Ruder 2018, arXiv:1801.06146.
    """

    place = "after"

    names: tuple[str, ...] = option(LayerNames(), "the layers or blocks", position=0)
    factor: float = option(POSITIVE, "multiplies their learning rate", position=1)

    @property
    def layers(self) -> tuple[str, ...]:
        return self.names

    def build_in(self, context: ChainContext) -> Any:
        chosen = {path for name in self.names for path in context.chosen[name]}

        def scale(path: Any, step: Any) -> Any:
            return step * self.factor if tuple(key.key for key in path) in chosen else step

        return optax.stateless(lambda steps, params: jax.tree_util.tree_map_with_path(scale, steps))


# ---------------------------------------------------------------- averages of the weights


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
        Count(), "steps between two updates of the slow weights", default=5, position=0, aliases=("sync_period", "k")
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
