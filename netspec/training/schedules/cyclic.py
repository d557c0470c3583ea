"""Cyclic schedules."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from netspec.language.kinds import Choice, Number, Time
from netspec.language.lazy import lazy
from netspec.language.values import Duration
from netspec.language.word import option
from netspec.training.schedules.base import Lasting, Schedule, schedule, steps_of

jnp = lazy("jax.numpy")

FRACTION = Number(0, 1, open_low=True)


@schedule("one_cycle")
class OneCycle(Lasting):
    """Raises the learning rate from a small value to that of the optimizer, then decays it to almost zero.

    The learning rate of the optimizer is the peak, reached after the fraction `rise` of the time (super-convergence).

    Example: train { schedule = one_cycle }
    Reference: Smith and Topin 2017, arXiv:1708.07120.
    """

    aliases = ("OneCycleLR", "cosine_onecycle_schedule", "linear_onecycle_schedule")

    rise: float = option(
        Number(0, 1, open_low=True, open_high=True),
        "the fraction of the time in which the learning rate rises",
        default=0.3,
        position=0,
        aliases=("pct_start",),
    )
    start: float = option(FRACTION, "the first factor", default=0.04, aliases=("div_factor",))
    end: float = option(Number(0, 1), "the last factor", default=4e-6, aliases=("final_div_factor",))
    shape: str = option(
        Choice(("cosine", "linear")), "along half a cosine, or linearly", default="cosine", aliases=("anneal_strategy",)
    )

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        last = max(1.0, length - 1.0)
        top = min(max(0.5, self.rise * length - 1.0), last - 0.5)
        up, down = self._progress(step / top), self._progress((step - top) / (last - top))
        return jnp.where(step <= top, self.start + (1 - self.start) * up, 1 + (self.end - 1) * down)

    def _progress(self, fraction: Any) -> Any:
        """From 0 to 1."""
        fraction = jnp.clip(fraction, 0.0, 1.0)
        return fraction if self.shape == "linear" else 0.5 * (1 - jnp.cos(jnp.pi * fraction))


@schedule("cosine_restarts")
class CosineRestarts(Schedule):
    """Cosine decay that restarts again and again (SGDR).

    Example: train { schedule = cosine_restarts(5 epochs, 2) }
    Reference: Loshchilov and Hutter 2016, arXiv:1608.03983.
    """

    aliases = ("CosineAnnealingWarmRestarts", "CosineDecayRestarts", "sgdr_schedule")

    every: Duration = option(Time(), "the length of the first cycle", position=0, aliases=("T_0", "first_decay_steps"))
    growth: float = option(
        Number(1), "how many times longer each cycle is than the one before it", default=1.0, position=1,
        aliases=("T_mult", "t_mul"),
    )  # fmt: skip
    end: float = option(Number(0, 1), "the factor at the end of a cycle", default=0.0, aliases=("eta_min", "alpha"))

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        first = steps_of(self.every, steps_per_epoch)
        if self.growth == 1:
            fraction = (step % first) / first
        else:
            starts = self._starts(first, length)
            cycle = jnp.searchsorted(jnp.asarray(starts), step, side="right") - 1
            lengths = [after - before for before, after in pairwise(starts)]
            cycle = jnp.minimum(cycle, len(lengths) - 1)
            fraction = jnp.minimum((step - jnp.asarray(starts)[cycle]) / jnp.asarray(lengths)[cycle], 1.0)
        return self.end + (1 - self.end) * 0.5 * (1 + jnp.cos(jnp.pi * fraction))

    def _starts(self, first: int, length: int) -> list[int]:
        """The steps at which cycles begin, and the end of the last one."""
        starts, cycle = [0, first], float(first)
        while starts[-1] <= length:
            cycle *= self.growth
            starts.append(starts[-1] + max(1, round(cycle)))
        return starts
