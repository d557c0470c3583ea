"""The learning-rate range test: the rate grows at every step, and the loss shows at which rates the network learns.

Input: an `Experiment`. Output: a `RateTest` with the curve and two suggestions. Nothing is written.

Reference: Smith 2015, Cyclical learning rates for training neural networks, arXiv:1506.01186.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.language.diagnostics import fail
from netspec.language.word import hidden
from netspec.training.errors import analysis as errors
from netspec.training.experiment import Experiment
from netspec.training.schedules import Schedule
from netspec.training.step.engine import Engine
from netspec.training.step.epoch_steps import steps_of

LOW, HIGH, STEPS = 1e-7, 10.0, 100
EXPLODED = 4.0
"""The test ends when the loss is this many times its minimum so far."""
WIDTH = 2.5
"""The standard deviation of the window that smooths the loss, in steps."""
MIN_DECREASE = 0.03
"""The fraction of the first loss by which the loss must decrease for a suggestion."""


@dataclass(frozen=True)
class RateTest:
    """The curve, one entry for each step, and what follows from it.

    `losses` are those of the batches, `smoothed` their means under a Gaussian window. `steepest` is the rate at which
    the smoothed loss falls fastest, `tenth` a tenth of the rate at which it is least; `suggested` is the smaller one.
    `exploded` says that the test ended before the highest rate.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    steepest: float
    tenth: float
    exploded: bool

    @property
    def suggested(self) -> float:
        return rounded(min(self.steepest, self.tenth))


class _Rising(Schedule):
    """A factor that grows by the same ratio at every step."""

    first: float = hidden()
    ratio: float = hidden()

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return self.first * jnp.exp(step * math.log(self.ratio))


def find_rate(job: Experiment, *, low: float = LOW, high: float = HIGH, steps: int = STEPS) -> RateTest:
    """Train for some steps with a rate that rises from `low` to `high`, in equal ratios.

    Args:
        job: what is trained on what; its schedule is left out, everything else is as in a run.
        low: the first rate.
        high: the last one, unless the loss diverges before.
        steps: how many there are, at least 10.

    Raises:
        CompileError: no rate reduces the loss (NS513), or the network has nothing to train (NS461).
    """
    ratio = (high / low) ** (1 / (steps - 1))
    rates = [low * ratio**step for step in range(steps)]
    base = base_rate(job.recipe.optimizer)
    recipe = job.recipe.replace(schedule=(_Rising(first=low / base, ratio=ratio),))
    losses = _losses(replace(job, recipe=recipe), steps)
    smoothed = smooth(losses)
    found = suggest_rates(rates, smoothed)
    if found is None:
        raise fail(errors.NoRateFound(low=f"{low:g}", high=f"{rates[len(losses) - 1]:.2g}"))
    return RateTest(
        rates=tuple(rates[: len(losses)]),
        losses=tuple(losses),
        smoothed=tuple(smoothed),
        steepest=found[0],
        tenth=found[1],
        exploded=len(losses) < steps,
    )


def base_rate(chain: Sequence[Any]) -> float:
    """The rate that the words of an optimizer give, before the schedule."""
    return next((float(word.rate) for word in chain if word.has_rate and hasattr(word, "rate")), 1.0)


def _losses(job: Experiment, steps: int) -> list[float]:
    """The loss of each batch, up to where it diverges."""
    engine = Engine(job)
    data, state = engine.feed(job.train), engine.start()
    losses: list[float] = []
    taken = chain.from_iterable(steps_of(engine, data, epoch, is_single=True) for epoch in count())
    for program, given, _ in islice(taken, steps):
        state, loss = program(state, *given)
        found = float(jax.device_get(loss))
        if not math.isfinite(found):
            break
        losses.append(found)
        recent = losses[-5:]
        if len(losses) > 10 and sum(recent) / len(recent) > EXPLODED * min(smooth(losses)):
            break
    return losses


def smooth(losses: Sequence[float]) -> list[float]:
    """Means under a Gaussian window, which do not lag behind; at the ends over what there is."""
    values, places = np.asarray(losses, np.float64), np.arange(len(losses))
    windows = np.exp(-0.5 * ((places[:, None] - places) / WIDTH) ** 2)
    found: list[float] = ((windows @ values) / windows.sum(axis=1)).tolist() if len(values) else []
    return found


def suggest_rates(rates: Sequence[float], smoothed: Sequence[float]) -> tuple[float, float] | None:
    """The rate of the steepest fall, over the logarithm of the rate, and a tenth of the rate of the least loss.

    None if the loss does not decrease by a fraction of `MIN_DECREASE`.
    """
    if len(smoothed) < 3:
        return None
    least = int(np.argmin(smoothed))
    if smoothed[0] - smoothed[least] < MIN_DECREASE * abs(smoothed[0]) or least < 2:
        return None
    slopes = np.gradient(np.asarray(smoothed), np.log(np.asarray(rates[: len(smoothed)])))
    return rates[int(np.argmin(slopes[: least + 1]))], rates[least] / 10


def rounded(rate: float) -> float:
    """A rate with one digit, two where it begins with 1: as people write it."""
    power = 10.0 ** math.floor(math.log10(rate))
    return float(f"{rate:.1e}") if rate / power < 2 else float(f"{rate:.0e}")
