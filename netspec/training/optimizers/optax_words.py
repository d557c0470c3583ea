"""The optimizers of Optax as a table: signature, what it does, where it was published, an example."""

from __future__ import annotations

from functools import partial
from typing import Any

from netspec.language.kinds import Number
from netspec.language.word import option
from netspec.training.optimizers.base import FRACTION, POSITIVE, ChainContext
from netspec.training.optimizers.optax_base import (
    ADDED,
    CLOSENESS,
    OF_ALL,
    OptaxWord,
    RpropWord,
    Seeded,
    mean,
    optax_word,
)

FOUND = {"rate": "multiplies the learning rate that is found, before the schedule", "decay": OF_ALL}
DISTANCE = FOUND | {"decay": ADDED, "epsilon": "added to the sum of squared gradients"}
LARGEST = {"rate": "the largest learning rate, before the schedule", "decay": OF_ALL}

# ---------------------------------------------------------------- of optax itself

Sgd = optax_word(
    "sgd(rate=0.01, momentum=0, *, nesterov=false)",
    "Steps against the gradient; with `momentum`, against a running sum of gradients.",
    "Robbins and Monro 1951; Sutskever et al. 2013, On the importance of initialization and momentum.",
    example="sgd(0.1, momentum = 0.9)",
    zero_is_none=("momentum",),
)
optax_word(
    "noisy_sgd(rate=0.01, *, eta=0.01, gamma=0.55)",
    "Steps against the gradient with added noise that shrinks from step to step.",
    "Neelakantan et al. 2015, arXiv:1511.06807.",
    base=Seeded,
    details="The variance of the noise is `eta / t^gamma` at step t. With other optimizers write `noise -> adam`.",
)
optax_word(
    "sign_sgd(rate=1e-3)",
    "Steps of equal length for every weight, against the sign of its gradient.",
    "Bernstein et al. 2018, arXiv:1802.04434.",
)
optax_word(
    "signum(rate=1e-3, *, beta=0.9)",
    "Steps of equal length for every weight, against the sign of its mean gradient.",
    "Bernstein et al. 2018, arXiv:1802.04434.",
)
optax_word(
    "optimistic_gradient_descent(rate=0.01, *, alpha=1, beta=1)",
    "Steps against the gradient, plus the change since the last step.",
    "Mokhtari, Ozdaglar and Pattathil 2020, arXiv:1901.08511.",
    example="optimistic_gradient_descent(0.05)",
    options={"beta": option(Number(), "the weight of its change")},
)
Rprop = optax_word(
    "rprop(rate=0.01, *, eta_minus=0.5, eta_plus=1.2, min_step_size=1e-6, max_step_size=50)",
    "A separate step length for each weight, which grows while the sign of its gradient stays the same.",
    "Riedmiller and Braun 1993, A direct adaptive method for faster backpropagation learning.",
    options={"rate": "the length of the first steps; the schedule multiplies all of them"},
    base=RpropWord,
    details="For full-batch training: with small batches signs change by chance.",
)
optax_word(
    "lars(rate=1, decay=0, *, momentum=0.9, nesterov=false, trust_coefficient=1e-3, epsilon=0, trust_on=all, "
    "on=kernels)",
    "SGD for very large batches: the step of every layer is scaled to its weights.",
    "You, Gitman and Ginsburg 2017, arXiv:1708.03888.",
    example="lars(1.0, decay = 1e-4)",
    options={"epsilon": "added to the length of the gradient"},
    names={"on": "weight_decay_mask"},
)
optax_word(
    "fromage(rate=0.01, *, min_norm=1e-6)",
    "Steps proportional to the norm of the weights; the learning rate is the only hyperparameter.",
    "Bernstein et al. 2020, arXiv:2002.03432.",
)
optax_word(
    "polyak_sgd(rate=1, *, max_learning_rate=1, f_min=0, epsilon=0, variant=sps)",
    "Steps against the gradient, whose length follows how far the loss is above its smallest value.",
    "Loizou et al. 2021, arXiv:2002.10542.",
    example="polyak_sgd",
    options={
        "rate": "multiplies every step, before the schedule",
        "epsilon": "added to the squared length of the gradient",
    },
    names={"rate": "scaling"},
    details="For networks that can bring the loss (nearly) to `f_min`.",
    formula="min((loss - f_min) / (|g|^2 + epsilon), max_learning_rate) * rate * g",
)
Adam = optax_word(
    "adam(rate=1e-3, *, epsilon_root=0, nesterov=false, b1=0.9, b2=0.999, epsilon=1e-8)",
    "Steps along the mean gradient, divided by the root of the mean squared gradient.",
    "Kingma and Ba 2014, arXiv:1412.6980.",
)
Adamw = optax_word(
    "adamw(rate=1e-3, decay=1e-4, *, epsilon_root=0, nesterov=false, on=kernels, b1=0.9, b2=0.999, epsilon=1e-8)",
    "Adam that also shrinks the kernels by `rate * decay` at each step; biases and the scales of norms are "
    "not decayed.",
    "Loshchilov and Hutter 2017, arXiv:1711.05101.",
    example="adamw(1e-3, decay = 1e-4)",
)
optax_word(
    "nadam(rate=1e-3, *, epsilon_root=0, nesterov=true, b1=0.9, b2=0.999, epsilon=1e-8)",
    "Adam that looks ahead along the mean gradient (Nesterov).",
    "Dozat 2016, Incorporating Nesterov momentum into Adam.",
    example="nadam(2e-3)",
)
optax_word(
    "nadamw(rate=1e-3, decay=1e-4, *, epsilon_root=0, nesterov=true, on=kernels, b1=0.9, b2=0.999, epsilon=1e-8)",
    "AdamW that looks ahead along the mean gradient (Nesterov).",
    "Dozat 2016; Loshchilov and Hutter 2017, arXiv:1711.05101.",
    example="nadamw(1e-3, decay = 1e-4)",
)
Adamax = optax_word(
    "adamax(rate=2e-3, *, b2=0.999, b1=0.9, epsilon=1e-8)",
    "Adam that divides by the largest recent gradient instead of by the root of a mean.",
    "Kingma and Ba 2014, arXiv:1412.6980, section 7.1.",
    options={"b2": mean("largest gradient")},
)
optax_word(
    "adamaxw(rate=2e-3, decay=1e-4, *, b2=0.999, on=kernels, b1=0.9, epsilon=1e-8)",
    "AdaMax that also shrinks the kernels by `rate * decay` at each step.",
    "Kingma and Ba 2014, arXiv:1412.6980; Loshchilov and Hutter 2017, arXiv:1711.05101.",
    example="adamaxw(2e-3, decay = 1e-4)",
    options={"b2": mean("largest gradient")},
)
Amsgrad = optax_word(
    "amsgrad(rate=1e-3, *, epsilon_root=0, bias_correction_mu=true, bias_correction_nu=true, b1=0.9, "
    "b2=0.999, epsilon=1e-8)",
    "Adam whose divisor never decreases.",
    "Reddi, Kale and Kumar 2018, arXiv:1904.09237.",
)
Radam = optax_word(
    "radam(rate=1e-3, *, epsilon_root=0, threshold=5, nesterov=false, b1=0.9, b2=0.999, epsilon=1e-8)",
    "Adam that starts with plain momentum, until the mean squared gradient can be relied on.",
    "Liu et al. 2019, arXiv:1908.03265.",
)
optax_word(
    "adabelief(rate=1e-3, *, b2=0.999, epsilon=1e-16, epsilon_root=1e-16, nesterov=false, b1=0.9)",
    "Adam that divides by how far gradients are from their mean: long steps where they agree.",
    "Zhuang et al. 2020, arXiv:2010.07468.",
    options={"b2": mean("squared deviation")},
)
optax_word(
    "yogi(rate=0.01, *, epsilon=1e-3, b1=0.9, b2=0.999)",
    "Adam whose divisor changes slowly, so that rare large gradients are not forgotten immediately.",
    "Zaheer et al. 2018, Adaptive methods for nonconvex optimization.",
)
optax_word(
    "lamb(rate=1e-3, decay=0, *, epsilon=1e-6, epsilon_root=0, on=kernels, b1=0.9, b2=0.999)",
    "Adam for very large batches: the step of every layer is scaled to its weights.",
    "You et al. 2019, arXiv:1904.00962.",
    example="lamb(2e-3, decay = 0.01)",
)
optax_word(
    "lion(rate=1e-4, decay=1e-3, *, b1=0.9, b2=0.99, on=kernels)",
    "Steps of equal length for every weight, against the sign of a mean of gradients; half the memory of Adam.",
    "Chen et al. 2023, arXiv:2302.06675.",
    example="lion(1e-4, decay = 0.01)",
    options={
        "b2": mean("gradient"),
        "b1": option(Number(0, 1), "the weight of the mean relative to the new gradient in a step", aliases=("beta1",)),
    },
    details="A good learning rate is three to ten times smaller than for AdamW, and the decay as many times larger.",
)
optax_word(
    "novograd(rate=0.01, *, b2=0.25, epsilon=1e-6, epsilon_root=0, decay=0, b1=0.9)",
    "Momentum over gradients divided by the mean gradient norm of their layer.",
    "Ginsburg et al. 2019, arXiv:1905.11286.",
    options={"b2": mean("squared length"), "decay": OF_ALL},
)
optax_word(
    "adan(rate=1e-3, decay=0, *, b1=0.98, b2=0.92, b3=0.99, epsilon=1e-8, epsilon_root=1e-8, on=kernels)",
    "Adam with means of the gradient, of its change, and of the square of both.",
    "Xie et al. 2022, arXiv:2208.06677.",
    example="adan(1e-3, decay = 0.02)",
    options={"b2": mean("change of the gradient"), "b3": mean("squared gradient")},
)
optax_word(
    "optimistic_adam_v2(rate=1e-3, *, alpha=1, beta=1, epsilon_root=0, nesterov=true, b1=0.9, b2=0.999, epsilon=1e-8)",
    "Adam with steps that also include the change since the last step.",
    "Daskalakis et al. 2017, arXiv:1711.00141.",
    options={"alpha": "the weight of the step", "beta": option(Number(), "the weight of its change")},
    aliases=("optimistic_adam",),
)
Rmsprop = optax_word(
    "rmsprop(rate=1e-3, *, decay=0.9, momentum=0, nesterov=false, centered=false, epsilon=1e-8, "
    "epsilon_in_root=false, initial_scale=0, bias_correction=false)",
    "Steps along the gradient divided by the root of the mean squared gradient.",
    "Tieleman and Hinton 2012, Lecture 6.5.",
    options={"decay": option(FRACTION, mean("squared gradient"), aliases=("rho", "alpha"))},
    names={"decay": "decay", "epsilon_in_root": "eps_in_sqrt"},
    zero_is_none=("momentum",),
)
Adagrad = optax_word(
    "adagrad(rate=0.01, *, initial_accumulator_value=0.1, epsilon=1e-7)",
    "Steps along the gradient divided by the root of the sum of all squared gradients so far.",
    "Duchi, Hazan and Singer 2011, Adaptive subgradient methods.",
)
Adadelta = optax_word(
    "adadelta(rate=1, *, decay=0, rho=0.9, epsilon=1e-6, on=kernels)",
    "Steps along the gradient in units of the weights: root of the mean squared step over that of the gradient.",
    "Zeiler 2012, arXiv:1212.5701.",
    example="adadelta(1.0)",
    options={"decay": ADDED, "epsilon": "added under both roots"},
    names={"on": "weight_decay_mask"},
)
optax_word(
    "adafactor(rate=0.01, *, decay=0, decay_rate=0.8, decay_offset=0, factored=true, "
    "min_dim_size_to_factor=128, multiply_by_parameter_scale=true, clipping_threshold=1, momentum=0, "
    "epsilon=1e-30, on=kernels)",
    "Adam with a factored second moment: only the means of its rows and columns are stored.",
    "Shazeer and Stern 2018, arXiv:1804.04235.",
    options={"epsilon": "added to squared gradients"},
    names={"decay": "weight_decay_rate", "on": "weight_decay_mask"},
    zero_is_none=("momentum", "decay"),
    details="The rate is relative to the size of the weights (`multiply_by_parameter_scale`). `decay` shrinks the "
    "weights at each step independently of the rate.",
)
optax_word(
    "sm3(rate=0.1, *, momentum=0.9)",
    "Memory-efficient Adagrad: one accumulator for each row and each column of a weight.",
    "Anil et al. 2019, arXiv:1901.11150.",
)

# ---------------------------------------------------------------- of optax.contrib

contributed = partial(optax_word, home="optax.contrib")


class MuonWord(OptaxWord):
    """Two learning rates, both of which follow the schedule."""

    adam_rate: float | None

    def build_in(self, context: ChainContext) -> Any:
        given = self.arguments()
        if self.adam_rate is not None:
            given["adam_learning_rate"] = self.adam_rate * context.factor
        return self.function(learning_rate=context.rate, **given)


contributed(
    "prodigy(rate=1, decay=0, *, beta3=none, estim_lr_coef=1, safeguard_warmup=false, estim_lr0=1e-6, b1=0.9, "
    "b2=0.999, epsilon=1e-8)",
    "Adam that finds its learning rate from how far the weights have moved; leave `rate` at 1.",
    "Mishchenko and Defazio 2023, arXiv:2306.06101.",
    example="prodigy",
    options=FOUND,
    joined={"betas": ("b1", "b2")},
)
contributed(
    "dadapt_adamw(rate=1, decay=0, *, estim_lr0=1e-6, b1=0.9, b2=0.999, epsilon=1e-8)",
    "AdamW that finds its learning rate from how far the weights have moved; leave `rate` at 1.",
    "Defazio and Mishchenko 2023, arXiv:2301.07733.",
    example="dadapt_adamw",
    options=FOUND,
    joined={"betas": ("b1", "b2")},
)
contributed(
    "dog(rate=1, decay=0, *, begin=heuristic, begin_at=1e-6, epsilon=1e-8, on=kernels)",
    "SGD that finds its learning rate: distance from the first weights over the root of the sum of squared gradients.",
    "Ivgi, Hinder and Carmon 2023, arXiv:2302.12022.",
    example="dog -> ema",
    options=DISTANCE,
    joined={"init_step": ("begin", "begin_at")},
    details="Best with the mean of the weights: `dog -> ema`.",
)
contributed(
    "dowg(rate=1, decay=0, *, init_estim_sq_dist=none, epsilon=1e-4, on=kernels)",
    "As `dog`, with gradients weighted by the distance at which they were found.",
    "Khaled, Mishchenko and Jin 2023, arXiv:2305.16284.",
    example="dowg",
    options=DISTANCE,
)
contributed(
    "cocob(rate=1, decay=0, *, alpha=100, epsilon=1e-8, on=kernels)",
    "Optimizer based on coin betting, without a learning rate.",
    "Orabona and Tommasi 2017, arXiv:1705.07795.",
    example="cocob",
    options={
        "rate": "multiplies the gradients, before the schedule",
        "decay": ADDED,
        "epsilon": "the largest gradient before the first step",
        "alpha": option(POSITIVE, "how careful the first bets are"),
    },
    details="The value of `rate` makes no difference; only the schedule does.",
)
contributed(
    "momo(rate=1, decay=0, *, beta=0.9, lower_bound=0, adapt_lower_bound=false)",
    "SGD with momentum whose steps are never longer than the loss allows, from its value and gradient.",
    "Schaipp et al. 2023, arXiv:2305.07583.",
    example="momo(1.0)",
    options={**LARGEST, "beta": "exponential decay rate of the means"},
)
contributed(
    "momo_adam(rate=0.01, decay=0, *, lower_bound=0, adapt_lower_bound=false, b1=0.9, b2=0.999, epsilon=1e-8)",
    "Adam whose steps are never longer than the loss allows, from its value and gradient.",
    "Schaipp et al. 2023, arXiv:2305.07583.",
    options=LARGEST,
)
without_decay = partial(
    contributed,
    options={"decay": OF_ALL, "b1": CLOSENESS},
    has_eval_weights=True,
    details="Validation metrics and saved weights are those of the mean. The schedule may still have a warmup.",
)
ScheduleFreeSgd = without_decay(
    "schedule_free_sgd(rate=1, decay=0, *, b1=0.9, weight_lr_power=2)",
    "SGD without learning-rate decay: predictions use a mean of all weights so far.",
    "Defazio et al. 2024, arXiv:2405.15682.",
    example="schedule_free_sgd(1.0)",
)
without_decay(
    "schedule_free_adamw(rate=2.5e-3, decay=0, *, b2=0.999, epsilon=1e-8, b1=0.9, weight_lr_power=2)",
    "AdamW without learning-rate decay: predictions use a mean of all weights so far.",
    "Defazio et al. 2024, arXiv:2405.15682.",
    example="schedule_free_adamw(0.0025)",
)
contributed(
    "muon(rate=0.02, decay=0, *, beta=0.95, nesterov=true, ns_steps=5, ns_coeffs=standard, "
    "preconditioning=frobenius, adaptive=false, consistent_rms=none, epsilon=1e-8, adam_rate=none, "
    "adam_b1=0.9, adam_b2=0.999, adam_epsilon_root=0, adam_decay=0, on=kernels)",
    "Momentum with orthogonalized steps for matrices; AdamW for everything else.",
    "Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks.",
    example="muon(0.02, adam_rate = 1e-3)",
    options={"decay": "the weight decay of matrices"},
    names={
        "adam_rate": "adam_learning_rate",
        "adam_decay": "adam_weight_decay",
        "adam_epsilon_root": "adam_eps_root",
        "on": "weight_decay_mask",
    },
    base=MuonWord,
    details="Matrices are the weights with two axes: dense layers, tables. Kernels of convolutions and of attention, "
    "biases and the scales of norms are trained by AdamW, whose settings begin with `adam_`.",
)
contributed(
    "galore(rate=1e-3, decay=0, *, rank=128, update_proj_gap=200, scale=1, on=kernels)",
    "Memory-efficient Adam in a low-rank projection of each matrix, which is recomputed periodically.",
    "Zhao et al. 2024, arXiv:2403.03507.",
    example="galore(0.01, rank = 64)",
)
contributed(
    "madgrad(rate=0.01, decay=0, *, momentum=0.9, epsilon=1e-6)",
    "Adagrad with momentum and a cube root, over all gradients so far.",
    "Defazio and Jelassi 2021, arXiv:2101.11075.",
    options={"decay": "multiplied by all weights and added to the gradient"},
)
contributed(
    "ademamix(rate=1e-3, decay=0, *, b3=0.9999, alpha=5, epsilon_root=0, on=kernels, b1=0.9, b2=0.999, epsilon=1e-8)",
    "Adam with two mean gradients: a recent one, and one over tens of thousands of steps.",
    "Pagliardini, Ablin and Grangier 2024, arXiv:2409.03137.",
    options={"alpha": option(Number(0), "the weight of the slow mean")},
)
contributed(
    "simplified_ademamix(rate=1e-4, decay=0, *, b1=0.99, b2=0.95, alpha=0, epsilon_root=0, on=kernels, epsilon=1e-8)",
    "AdEMAMix with one sum of gradients instead of two means.",
    "Morwani et al. 2025, arXiv:2502.02431.",
    example="simplified_ademamix(1e-5)",
    options={
        "b1": mean("gradient in the sum"),
        "alpha": option(Number(0), "the weight of the new gradient relative to the sum"),
    },
)
contributed(
    "adopt(rate=1e-3, *, b2=0.9999, epsilon=1e-6, nesterov=false, use_clipping=true, b1=0.9)",
    "Adam that divides before it takes the mean, so that it converges whatever `b2` is.",
    "Taniguchi et al. 2024, arXiv:2411.02853.",
)
contributed(
    "acprop(rate=1e-3, decay=0, *, b2=0.999, epsilon=1e-4, epsilon_root=1e-16, on=kernels, b1=0.9)",
    "AdaBelief that divides by the second moment of the previous steps.",
    "Zhuang et al. 2021, arXiv:2110.05454.",
    options={"b2": mean("squared deviation")},
    details="In Optax `epsilon` is 1e-16, with which the first gradient after a pause makes a huge step.",
)
