"""The schedules: those that follow the time as a table, and the one that follows a metric."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from netspec.language.kinds import Choice, Count, Number, Time
from netspec.language.lazy import lazy
from netspec.language.values import Duration, to_source
from netspec.language.word import Kind, Mismatch, option
from netspec.training.control.stop import MetricName, is_better
from netspec.training.schedules.base import Schedule, schedule, steps_of
from netspec.training.table import table_word

jnp = lazy("jax.numpy")

POSITIVE = Number(0, open_low=True)
INSIDE = Number(0, 1, open_low=True, open_high=True)


class Times(Kind):
    """Durations in a list, each longer than the one before."""

    def accept(self, value: object) -> tuple[Duration, ...]:
        times = tuple(Time().accept(item) for item in (value if isinstance(value, list | tuple) else [value]))
        is_one_unit = len({time.unit for time in times}) == 1
        if not is_one_unit or any(before.value >= after.value for before, after in pairwise(times)):
            wrong = Mismatch(self.describe(), value, advice="write the earliest first, all in epochs or all in steps")
            wrong.given = "times that are not ascending" if is_one_unit else wrong.given
            raise wrong
        return times

    def describe(self) -> str:
        return "durations in a list, in the same unit and ascending, such as [30 epochs, 60 epochs]"

    def to_source(self, value: object) -> str:
        return to_source(list(value) if isinstance(value, tuple) else value)


OPTIONS = {
    "length": option(Time(), "how long (none: to the end)", aliases=("total_iters", "T_max", "decay_steps")),
    "end": option(Number(0, 1), "the factor at the end", aliases=("alpha", "eta_min")),
    "every": option(Time(), "the time between two decays", aliases=("step_size",)),
    "factor": option(POSITIVE, "multiplies the learning rate", aliases=("gamma",)),
    "power": option(POSITIVE, "the power"),
    "warmup": option(Time(), "how long the warmup takes", aliases=("warmup_steps",)),
    "times": option(Times(), "when the learning rate decays", aliases=("milestones", "boundaries")),
    "decay": option(
        Number(0, 1, open_low=True), "the factor over the time `every`", aliases=("gamma", "decay_rate")
    ),
    "rise": option(INSIDE, "the fraction of the time in which the learning rate rises", aliases=("pct_start",)),
    "start": option(Number(0, 1, open_low=True), "the first factor", aliases=("div_factor",)),
    "shape": option(
        Choice(("cosine", "linear")), "along half a cosine, or linearly", aliases=("anneal_strategy",)
    ),
    "growth": option(
        Number(1), "how many times longer each cycle is than the one before it", aliases=("T_mult", "t_mul")
    ),
}  # fmt: skip
"""Every option by its name: what it takes and does where a word of the table does not say otherwise."""

schedule_word = partial(table_word, Schedule, OPTIONS)


def half_cosine(fraction: Any) -> Any:
    """From 1 down to 0."""
    return 0.5 * (1 + jnp.cos(jnp.pi * fraction))


Constant = schedule_word(
    "constant(length=none)",
    "Keeps the learning rate of the optimizer, for some time or to the end.",
    example="constant(5 epochs) -> cosine",
    at=lambda self, step, length, steps_per_epoch: 1.0,
)
Warmup = schedule_word(
    "warmup(length=1)",
    "Raises the learning rate linearly from zero; the last step of the warmup has the full rate.",
    "Goyal et al. 2017, arXiv:1706.02677.",
    example="warmup(1 epochs) -> cosine",
    options={"length": option(Time(), "how long")},
    at=lambda self, step, length, steps_per_epoch: jnp.minimum((step + 1) / length, 1.0),
)
Cosine = schedule_word(
    "cosine(end=0, *, length=none)",
    "Decays the learning rate along half a cosine, to `end` times its value.",
    "Loshchilov and Hutter 2016, arXiv:1608.03983.",
    example="cosine(end = 1%)",
    aliases=("CosineAnnealingLR", "CosineDecay", "cosine_decay_schedule"),
    at=lambda self, step, length, steps_per_epoch: (
        self.end + (1 - self.end) * half_cosine(jnp.minimum(step / length, 1.0))
    ),
)
Linear = schedule_word(
    "linear(end=0, *, length=none)",
    "Decays the learning rate linearly, to `end` times its value.",
    example="warmup(1 epochs) -> linear",
    aliases=("LinearLR", "linear_schedule"),
    at=lambda self, step, length, steps_per_epoch: self.end + (1 - self.end) * (1 - jnp.minimum(step / length, 1.0)),
)
Polynomial = schedule_word(
    "polynomial(power=2, end=0, *, length=none)",
    "Decays the learning rate to `end` times its value by a power of the remaining time.",
    "Chen et al. 2017, arXiv:1606.00915.",
    example="polynomial(0.9)",
    formula="end + (1 - end) * (1 - t / length)^power",
    aliases=("PolynomialLR", "PolynomialDecay", "polynomial_schedule"),
    at=lambda self, step, length, steps_per_epoch: (
        self.end + (1 - self.end) * (1 - jnp.minimum(step / length, 1.0)) ** self.power
    ),
)
Step = schedule_word(
    "step(every, factor=0.1)",
    "Multiplies the learning rate by `factor` every time `every` has passed.",
    example="step(10 epochs, 0.1)",
    aliases=("StepLR", "staircase"),
    at=lambda self, step, length, steps_per_epoch: jnp.power(
        self.factor, step // steps_of(self.every, steps_per_epoch)
    ),
)
Multistep = schedule_word(
    "multistep(times, factor=0.1)",
    "Multiplies the learning rate by `factor` at each of the given times.",
    "He et al. 2015, arXiv:1512.03385.",
    example="multistep([6 epochs, 9 epochs], 0.1)",
    aliases=("MultiStepLR", "PiecewiseConstantDecay", "piecewise_constant_schedule"),
    at=lambda self, step, length, steps_per_epoch: jnp.power(
        self.factor, sum(jnp.where(step >= steps_of(time, steps_per_epoch), 1, 0) for time in self.times)
    ),
)
Exponential = schedule_word(
    "exponential(decay, every=1)",
    "Decays the learning rate a little at every step, by a factor of `decay` over the time `every`.",
    example="exponential(0.95)",
    options={"every": option(Time(), "the time over which `decay` applies")},
    aliases=("ExponentialLR", "ExponentialDecay", "exponential_decay"),
    at=lambda self, step, length, steps_per_epoch: jnp.power(self.decay, step / steps_of(self.every, steps_per_epoch)),
)


def inverse_sqrt(self: Any, step: Any, length: int, steps_per_epoch: int) -> Any:
    fraction = (step + 1) / steps_of(self.warmup, steps_per_epoch)
    return jnp.minimum(fraction, fraction**-0.5)


InverseSqrt = schedule_word(
    "inverse_sqrt(warmup=1)",
    "Linear warmup, then decay with the inverse square root of the step, as for the first transformers.",
    "Vaswani et al. 2017, arXiv:1706.03762, section 5.3.",
    example="inverse_sqrt(4000 steps)",
    details="The learning rate of the optimizer is reached at the end of the warmup.",
    formula="min(t / warmup, sqrt(warmup / t)), for t = 1, 2, …",
    aliases=("noam",),
    at=inverse_sqrt,
)


def one_cycle(self: Any, step: Any, length: int, steps_per_epoch: int) -> Any:
    def progress(fraction: Any) -> Any:
        fraction = jnp.clip(fraction, 0.0, 1.0)
        return fraction if self.shape == "linear" else 0.5 * (1 - jnp.cos(jnp.pi * fraction))

    last = max(1.0, length - 1.0)
    top = min(max(0.5, self.rise * length - 1.0), last - 0.5)
    up, down = progress(step / top), progress((step - top) / (last - top))
    return jnp.where(step <= top, self.start + (1 - self.start) * up, 1 + (self.end - 1) * down)


OneCycle = schedule_word(
    "one_cycle(rise=0.3, *, start=0.04, end=4e-6, shape=cosine, length=none)",
    "Raises the learning rate from a small value to that of the optimizer, then decays it to almost zero.",
    "Smith and Topin 2017, arXiv:1708.07120.",
    details="The learning rate of the optimizer is the peak, reached after the fraction `rise` of the time "
    "(super-convergence).",
    options={"end": option(Number(0, 1), "the last factor", aliases=("final_div_factor",))},
    aliases=("OneCycleLR", "cosine_onecycle_schedule", "linear_onecycle_schedule"),
    at=one_cycle,
)


def cosine_restarts(self: Any, step: Any, length: int, steps_per_epoch: int) -> Any:
    """Half a cosine per cycle; each cycle is `growth` times as long as the one before it."""
    first = steps_of(self.every, steps_per_epoch)
    if self.growth == 1:
        fraction = (step % first) / first
    else:
        starts, cycle = [0, first], float(first)  # the steps at which cycles begin, and the end of the last one
        while starts[-1] <= length:
            cycle *= self.growth
            starts.append(starts[-1] + max(1, round(cycle)))
        lengths = [after - before for before, after in pairwise(starts)]
        at = jnp.minimum(jnp.searchsorted(jnp.asarray(starts), step, side="right") - 1, len(lengths) - 1)
        fraction = jnp.minimum((step - jnp.asarray(starts)[at]) / jnp.asarray(lengths)[at], 1.0)
    return self.end + (1 - self.end) * half_cosine(fraction)


CosineRestarts = schedule_word(
    "cosine_restarts(every, growth=1, *, end=0)",
    "Cosine decay that restarts again and again (SGDR).",
    "Loshchilov and Hutter 2016, arXiv:1608.03983.",
    example="cosine_restarts(5 epochs, 2)",
    options={
        "every": option(Time(), "the length of the first cycle", aliases=("T_0", "first_decay_steps")),
        "end": "the factor at the end of a cycle",
    },
    aliases=("CosineAnnealingWarmRestarts", "CosineDecayRestarts", "sgdr_schedule"),
    at=cosine_restarts,
)


@schedule("reduce_on_plateau")
class ReduceOnPlateau(Schedule):
    """Multiplies the learning rate by `factor` when a metric has not improved for `patience` epochs in a row.

    The metric is read at the end of every epoch; epochs that end before this word takes over do not count. Needs a
    validation split.

    Example: train { schedule = reduce_on_plateau(0.1, 3) }
    """

    aliases = ("ReduceLROnPlateau",)

    factor: float = option(INSIDE, "multiplies the learning rate", default=0.1, position=0)
    patience: int = option(
        Count(1), "epochs without improvement before the learning rate is reduced", default=2, position=1
    )
    metric: str = option(
        MetricName(), "the metric to monitor", default="val_loss", position=2, aliases=("monitor",), former="figure"
    )
    min_delta: float = option(Number(0), "smaller improvements do not count", default=0.0, aliases=("threshold",))
    cooldown: int = option(Count(0), "epochs to wait after a reduction before monitoring again", default=0)
    min_factor: float = option(
        Number(0, 1), "the learning rate is not reduced below this fraction of what it would be", default=0.0,
        aliases=("min_lr", "min_rate", "min_scale"), former="least",
    )  # fmt: skip

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return 1.0  # the reductions so far are in the state of the run (`rate_scale`)

    def watches(self) -> str:
        """The metric that it monitors."""
        return self.metric

    def is_better(self, value: float, best: float, *, higher: bool) -> bool:
        """Whether the metric of an epoch is an improvement; `higher`: larger values are better."""
        return is_better(value, best, higher=higher, min_delta=self.min_delta)
