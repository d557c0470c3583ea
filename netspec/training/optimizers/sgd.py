"""Gradient descent and what follows from it by small changes: momentum, signs, noise, steps as long as weights."""

from __future__ import annotations

from typing import Any, NamedTuple

from netspec.language.kinds import Choice, Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.optimizers.base import FRACTION, POSITIVE, Around, optimizer
from netspec.training.optimizers.optax_base import (
    Masked,
    OptaxWord,
    Seeded,
    decay_option,
    epsilon_option,
    kernels_only,
    momentum_option,
    nesterov_option,
    rate_option,
)

jax = lazy("jax")
jnp = lazy("jax.numpy")
optax = lazy("optax")


@optimizer("sgd")
class Sgd(OptaxWord):
    """Steps against the gradient; with `momentum`, against a running sum of gradients.

    Example: train { optimizer = sgd(0.1, momentum = 0.9) }
    Reference: Robbins and Monro 1951; Sutskever et al. 2013, On the importance of initialization and momentum.
    """

    rate: float = rate_option(0.01)
    momentum: float = momentum_option(0.0, position=1)
    nesterov: bool = nesterov_option()

    def arguments(self) -> dict[str, Any]:
        return {"momentum": self.momentum or None, "nesterov": self.nesterov}


@optimizer("noisy_sgd")
class NoisySgd(Seeded):
    """Steps against the gradient, to which random numbers are added that become smaller with the steps.

    The variance of the noise is `eta / t^gamma` at step t. With other optimizers write `noise -> adam`.

    Example: train { optimizer = noisy_sgd(0.01) }
    Reference: Neelakantan et al. 2015, arXiv:1511.06807.
    """

    rate: float = rate_option(0.01)
    eta: float = option(Number(0), "the variance of the noise in the first step", default=0.01)
    gamma: float = option(Number(0), "how fast the noise becomes smaller", default=0.55)


@optimizer("sign_sgd")
class SignSgd(OptaxWord):
    """Steps of the same length for every weight, against the sign of its gradient.

    Example: train { optimizer = sign_sgd(1e-3) }
    Reference: Bernstein et al. 2018, arXiv:1802.04434.
    """

    rate: float = rate_option(1e-3)


@optimizer("signum")
class Signum(OptaxWord):
    """Steps of the same length for every weight, against the sign of its mean gradient.

    Example: train { optimizer = signum(1e-3) }
    Reference: Bernstein et al. 2018, arXiv:1802.04434.
    """

    rate: float = rate_option(1e-3)
    beta: float = option(FRACTION, "how much of the mean gradient is kept at each step", default=0.9)


@optimizer("optimistic_gradient_descent")
class OptimisticGradientDescent(OptaxWord):
    """Steps against the gradient, and once more by what it has changed since the last step.

    Example: train { optimizer = optimistic_gradient_descent(0.05) }
    Reference: Mokhtari, Ozdaglar and Pattathil 2020, arXiv:1901.08511.
    """

    rate: float = rate_option(0.01)
    alpha: float = option(Number(), "the weight of the gradient", default=1.0)
    beta: float = option(Number(), "the weight of its change", default=1.0)


class Lengths(NamedTuple):
    """What `rprop` keeps of each weight: the length of its steps, and the sign of its gradient; 0 after a change."""

    lengths: Any
    signs: Any


@optimizer("rprop")
class Rprop(OptaxWord):
    """Steps of a length of its own for each weight, which grows while the sign of the gradient stays.

    For batches of the whole data: with small ones signs change by chance. `rate` is the length of the first step.

    Example: train { optimizer = rprop(0.01) }
    Reference: Riedmiller and Braun 1993, A direct adaptive method for faster backpropagation learning.
    """

    rate: float = rate_option(0.01, "the length of the first steps; the schedule multiplies all of them")
    eta_minus: float = option(
        Number(0, 1, open_low=True), "the factor when the sign changes", default=0.5, aliases=("etaminus",)
    )
    eta_plus: float = option(Number(1), "the factor when the sign stays", default=1.2, aliases=("etaplus",))
    min_step_size: float = option(POSITIVE, "the shortest step", default=1e-6)
    max_step_size: float = option(POSITIVE, "the longest step", default=50.0)

    def build_around(self, around: Around) -> Any:
        """Steps of its own: those of Optax come one step late, and follow no schedule."""

        def begin(params: Any) -> Lengths:
            lengths = jax.tree.map(lambda weight: jnp.full_like(weight, self.rate), params)
            return Lengths(lengths, jax.tree.map(jnp.zeros_like, params))

        def longer(length: Any, sign: Any, before: Any) -> Any:
            same = sign * before
            factor = jnp.where(same > 0, self.eta_plus, jnp.where(same < 0, self.eta_minus, 1.0))
            return jnp.clip(length * factor, self.min_step_size, self.max_step_size)

        def update(gradient: Any, state: Lengths, params: Any) -> tuple[Any, Lengths]:
            signs = jax.tree.map(jnp.sign, gradient)
            lengths = jax.tree.map(longer, state.lengths, signs, state.signs)
            signs = jax.tree.map(lambda sign, before: jnp.where(sign * before < 0, 0.0, sign), signs, state.signs)
            steps = jax.tree.map(lambda length, sign: -around.factor * length * sign, lengths, signs)
            return steps, Lengths(lengths, signs)

        return optax.GradientTransformation(begin, update)


@optimizer("lars")
class Lars(Masked):
    """SGD for very large batches: every layer's step is as long as its weights allow.

    Example: train { optimizer = lars(1.0, decay = 1e-4) }
    Reference: You, Gitman and Ginsburg 2017, arXiv:1708.03888.
    """

    mask = "weight_decay_mask"

    rate: float = rate_option(1.0)
    decay: float = decay_option(0.0, position=1)
    momentum: float = momentum_option(0.9)
    nesterov: bool = nesterov_option()
    trust_coefficient: float = option(POSITIVE, "the length of a step beside that of the weights", default=0.001)
    epsilon: float = epsilon_option(0.0, "added to the length of the gradient")
    trust_on: str = option(
        Choice(("kernels", "all")),
        "which weights have steps as long as they allow; the others have those of SGD",
        default="all",
        aliases=("trust_ratio_mask",),
    )

    def arguments(self) -> dict[str, Any]:
        found = super().arguments()
        trusted = found.pop("trust_on") == "kernels"
        return {**found, "trust_ratio_mask": kernels_only if trusted else True}


@optimizer("fromage")
class Fromage(OptaxWord):
    """Steps as long as the weights themselves times the rate, which is then all that there is to choose.

    Example: train { optimizer = fromage(0.01) }
    Reference: Bernstein et al. 2020, arXiv:2002.03432.
    """

    rate: float = rate_option(0.01)
    min_norm: float = option(POSITIVE, "weights and gradients count as at least this long", default=1e-6)


@optimizer("polyak_sgd")
class PolyakSgd(OptaxWord):
    """Steps against the gradient, as long as the loss is above its smallest value.

    For nets that can bring the loss (nearly) to `f_min`.

    Formula: min((loss - f_min) / (|g|^2 + epsilon), max_learning_rate) * rate * g
    Example: train { optimizer = polyak_sgd }
    Reference: Loizou et al. 2021, arXiv:2002.10542.
    """

    names = {"rate": "scaling"}

    rate: float = rate_option(1.0, "what every step is multiplied by, before the schedule")
    max_learning_rate: float = option(POSITIVE, "the greatest rate", default=1.0)
    f_min: float = option(Number(), "the smallest value of the loss", default=0.0)
    epsilon: float = epsilon_option(0.0, "added to the squared length of the gradient")
    variant: str = option(
        Choice(("sps", "sps_plus")), "`sps_plus` takes no step where the loss is below `f_min`", default="sps"
    )

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "variant": self.variant.replace("_plus", "+")}
