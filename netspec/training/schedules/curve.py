"""The learning rate at every step of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.language.lazy import lazy
from netspec.training.schedules.base import Schedule
from netspec.training.schedules.build import build_schedule

jax = lazy("jax")
np = lazy("numpy")


def rates_of(rate: float, chain: Sequence[Schedule], steps_per_epoch: int, epochs: int) -> Any:
    """The learning rates as an array with one number for each step, without what follows a metric.

    Args:
        rate: that of the optimizer.
        chain: the schedule.
        steps_per_epoch: how many batches an epoch has.
        epochs: how long the run is.
    """
    total = epochs * steps_per_epoch
    factor = build_schedule(chain, steps_per_epoch, total)
    return rate * np.asarray(jax.jit(jax.vmap(factor))(np.arange(total, dtype=np.int32)), np.float64)
