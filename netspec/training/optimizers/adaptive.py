"""Rates of their own for each weight, from all gradients so far or from those of late."""

from __future__ import annotations

from typing import Any

from netspec.language.kinds import Count, Flag, Number
from netspec.language.word import option
from netspec.training.optimizers.base import FRACTION, POSITIVE, optimizer
from netspec.training.optimizers.optax_base import (
    Masked,
    OptaxWord,
    decay_option,
    epsilon_option,
    momentum_option,
    nesterov_option,
    rate_option,
)


@optimizer("rmsprop")
class Rmsprop(OptaxWord):
    """Steps along the gradient divided by the root of the mean squared gradient.

    Example: train { optimizer = rmsprop(1e-3) }
    Reference: Tieleman and Hinton 2012, Lecture 6.5.
    """

    names = {"decay": "decay", "epsilon_in_root": "eps_in_sqrt"}

    rate: float = rate_option(1e-3)
    decay: float = option(
        FRACTION,
        "how much of the mean squared gradient is kept at each step",
        default=0.9,
        aliases=("rho", "alpha"),
    )
    momentum: float = momentum_option(0.0)
    nesterov: bool = nesterov_option()
    centered: bool = option(Flag(), "divide by the deviation from the mean gradient instead", default=False)
    epsilon: float = epsilon_option(1e-8)
    epsilon_in_root: bool = option(
        Flag(), "add epsilon under the root, instead of to it", default=False, aliases=("eps_in_sqrt",)
    )
    initial_scale: float = option(Number(0), "the mean squared gradient before the first step", default=0.0)
    bias_correction: bool = option(Flag(), "make up for the mean, which begins at zero", default=False)

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "momentum": self.momentum or None}


@optimizer("adagrad")
class Adagrad(OptaxWord):
    """Steps along the gradient divided by the root of the sum of all squared gradients so far.

    Example: train { optimizer = adagrad(0.01) }
    Reference: Duchi, Hazan and Singer 2011, Adaptive subgradient methods.
    """

    rate: float = rate_option(0.01)
    initial_accumulator_value: float = option(Number(0), "the sum before the first step", default=0.1)
    epsilon: float = epsilon_option(1e-7)


@optimizer("adadelta")
class Adadelta(Masked):
    """Steps along the gradient in units of the weights: root of the mean squared step over that of the gradient.

    Example: train { optimizer = adadelta(1.0) }
    Reference: Zeiler 2012, arXiv:1212.5701.
    """

    mask = "weight_decay_mask"

    rate: float = rate_option(1.0)
    decay: float = decay_option(0.0, doc="what is added to the gradient, times the weights")
    rho: float = option(FRACTION, "how much of both means is kept at each step", default=0.9)
    epsilon: float = epsilon_option(1e-6, "added under both roots")


@optimizer("adafactor")
class Adafactor(Masked):
    """Adam with little memory: of the mean squared gradient of a matrix only the rows' and the columns' means are kept.

    The rate is relative to the size of the weights (`multiply_by_parameter_scale`). `decay` shrinks the weights by
    itself at each step, whatever the rate.

    Example: train { optimizer = adafactor(0.01) }
    Reference: Shazeer and Stern 2018, arXiv:1804.04235.
    """

    names = {"decay": "weight_decay_rate"}
    mask = "weight_decay_mask"

    rate: float = rate_option(0.01)
    decay: float = decay_option(0.0)
    decay_rate: float = option(FRACTION, "how fast the mean comes to be over more and more steps", default=0.8)
    decay_offset: int = option(Count(0), "the steps that do not count for it", default=0)
    factored: bool = option(Flag(), "keep means of rows and columns only", default=True)
    min_dim_size_to_factor: int = option(Count(), "matrices with a smaller side are kept whole", default=128)
    multiply_by_parameter_scale: bool = option(
        Flag(), "multiply the steps of a weight by its root mean square", default=True
    )
    clipping_threshold: float = option(POSITIVE, "the largest root mean square of the step of a weight", default=1.0)
    momentum: float = momentum_option(0.0)
    epsilon: float = epsilon_option(1e-30, "added to squared gradients")

    def arguments(self) -> dict[str, Any]:
        return {
            **super().arguments(),
            "momentum": self.momentum or None,
            "weight_decay_rate": self.decay or None,
        }


@optimizer("sm3")
class Sm3(OptaxWord):
    """Adagrad with little memory: one sum for each row and each column of a weight.

    Example: train { optimizer = sm3(0.1) }
    Reference: Anil et al. 2019, arXiv:1901.11150.
    """

    rate: float = rate_option(0.1)
    momentum: float = momentum_option(0.9)
