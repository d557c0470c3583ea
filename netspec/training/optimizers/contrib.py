"""The optimizers of `optax.contrib` that work from gradients: those that find their rate themselves, and newer ones."""

from __future__ import annotations

from abc import ABC
from typing import Any

from netspec.language.kinds import Choice, Count, Flag, Number
from netspec.language.word import option
from netspec.training.optimizers.base import FRACTION, POSITIVE, Around, optimizer
from netspec.training.optimizers.optax_base import (
    Masked,
    Moments,
    OptaxWord,
    decay_option,
    epsilon_option,
    mean_option,
    momentum_option,
    nesterov_option,
    rate_option,
    root_option,
)

FINDS = "what the rate that is found is multiplied by, before the schedule"
OF_ALL = "the weight decay of all weights, biases and the scales of norms too"


class Contributed(OptaxWord, ABC):
    """Base of the words for functions of `optax.contrib`."""

    home = "optax.contrib"


# ---------------------------------------------------------------- those that find their rate


class _Distance(Contributed, Moments, ABC):
    """What Prodigy and D-Adaptation have in common."""

    rate: float = rate_option(1.0, FINDS)
    decay: float = decay_option(0.0, position=1, doc=OF_ALL)
    estim_lr0: float = option(POSITIVE, "the rate that the search begins at", default=1e-6, aliases=("d0",))

    def arguments(self) -> dict[str, Any]:
        found = super().arguments()
        betas = found.pop("b1"), found.pop("b2")
        return {**found, "betas": betas}


@optimizer("prodigy")
class Prodigy(_Distance):
    """Adam that finds its rate from how far the weights have come; the rate stays at 1.

    Example: train { optimizer = prodigy }
    Reference: Mishchenko and Defazio 2023, arXiv:2306.06101.
    """

    beta3: float | None = option(
        FRACTION, "how much of the sums for the rate is kept (none: the root of `b2`)", default=None
    )
    estim_lr_coef: float = option(POSITIVE, "what the rate that is found is multiplied by", default=1.0)
    safeguard_warmup: bool = option(Flag(), "leave the schedule out of the search, for a warmup", default=False)


@optimizer("dadapt_adamw")
class DadaptAdamw(_Distance):
    """AdamW that finds its rate from how far the weights have come; the rate stays at 1.

    Example: train { optimizer = dadapt_adamw }
    Reference: Defazio and Mishchenko 2023, arXiv:2301.07733.
    """


@optimizer("dog")
class Dog(Contributed, Masked):
    """SGD that finds its rate: distance from the first weights over the root of the sum of squared gradients.

    Best with the mean of the weights: `dog -> ema`.

    Example: train { optimizer = dog -> ema }
    Reference: Ivgi, Hinder and Carmon 2023, arXiv:2302.12022.
    """

    rate: float = rate_option(1.0, FINDS)
    decay: float = decay_option(0.0, position=1, doc="what is added to the gradient, times the weights")
    begin: str = option(
        Choice(("heuristic", "distance", "learning_rate")), "what `begin_at` is", default="heuristic",
        aliases=("init_step",),
    )  # fmt: skip
    begin_at: float = option(
        POSITIVE, "the first distance or rate; with `heuristic`, a share of the length of the weights", default=1e-6
    )
    epsilon: float = epsilon_option(1e-8, "added to the sum of squared gradients")

    def arguments(self) -> dict[str, Any]:
        found = super().arguments()
        first = found.pop("begin"), found.pop("begin_at")
        return {**found, "init_step": first}


@optimizer("dowg")
class Dowg(Contributed, Masked):
    """As `dog`, with gradients weighted by the distance at which they were found.

    Example: train { optimizer = dowg }
    Reference: Khaled, Mishchenko and Jin 2023, arXiv:2305.16284.
    """

    rate: float = rate_option(1.0, FINDS)
    decay: float = decay_option(0.0, position=1, doc="what is added to the gradient, times the weights")
    init_estim_sq_dist: float | None = option(
        POSITIVE, "the first guess of the squared distance (none: `epsilon`)", default=None
    )
    epsilon: float = epsilon_option(1e-4, "added to the sum of squared gradients")


@optimizer("cocob")
class Cocob(Contributed, Masked):
    """Bets on each weight like on a coin, with what it has won so far: no rate is needed.

    The net learns the same whatever `rate` is: only the schedule changes something.

    Example: train { optimizer = cocob }
    Reference: Orabona and Tommasi 2017, arXiv:1705.07795.
    """

    rate: float = rate_option(1.0, "what gradients are multiplied by, before the schedule")
    decay: float = decay_option(0.0, position=1, doc="what is added to the gradient, times the weights")
    alpha: float = option(POSITIVE, "how careful the first bets are", default=100.0)
    epsilon: float = epsilon_option(1e-8, "the largest gradient before the first step")


class _Momo(Contributed, ABC):
    """What the two forms of MoMo have in common."""

    decay: float = decay_option(0.0, position=1, doc=OF_ALL)
    lower_bound: float = option(Number(), "the smallest value that the loss can have", default=0.0)
    adapt_lower_bound: bool = option(Flag(), "find that value while training", default=False)


@optimizer("momo")
class Momo(_Momo):
    """SGD with momentum whose steps are never longer than the loss allows, from its value and gradient.

    Example: train { optimizer = momo(1.0) }
    Reference: Schaipp et al. 2023, arXiv:2305.07583.
    """

    rate: float = rate_option(1.0, "the greatest rate, before the schedule")
    beta: float = option(FRACTION, "how much of the means is kept at each step", default=0.9)


@optimizer("momo_adam")
class MomoAdam(_Momo, Moments):
    """Adam whose steps are never longer than the loss allows, from its value and gradient.

    Example: train { optimizer = momo_adam(0.01) }
    Reference: Schaipp et al. 2023, arXiv:2305.07583.
    """

    rate: float = rate_option(0.01, "the greatest rate, before the schedule")


# ---------------------------------------------------------------- those that need no schedule


@optimizer("schedule_free_sgd")
class ScheduleFreeSgd(Contributed):
    """SGD that needs no falling rate, because the net answers with a mean of all weights so far.

    The figures on the validation split and the weights that are kept are those of the mean. A schedule may be a warmup.

    Example: train { optimizer = schedule_free_sgd(1.0) }
    Reference: Defazio et al. 2024, arXiv:2405.15682.
    """

    answers = True

    rate: float = rate_option(1.0)
    decay: float = decay_option(0.0, position=1, doc=OF_ALL)
    b1: float = option(
        Number(0, 1, open_low=True, open_high=True), "how near the mean gradients are taken", default=0.9
    )
    weight_lr_power: float = option(Number(0), "the power of the rate by which steps count for the mean", default=2.0)


@optimizer("schedule_free_adamw")
class ScheduleFreeAdamw(ScheduleFreeSgd):
    """AdamW that needs no falling rate, because the net answers with a mean of all weights so far.

    The figures on the validation split and the weights that are kept are those of the mean. A schedule may be a warmup.

    Example: train { optimizer = schedule_free_adamw(0.0025) }
    Reference: Defazio et al. 2024, arXiv:2405.15682.
    """

    rate: float = rate_option(0.0025)
    b2: float = mean_option(0.999, of="squared gradient", name="b2")
    epsilon: float = epsilon_option(1e-8)


# ---------------------------------------------------------------- others


@optimizer("muon")
class Muon(Contributed, Masked):
    """Momentum whose steps for a matrix turn it evenly in all directions; AdamW for what is no matrix.

    Matrices are the weights with two axes: dense layers, tables. Kernels of convolutions and of attention, biases and
    the scales of norms follow AdamW, whose settings begin with `adam_`.

    Example: train { optimizer = muon(0.02, adam_rate = 1e-3) }
    Reference: Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks.
    """

    mask = "weight_decay_mask"
    names = {"adam_rate": "adam_learning_rate", "adam_decay": "adam_weight_decay", "adam_epsilon_root": "adam_eps_root"}

    rate: float = rate_option(0.02)
    decay: float = decay_option(0.0, position=1, doc="the weight decay of matrices")
    beta: float = option(FRACTION, "how much of the mean gradient is kept at each step", default=0.95)
    nesterov: bool = nesterov_option(True)
    ns_steps: int = option(Count(), "the iterations (Newton and Schulz) that make a step even", default=5)
    ns_coeffs: str = option(Choice(("standard", "dion")), "the numbers of these iterations", default="standard")
    preconditioning: str = option(
        Choice(("frobenius", "spectral", "aol", "schatten")), "how a matrix is scaled before them", default="frobenius"
    )
    adaptive: bool = option(Flag(), "multiply the step by the size of the momentum", default=False)
    consistent_rms: float | None = option(
        POSITIVE, "the root mean square of the steps of every matrix (none: it follows from its sides)", default=None
    )
    epsilon: float = epsilon_option(1e-8)
    adam_rate: float | None = option(
        POSITIVE, "the rate of AdamW (none: `rate`)", default=None, aliases=("adam_lr", "adam_learning_rate")
    )
    adam_b1: float = mean_option(0.9)
    adam_b2: float = mean_option(0.999, of="squared gradient")
    adam_epsilon_root: float = root_option()
    adam_decay: float = decay_option(0.0, doc="the weight decay of AdamW, of biases and the scales of norms too")

    def build_around(self, around: Around) -> Any:
        given = self.arguments()
        if self.adam_rate is not None:
            given["adam_learning_rate"] = self.adam_rate * around.factor
        return self.function(learning_rate=around.rate, **given)


@optimizer("galore")
class Galore(Contributed, Masked):
    """Adam in a few directions of each matrix, which are found anew now and then: little memory.

    Example: train { optimizer = galore(0.01, rank = 64) }
    Reference: Zhao et al. 2024, arXiv:2403.03507.
    """

    rate: float = rate_option(1e-3)
    decay: float = decay_option(0.0, position=1)
    rank: int = option(Count(), "how many directions", default=128)
    update_proj_gap: int = option(Count(), "the steps for which they stay", default=200)
    scale: float = option(POSITIVE, "what the steps of matrices are multiplied by", default=1.0)


@optimizer("madgrad")
class Madgrad(Contributed):
    """Adagrad with momentum and a cube root, over all gradients so far.

    Example: train { optimizer = madgrad(0.01) }
    Reference: Defazio and Jelassi 2021, arXiv:2101.11075.
    """

    rate: float = rate_option(0.01)
    decay: float = decay_option(0.0, position=1, doc="what is added to the gradient, times all weights")
    momentum: float = momentum_option(0.9)
    epsilon: float = epsilon_option(1e-6)


@optimizer("ademamix")
class Ademamix(Contributed, Masked, Moments):
    """Adam with two mean gradients: one of late, and one over tens of thousands of steps.

    Example: train { optimizer = ademamix(1e-3) }
    Reference: Pagliardini, Ablin and Grangier 2024, arXiv:2409.03137.
    """

    rate: float = rate_option(1e-3)
    decay: float = decay_option(0.0, position=1)
    b3: float = mean_option(0.9999, of="gradient in the slow mean")
    alpha: float = option(Number(0), "the weight of the slow mean", default=5.0)
    epsilon_root: float = root_option()


@optimizer("simplified_ademamix")
class SimplifiedAdemamix(Contributed, Masked, Moments):
    """AdEMAMix with one sum of gradients in the place of two means.

    Example: train { optimizer = simplified_ademamix(1e-5) }
    Reference: Morwani et al. 2025, arXiv:2502.02431.
    """

    rate: float = rate_option(1e-4)
    decay: float = decay_option(0.0, position=1)
    b1: float = mean_option(0.99, of="gradient in the sum", name="b1")
    b2: float = mean_option(0.95, of="squared gradient", name="b2")
    alpha: float = option(Number(0), "the weight of the new gradient beside the sum", default=0.0)
    epsilon_root: float = root_option()


@optimizer("adopt")
class Adopt(Contributed, Moments):
    """Adam that divides before it takes the mean, so that it converges whatever `b2` is.

    Example: train { optimizer = adopt(1e-3) }
    Reference: Taniguchi et al. 2024, arXiv:2411.02853.
    """

    rate: float = rate_option(1e-3)
    b2: float = mean_option(0.9999, of="squared gradient", name="b2")
    epsilon: float = epsilon_option(1e-6)
    nesterov: bool = nesterov_option()
    use_clipping: bool = option(Flag(), "cut what is divided at the fourth root of the step", default=True)


@optimizer("acprop")
class Acprop(Contributed, Masked, Moments):
    """AdaBelief that divides by what it knew before the gradient came.

    In Optax `epsilon` is 1e-16, with which the first gradient of a unit that had none for a while makes a huge step.

    Example: train { optimizer = acprop(1e-3) }
    Reference: Zhuang et al. 2021, arXiv:2110.05454.
    """

    rate: float = rate_option(1e-3)
    decay: float = decay_option(0.0, position=1)
    b2: float = mean_option(0.999, of="squared deviation", name="b2")
    epsilon: float = epsilon_option(1e-4)
    epsilon_root: float = root_option(1e-16)
