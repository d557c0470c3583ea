"""Schedules that warm up or decay, smoothly or in steps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from netspec.language.kinds import Number, Time
from netspec.language.lazy import lazy
from netspec.language.values import Duration, to_source
from netspec.language.word import Kind, Mismatch, option
from netspec.training.schedules.base import Lasting, Schedule, schedule, steps_of

jnp = lazy("jax.numpy")


def end_option(position: int) -> Any:
    return option(Number(0, 1), "the factor at the end", default=0.0, position=position, aliases=("alpha", "eta_min"))


@schedule("constant")
class Constant(Lasting):
    """Keeps the learning rate of the optimizer, for some time or to the end.

    Example: train { schedule = constant(5 epochs) -> cosine }
    """

    length: Duration | None = option(Time(), "how long (none: to the end)", default=None, position=0)

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return 1.0


@schedule("warmup")
class Warmup(Schedule):
    """Raises the learning rate linearly from zero; the last step of the warmup has the full rate.

    Example: train { schedule = warmup(1 epochs) -> cosine }
    Reference: Goyal et al. 2017, arXiv:1706.02677.
    """

    length: Duration = option(Time(), "how long", default=Duration(1, "epochs"), position=0)

    @property
    def span_of_time(self) -> Duration | None:
        return self.length

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return jnp.minimum((step + 1) / length, 1.0)


@schedule("cosine")
class Cosine(Lasting):
    """Decays the learning rate along half a cosine, to `end` times its value.

    Example: train { schedule = cosine(end = 1%) }
    Reference: Loshchilov and Hutter 2016, arXiv:1608.03983.
    """

    aliases = ("CosineAnnealingLR", "CosineDecay", "cosine_decay_schedule")

    end: float = end_option(0)

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        wave = 0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(step / length, 1.0)))
        return self.end + (1 - self.end) * wave


@schedule("linear")
class Linear(Lasting):
    """Decays the learning rate linearly, to `end` times its value.

    Example: train { schedule = warmup(1 epochs) -> linear }
    """

    aliases = ("LinearLR", "linear_schedule")

    end: float = end_option(0)

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return self.end + (1 - self.end) * (1 - jnp.minimum(step / length, 1.0))


@schedule("polynomial")
class Polynomial(Lasting):
    """Decays the learning rate to `end` times its value by a power of the remaining time.

    Formula: end + (1 - end) * (1 - t / length)^power
    Example: train { schedule = polynomial(0.9) }
    Reference: Chen et al. 2017, arXiv:1606.00915.
    """

    aliases = ("PolynomialLR", "PolynomialDecay", "polynomial_schedule")

    power: float = option(Number(0, open_low=True), "the power", default=2.0, position=0)
    end: float = end_option(1)

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return self.end + (1 - self.end) * (1 - jnp.minimum(step / length, 1.0)) ** self.power


@schedule("inverse_sqrt")
class InverseSqrt(Schedule):
    """Linear warmup, then decay with the inverse square root of the step, as for the first transformers.

    The learning rate of the optimizer is reached at the end of the warmup.

    Formula: min(t / warmup, sqrt(warmup / t)), for t = 1, 2, …
    Example: train { schedule = inverse_sqrt(4000 steps) }
    Reference: Vaswani et al. 2017, arXiv:1706.03762, section 5.3.
    """

    aliases = ("noam",)

    warmup: Duration = option(
        Time(), "how long the warmup takes", default=Duration(1, "epochs"), position=0, aliases=("warmup_steps",)
    )

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        fraction = (step + 1) / steps_of(self.warmup, steps_per_epoch)
        return jnp.minimum(fraction, fraction**-0.5)


@schedule("step")
class Step(Schedule):
    """Multiplies the learning rate by `factor` every time `every` has passed.

    Example: train { schedule = step(10 epochs, 0.1) }
    """

    aliases = ("StepLR", "staircase")

    every: Duration = option(Time(), "the time between two decays", position=0, aliases=("step_size",))
    factor: float = option(
        Number(0, open_low=True), "multiplies the learning rate", default=0.1, position=1, aliases=("gamma",)
    )

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return jnp.power(self.factor, step // steps_of(self.every, steps_per_epoch))


class Times(Kind):
    """Durations in a list, each longer than the one before."""

    def accept(self, value: object) -> tuple[Duration, ...]:
        items = value if isinstance(value, list | tuple) else [value]
        found = tuple(Time().accept(item) for item in items)
        units = {time.unit for time in found}
        rises = all(before.value < after.value for before, after in pairwise(found))
        if not found or len(units) > 1 or not rises:
            wrong = Mismatch(self.describe(), value, advice="write the earliest first, all in epochs or all in steps")
            wrong.found = "times that are not ascending" if found and len(units) == 1 else wrong.found
            raise wrong
        return found

    def describe(self) -> str:
        return "durations in a list, in the same unit and ascending, such as [30 epochs, 60 epochs]"

    def to_source(self, value: object) -> str:
        return to_source(list(value) if isinstance(value, tuple) else value)


@schedule("multistep")
class Multistep(Schedule):
    """Multiplies the learning rate by `factor` at each of the given times.

    Example: train { schedule = multistep([6 epochs, 9 epochs], 0.1) }
    Reference: He et al. 2015, arXiv:1512.03385.
    """

    aliases = ("MultiStepLR", "PiecewiseConstantDecay", "piecewise_constant_schedule")

    times: tuple[Duration, ...] = option(
        Times(), "when the learning rate decays", position=0, aliases=("milestones", "boundaries")
    )
    factor: float = option(
        Number(0, open_low=True), "multiplies the learning rate", default=0.1, position=1, aliases=("gamma",)
    )

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        passed = [jnp.where(step >= steps_of(time, steps_per_epoch), 1, 0) for time in self.times]
        return jnp.power(self.factor, sum(passed))


@schedule("exponential")
class Exponential(Schedule):
    """Decays the learning rate a little at every step, by a factor of `decay` over the time `every`.

    Example: train { schedule = exponential(0.95) }
    """

    aliases = ("ExponentialLR", "ExponentialDecay", "exponential_decay")

    decay: float = option(
        Number(0, 1, open_low=True), "the factor over the time `every`", position=0, aliases=("gamma", "decay_rate")
    )
    every: Duration = option(Time(), "the time over which `decay` applies", default=Duration(1, "epochs"), position=1)

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return jnp.power(self.decay, step / steps_of(self.every, steps_per_epoch))
