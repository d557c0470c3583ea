"""Schedules: words that are chained in time, `warmup(1 epochs) -> cosine`, and multiply the optimizer's rate.

Input: checked words, and the number of steps per epoch and per run. Output: a function from the step to a
factor. Each word counts its steps from its start; the last one lasts to the end of the run.
"""

from netspec.training.schedules import words as words
from netspec.training.schedules.base import Schedule as Schedule, schedule as schedule
from netspec.training.schedules.build import (
    build_schedule as build_schedule,
    find_plateau as find_plateau,
    rates_of as rates_of,
)
