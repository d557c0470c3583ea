"""Schedules: words that are chained in time, `warmup(1 epochs) -> cosine`, and multiply the optimizer's rate.

Comes in: checked words, and how many steps an epoch and the whole run have. Goes out: a function from the step to a
factor. Each word counts its steps from where it begins; the last one lasts to the end of the run.
"""

from netspec.train.schedules.base import Factor, Schedule, schedule, steps_of
from netspec.train.schedules.build import build_schedule, find_plateau, steps_before
from netspec.train.schedules.course import rates_of
from netspec.train.schedules.cycles import CosineRestarts, OneCycle
from netspec.train.schedules.falling import (
    Constant,
    Cosine,
    Exponential,
    InverseSqrt,
    Linear,
    Multistep,
    Polynomial,
    Step,
    Warmup,
)
from netspec.train.schedules.plateau import ReduceOnPlateau

__all__ = [
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "Factor",
    "InverseSqrt",
    "Linear",
    "Multistep",
    "OneCycle",
    "Polynomial",
    "ReduceOnPlateau",
    "Schedule",
    "Step",
    "Warmup",
    "build_schedule",
    "find_plateau",
    "rates_of",
    "schedule",
    "steps_before",
    "steps_of",
]
