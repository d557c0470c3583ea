"""Schedules: words that are chained in time, `warmup(1 epochs) -> cosine`, and multiply the optimizer's rate.

Comes in: checked words, and how many steps an epoch and the whole run have. Goes out: a function from the step to a
factor. Each word counts its steps from its start; the last one lasts to the end of the run.
"""

from netspec.training.schedules.base import (
    Factor as Factor,
    Schedule as Schedule,
    schedule as schedule,
    steps_of as steps_of,
)
from netspec.training.schedules.build import (
    build_schedule as build_schedule,
    find_plateau as find_plateau,
    steps_before as steps_before,
)
from netspec.training.schedules.curve import rates_of as rates_of
from netspec.training.schedules.cyclic import CosineRestarts as CosineRestarts, OneCycle as OneCycle
from netspec.training.schedules.decay import (
    Constant as Constant,
    Cosine as Cosine,
    Exponential as Exponential,
    InverseSqrt as InverseSqrt,
    Linear as Linear,
    Multistep as Multistep,
    Polynomial as Polynomial,
    Step as Step,
    Warmup as Warmup,
)
from netspec.training.schedules.plateau import ReduceOnPlateau as ReduceOnPlateau
