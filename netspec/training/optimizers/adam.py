"""Adam and its kin: steps along a mean gradient that is divided by a measure of its size."""

from __future__ import annotations

from netspec.language.kinds import Flag, Number
from netspec.language.word import option
from netspec.training.optimizers.base import POSITIVE, optimizer
from netspec.training.optimizers.optax_base import (
    Masked,
    Moments,
    decay_option,
    epsilon_option,
    mean_option,
    nesterov_option,
    rate_option,
    root_option,
)


@optimizer("adam")
class Adam(Moments):
    """Steps along the mean gradient, divided by the root of the mean squared gradient.

    Example: train { optimizer = adam(1e-3) }
    Reference: Kingma and Ba 2014, arXiv:1412.6980.
    """

    rate: float = rate_option(1e-3)
    epsilon_root: float = root_option()
    nesterov: bool = nesterov_option()


@optimizer("adamw")
class Adamw(Masked, Moments):
    """Adam that also shrinks the kernels by `rate * decay` at each step; biases and the scales of norms are left alone.

    Example: train { optimizer = adamw(1e-3, decay = 1e-4) }
    Reference: Loshchilov and Hutter 2017, arXiv:1711.05101.
    """

    rate: float = rate_option(1e-3)
    decay: float = decay_option(1e-4, position=1)
    epsilon_root: float = root_option()
    nesterov: bool = nesterov_option()


@optimizer("nadam")
class Nadam(Moments):
    """Adam that looks ahead along the mean gradient (Nesterov).

    Example: train { optimizer = nadam(2e-3) }
    Reference: Dozat 2016, Incorporating Nesterov momentum into Adam.
    """

    rate: float = rate_option(1e-3)
    epsilon_root: float = root_option()
    nesterov: bool = nesterov_option(True)


@optimizer("nadamw")
class Nadamw(Masked, Moments):
    """AdamW that looks ahead along the mean gradient (Nesterov).

    Example: train { optimizer = nadamw(1e-3, decay = 1e-4) }
    Reference: Dozat 2016; Loshchilov and Hutter 2017, arXiv:1711.05101.
    """

    rate: float = rate_option(1e-3)
    decay: float = decay_option(1e-4, position=1)
    epsilon_root: float = root_option()
    nesterov: bool = nesterov_option(True)


@optimizer("adamax")
class Adamax(Moments):
    """Adam that divides by the largest gradient of late, instead of by the root of a mean.

    Example: train { optimizer = adamax(2e-3) }
    Reference: Kingma and Ba 2014, arXiv:1412.6980, section 7.1.
    """

    rate: float = rate_option(2e-3)
    b2: float = mean_option(0.999, of="largest gradient", name="b2")


@optimizer("adamaxw")
class Adamaxw(Masked, Moments):
    """AdaMax that also shrinks the kernels by `rate * decay` at each step.

    Example: train { optimizer = adamaxw(2e-3, decay = 1e-4) }
    Reference: Kingma and Ba 2014, arXiv:1412.6980; Loshchilov and Hutter 2017, arXiv:1711.05101.
    """

    rate: float = rate_option(2e-3)
    decay: float = decay_option(1e-4, position=1)
    b2: float = mean_option(0.999, of="largest gradient", name="b2")


@optimizer("amsgrad")
class Amsgrad(Moments):
    """Adam whose divisor never becomes smaller.

    Example: train { optimizer = amsgrad(1e-3) }
    Reference: Reddi, Kale and Kumar 2018, arXiv:1904.09237.
    """

    rate: float = rate_option(1e-3)
    epsilon_root: float = root_option()
    bias_correction_mu: bool = option(Flag(), "make up for the first mean, which begins at zero", default=True)
    bias_correction_nu: bool = option(Flag(), "make up for the second mean, which begins at zero", default=True)


@optimizer("radam")
class Radam(Moments):
    """Adam that begins with steps of plain momentum, until the mean squared gradient can be relied on.

    Example: train { optimizer = radam(1e-3) }
    Reference: Liu et al. 2019, arXiv:1908.03265.
    """

    rate: float = rate_option(1e-3)
    epsilon_root: float = root_option()
    threshold: float = option(POSITIVE, "the length of the average from which on it is divided by", default=5.0)
    nesterov: bool = nesterov_option()


@optimizer("adabelief")
class Adabelief(Moments):
    """Adam that divides by how far gradients are from their mean: long steps where they agree.

    Example: train { optimizer = adabelief(1e-3) }
    Reference: Zhuang et al. 2020, arXiv:2010.07468.
    """

    rate: float = rate_option(1e-3)
    b2: float = mean_option(0.999, of="squared deviation", name="b2")
    epsilon: float = epsilon_option(1e-16)
    epsilon_root: float = root_option(1e-16)
    nesterov: bool = nesterov_option()


@optimizer("yogi")
class Yogi(Moments):
    """Adam whose divisor changes slowly, so that rare large gradients are not forgotten at once.

    Example: train { optimizer = yogi(0.01) }
    Reference: Zaheer et al. 2018, Adaptive methods for nonconvex optimization.
    """

    rate: float = rate_option(0.01)
    epsilon: float = epsilon_option(1e-3)


@optimizer("lamb")
class Lamb(Masked, Moments):
    """Adam for very large batches: every layer's step is as long as its weights allow.

    Example: train { optimizer = lamb(2e-3, decay = 0.01) }
    Reference: You et al. 2019, arXiv:1904.00962.
    """

    rate: float = rate_option(1e-3)
    decay: float = decay_option(0.0, position=1)
    epsilon: float = epsilon_option(1e-6)
    epsilon_root: float = root_option()


@optimizer("lion")
class Lion(Masked):
    """Steps of the same length for every weight, against the sign of a mean of gradients; half the memory of Adam.

    A good rate is three to ten times smaller than that of AdamW, and the decay as many times larger.

    Example: train { optimizer = lion(1e-4, decay = 0.01) }
    Reference: Chen et al. 2023, arXiv:2302.06675.
    """

    rate: float = rate_option(1e-4)
    decay: float = decay_option(1e-3, position=1)
    b1: float = option(
        Number(0, 1), "the weight of the mean beside the new gradient in a step", default=0.9, aliases=("beta1",)
    )
    b2: float = mean_option(0.99, name="b2")


@optimizer("novograd")
class Novograd(Moments):
    """Momentum over gradients that are divided by the mean length of those of their layer.

    Example: train { optimizer = novograd(0.01) }
    Reference: Ginsburg et al. 2019, arXiv:1905.11286.
    """

    rate: float = rate_option(0.01)
    b2: float = mean_option(0.25, of="squared length", name="b2")
    epsilon: float = epsilon_option(1e-6)
    epsilon_root: float = root_option()
    decay: float = decay_option(0.0, doc="the weight decay of all weights, biases and the scales of norms too")


@optimizer("adan")
class Adan(Masked):
    """Adam with means of the gradient, of its change, and of the square of both.

    Example: train { optimizer = adan(1e-3, decay = 0.02) }
    Reference: Xie et al. 2022, arXiv:2208.06677.
    """

    rate: float = rate_option(1e-3)
    decay: float = decay_option(0.0, position=1)
    b1: float = mean_option(0.98, name="b1")
    b2: float = mean_option(0.92, of="change of the gradient", name="b2")
    b3: float = mean_option(0.99, of="squared gradient")
    epsilon: float = epsilon_option(1e-8)
    epsilon_root: float = root_option(1e-8)


@optimizer("optimistic_adam_v2")
class OptimisticAdam(Moments):
    """Adam that steps once more by what its step has changed since the last one.

    Example: train { optimizer = optimistic_adam_v2(1e-3) }
    Reference: Daskalakis et al. 2017, arXiv:1711.00141.
    """

    aliases = ("optimistic_adam",)

    rate: float = rate_option(1e-3)
    alpha: float = option(Number(), "the weight of the step", default=1.0)
    beta: float = option(Number(), "the weight of its change", default=1.0)
    epsilon_root: float = root_option()
    nesterov: bool = nesterov_option(True)
