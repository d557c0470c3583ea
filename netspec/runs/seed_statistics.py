"""Runs that differ in their seed only: what they share, and how their figures are summed up.

Comes in: the metrics of each seed. Goes out: for each metric the mean and the spread. The runs share one compiled
program (`Engine(…, programs_of=…)`) and go one after another rather than side by side in one `jax.vmap`: XLA makes
grouped convolutions of those, which take twice to four times as long on a CPU, and a run has to be the same to the last
bit as one of its seed alone, so that it can be gone on from by itself.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from netspec.language.record import Frozen


class Spread(Frozen):
    """A figure over several runs. `std` is that of the sample (divided by n - 1), 0 for a single run."""

    mean: float
    std: float
    min: float
    max: float
    values: tuple[float, ...]


def spread_of(values: Sequence[float]) -> Spread:
    """Mean and spread of the values of a figure."""
    return Spread(
        mean=statistics.fmean(values),
        std=statistics.stdev(values) if len(values) > 1 else 0.0,
        min=min(values),
        max=max(values),
        values=tuple(values),
    )


def spreads(runs: Sequence[Mapping[str, Any]]) -> dict[str, Spread]:
    """The spread of each figure that all runs have as a finite number; tables are left out."""
    names = [name for name in runs[0] if all(_is_number(run.get(name)) for run in runs)] if runs else []
    return {name: spread_of([float(run[name]) for run in runs]) for name in names}


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)
