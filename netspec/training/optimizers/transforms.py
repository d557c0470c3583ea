"""Words of a chain without a learning rate: they transform gradients before the optimizer, or steps after it."""

from __future__ import annotations

from typing import Any

from netspec.language.kinds import Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.optimizers.base import POSITIVE, ChainContext, Link, Optimizer, Rate, optimizer
from netspec.training.optimizers.layer_selection import LayerNames
from netspec.training.optimizers.optax_base import OPTIONS, kernels_only

contrib = lazy("optax.contrib")
jax = lazy("jax")
optax = lazy("optax")


@optimizer("clip")
class Clip(Optimizer):
    """Scales the gradient of all weights down to a global norm of at most `norm`, keeping its direction.

    Example: train { optimizer = clip(1.0) -> adam }
    Reference: Pascanu, Mikolov and Bengio 2012, arXiv:1211.5063.
    """

    aliases = ("clip_by_global_norm", "clip_grad_norm_", "clipnorm", "global_clipnorm", "gradient_clip_val")

    norm: float = option(POSITIVE, "the largest global norm", position=0, aliases=("max_norm",))

    def build(self, rate: Rate) -> Any:
        return optax.clip_by_global_norm(self.norm)


@optimizer("clip_value")
class ClipValue(Optimizer):
    """Clips each number of the gradient to between -limit and limit.

    Example: train { optimizer = clip_value(0.5) -> adam }
    """

    aliases = ("clip_grad_value_", "clipvalue")

    limit: float = option(POSITIVE, "the largest absolute value", position=0, aliases=("max_delta", "clip_value"))

    def build(self, rate: Rate) -> Any:
        return optax.clip(self.limit)


@optimizer("agc")
class Agc(Optimizer):
    """Adaptive gradient clipping: for each unit, gradients of at most `clipping` times the norm of its weights.

    Example: train { optimizer = agc(0.01) -> sgd(0.1, momentum = 0.9) }
    Reference: Brock et al. 2021, arXiv:2102.06171.
    """

    aliases = ("adaptive_grad_clip",)

    clipping: float = option(
        POSITIVE, "the norm of the gradient relative to that of the weights", default=0.01, position=0
    )
    epsilon: float = option(POSITIVE, "weights count as having at least this norm", default=1e-3, aliases=("eps",))

    def build(self, rate: Rate) -> Any:
        return optax.adaptive_grad_clip(self.clipping, self.epsilon)


@optimizer("centralize")
class Centralize(Optimizer):
    """Subtracts the mean from the gradients of each unit, for weights with two axes or more.

    Units are the last axis of a kernel here, the first one in Optax' `centralize`.

    Example: train { optimizer = centralize -> adam }
    Reference: Yong et al. 2020, arXiv:2004.01461.
    """

    def build(self, rate: Rate) -> Any:
        def centered(gradient: Any) -> Any:
            axes = tuple(range(gradient.ndim - 1))
            return gradient - gradient.mean(axes, keepdims=True) if axes else gradient

        return optax.stateless(lambda gradients, params: jax.tree.map(centered, gradients))


@optimizer("normalize")
class Normalize(Optimizer):
    """Scales the gradient of all weights to a global norm of 1.

    Example: train { optimizer = normalize -> sgd(0.1) }
    Reference: Hazan, Levy and Shalev-Shwartz 2015, arXiv:1507.02030.
    """

    def build(self, rate: Rate) -> Any:
        return contrib.normalize()


@optimizer("noise")
class Noise(Link):
    """Adds noise to the gradient that shrinks from step to step, with a variance of `eta / t^gamma`.

    Example: train { optimizer = noise(0.01) -> adam }
    Reference: Neelakantan et al. 2015, arXiv:1511.06807.
    """

    aliases = ("add_noise",)

    eta: float = option(Number(0), "the variance in the first step", default=0.01, position=0)
    gamma: float = option(Number(0), "how fast it shrinks", default=0.55, position=1)

    def build_in(self, context: ChainContext) -> Any:
        return optax.add_noise(self.eta, self.gamma, key=context.key)


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
