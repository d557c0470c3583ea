"""Words that stand for the function of Optax with the same name.

The options of such a word are the arguments of the function. Four are called here as everywhere in the language: `rate`
(in Optax `learning_rate`), `epsilon` and `epsilon_root` (`eps`, `eps_root`) and `decay` (`weight_decay`); and the mask
of the weight decay is the option `on`. test_optax_words.py compares the two sides, so that an argument or an optimizer
that Optax adds is noticed.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

from netspec.language.kinds import Choice, Count, Flag, Number
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.optimizers.base import FRACTION, POSITIVE, ChainContext, Optimizer, Rate
from netspec.training.table import table_word

jax = lazy("jax")
jnp = lazy("jax.numpy")
optax = lazy("optax")

NAMES = {
    "rate": "learning_rate",
    "epsilon": "eps",
    "epsilon_root": "eps_root",
    "decay": "weight_decay",
    "on": "mask",
    "trust_on": "trust_ratio_mask",
}
"""What an option is called in Optax where it is not the same."""

NOT_DECAYING = ("bias", "scale")
"""Weights of these names do not decay, whatever their axes: the biases of attention have two."""


class OptaxWord(Optimizer, ABC):
    """Base of every word that stands for a function of Optax."""

    has_rate = True

    home: ClassVar[str] = "optax"
    """The module that has the function."""

    names: ClassVar[Mapping[str, str]] = {}
    """What options of this word are called in Optax, where that differs from `NAMES`."""

    zero_is_none: ClassVar[Collection[str]] = ()
    """Options whose 0 Optax calls None."""

    joined: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """Arguments that are made of two options."""

    @classmethod
    def argument(cls, name: str) -> str:
        """What an option is called in Optax."""
        return {**NAMES, **cls.names}.get(name, name)

    def arguments(self) -> dict[str, Any]:
        """The arguments of the function, without the rate."""
        given = {o.name: getattr(self, o.field) for o in self.options() if o.name != "rate"}
        for name in given.keys() & ARGUMENTS.keys():
            given[name] = ARGUMENTS[name][given[name]]
        given |= {name: None for name in self.zero_is_none if not given[name]}
        together = {argument: tuple(given.pop(name) for name in pair) for argument, pair in self.joined.items()}
        return {self.argument(name): value for name, value in (given | together).items()}

    def build(self, rate: Rate) -> Any:
        # A number, not a schedule: some of the functions take no schedule, and Optax would count steps once more.
        return self.function(**{self.argument("rate"): rate(0)}, **self.arguments())

    @property
    def function(self) -> Any:
        return getattr(import_module(self.home), self.word)


class Seeded(OptaxWord, ABC):
    """Base of those that draw random numbers."""

    def build_in(self, context: ChainContext) -> Any:
        return self.function(**{self.argument("rate"): context.rate}, **self.arguments(), key=context.key)


class Lengths(NamedTuple):
    """What `rprop` keeps of each weight: the length of its steps, and the sign of its gradient; 0 after a change."""

    lengths: Any
    signs: Any


class RpropWord(OptaxWord):
    """What `rprop` does; its options are in the table."""

    rate: float
    eta_minus: float
    eta_plus: float
    min_step_size: float
    max_step_size: float

    def build_in(self, context: ChainContext) -> Any:
        """Not the steps of Optax, which come one step late and follow no schedule."""

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
            steps = jax.tree.map(lambda length, sign: -context.factor * length * sign, lengths, signs)
            return steps, Lengths(lengths, signs)

        return optax.GradientTransformation(begin, update)


def kernels_only(params: Any) -> Any:
    """A tree of truth values: which weights decay. Biases and the scales of norms do not, kernels and tables do."""

    def decays(path: Any, weight: Any) -> bool:
        name = str(getattr(path[-1], "key", "")) if path else ""
        return weight.ndim >= 2 and not name.endswith(NOT_DECAYING)

    return jax.tree_util.tree_map_with_path(decays, params)


ARGUMENTS: dict[str, dict[str, Any]] = {
    "on": {"kernels": kernels_only, "all": None},
    "trust_on": {"kernels": kernels_only, "all": True},
    "variant": {"sps": "sps", "sps_plus": "sps+"},
}
"""What Optax takes for a choice."""


def mean(of: str) -> str:
    """What an option does that says how fast a mean forgets."""
    return f"exponential decay rate of the mean {of}"


OF_ALL = "the weight decay of all weights, including biases and the scales of norms"
ADDED = "multiplied by the weights and added to the gradient"
CLOSENESS = option(Number(0, 1, open_low=True, open_high=True), "how close to the mean gradients are computed")
FLAG = Flag()

OPTIONS = {
    "rate": option(POSITIVE, "the learning rate, before the schedule", aliases=("lr", "learning_rate")),
    "decay": option(Number(0), "the weight decay", aliases=("weight_decay", "wd")),
    "beta3": option(FRACTION, "decay rate of the sums that estimate the learning rate (none: the square root of `b2`)"),
    "estim_lr_coef": option(POSITIVE, "multiplies the learning rate that is found"),
    "safeguard_warmup": option(FLAG, "leave the schedule out of the estimate, for a warmup"),
    "estim_lr0": option(POSITIVE, "the learning rate that the search starts from", aliases=("d0",)),
    "b1": option(FRACTION, mean("gradient"), aliases=("beta1", "beta_1")),
    "b2": option(FRACTION, mean("squared gradient"), aliases=("beta2", "beta_2")),
    "epsilon": option(Number(0), "added to the root to avoid division by zero", aliases=("eps",)),
    "begin": option(Choice(("heuristic", "distance", "learning_rate")), "what `begin_at` is", aliases=("init_step",)),
    "begin_at": option(POSITIVE, "the first distance or rate; with `heuristic`, a fraction of the norm of the weights"),
    "on": option(
        Choice(("kernels", "all")),
        "which weights decay: kernels and tables only, or all, including biases and the scales of norms",
        aliases=("mask", "weight_decay_mask"),
    ),
    "init_estim_sq_dist": option(POSITIVE, "the first guess of the squared distance (none: `epsilon`)"),
    "lower_bound": option(Number(), "the smallest value that the loss can take"),
    "adapt_lower_bound": option(FLAG, "estimate that value while training"),
    "weight_lr_power": option(Number(0), "the power of the learning rate by which steps are weighted in the mean"),
    "nesterov": option(FLAG, "look ahead along the momentum (Nesterov)"),
    "ns_steps": option(Count(), "the Newton-Schulz iterations that orthogonalize a step"),
    "ns_coeffs": option(Choice(("standard", "dion")), "the coefficients of these iterations"),
    "preconditioning": option(
        Choice(("frobenius", "spectral", "aol", "schatten")), "how a matrix is scaled before these iterations"
    ),
    "adaptive": option(FLAG, "multiply the step by the magnitude of the momentum"),
    "consistent_rms": option(
        POSITIVE, "the root mean square of the steps of every matrix (none: derived from its shape)"
    ),
    "adam_rate": option(POSITIVE, "the rate of AdamW (none: `rate`)", aliases=("adam_lr", "adam_learning_rate")),
    "adam_b1": option(FRACTION, mean("gradient")),
    "adam_b2": option(FRACTION, mean("squared gradient")),
    "adam_epsilon_root": option(
        Number(0), "added under the root; needed to differentiate through the steps", aliases=("eps_root",)
    ),
    "adam_decay": option(
        Number(0), "the weight decay of AdamW, including biases and the scales of norms", aliases=("weight_decay", "wd")
    ),
    "rank": option(Count(), "the rank of the projection"),
    "update_proj_gap": option(Count(), "steps between two computations of the projection"),
    "scale": option(POSITIVE, "multiplies the steps of matrices"),
    "momentum": option(FRACTION, "how much of the running sum is kept at each step"),
    "b3": option(FRACTION, mean("gradient in the slow mean")),
    "epsilon_root": option(
        Number(0), "added under the root; needed to differentiate through the steps", aliases=("eps_root",)
    ),
    "use_clipping": option(FLAG, "clip the divided gradient at the fourth root of the step number"),
    "bias_correction_mu": option(FLAG, "correct the first mean for starting at zero"),
    "bias_correction_nu": option(FLAG, "correct the second mean for starting at zero"),
    "threshold": option(POSITIVE, "how long the average must be before it is divided by"),
    "centered": option(FLAG, "divide by the standard deviation of the gradient instead"),
    "epsilon_in_root": option(FLAG, "add epsilon under the root instead of to it", aliases=("eps_in_sqrt",)),
    "initial_scale": option(Number(0), "the mean squared gradient before the first step"),
    "bias_correction": option(FLAG, "correct the mean for starting at zero"),
    "initial_accumulator_value": option(Number(0), "the sum before the first step"),
    "rho": option(FRACTION, "exponential decay rate of both means"),
    "decay_rate": option(FRACTION, "how fast the mean extends over more and more steps"),
    "decay_offset": option(Count(0), "the steps that do not count for `decay_rate`"),
    "factored": option(FLAG, "keep means of rows and columns only"),
    "min_dim_size_to_factor": option(Count(), "matrices with a smaller side are not factored"),
    "multiply_by_parameter_scale": option(FLAG, "multiply the steps of a weight by its root mean square"),
    "clipping_threshold": option(POSITIVE, "the largest root mean square of the step of a weight"),
    "eta": option(Number(0), "the variance of the noise in the first step"),
    "gamma": option(Number(0), "how fast the noise shrinks"),
    "eta_minus": option(Number(0, 1, open_low=True), "the factor when the sign changes", aliases=("etaminus",)),
    "eta_plus": option(Number(1), "the factor when the sign stays", aliases=("etaplus",)),
    "min_step_size": option(POSITIVE, "the shortest step"),
    "max_step_size": option(POSITIVE, "the longest step"),
    "trust_coefficient": option(POSITIVE, "the length of a step relative to that of the weights"),
    "trust_on": option(
        Choice(("kernels", "all")),
        "which weights have their steps scaled; the others take those of SGD",
        aliases=("trust_ratio_mask",),
    ),
    "min_norm": option(POSITIVE, "weights and gradients count as at least this long"),
    "max_learning_rate": option(POSITIVE, "the largest learning rate"),
    "f_min": option(Number(), "the smallest value of the loss"),
    "variant": option(Choice(("sps", "sps_plus")), "`sps_plus` takes no step where the loss is below `f_min`"),
    "beta": option(FRACTION, mean("gradient")),
    "alpha": option(Number(), "the weight of the gradient"),
}
"""Every option by its name: what it takes and does where a word of the table does not say otherwise."""


def optax_word(signature: str, summary: str, reference: str, *, base: type[OptaxWord] = OptaxWord, **row: Any) -> Any:
    """Declare the word for a function of Optax: `table_word`, with the word at its default rate as the example.

    `base` is the class with what is special; class attributes are `home`, `names`, `zero_is_none`, `joined`,
    `has_eval_weights` and `aliases`.
    """
    example = signature.replace("rate=", "").replace(")", ",").partition(",")[0] + ")"
    return table_word(base, OPTIONS, signature, summary, reference, **{"example": example} | row)
