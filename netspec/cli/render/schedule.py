"""The learning rate over a run, for `netspec show --schedule`.

Input: a compiled spec. Output: a curve in ASCII, and the initial, maximum and final learning rate.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from netspec.cli.render.line_plot import curve_lines, number_text
from netspec.display.text import plural
from netspec.spec.compilation import Compilation
from netspec.training.optimizers.checks import text_of
from netspec.training.schedules import find_plateau, rates_of

ASSUMED_STEPS = 100
"""The steps of an epoch without data."""
HEIGHT = 13
MAX_WIDTH = 100
MIN_WIDTH = 30
POINTS = 200
"""At most this many rates go into the JSON form."""


@dataclass(frozen=True)
class ScheduleCurve:
    """The rate at every step of a run, from 0."""

    rates: Any
    steps_per_epoch: int
    is_assumed: bool
    words: str
    notes: tuple[str, ...]


def schedule_curve(spec: Compilation) -> ScheduleCurve:
    """The rates of a run as the spec has it; the data are loaded to count the steps.

    Raises:
        CompileError: something is wrong with the spec or its data.
    """
    has_data = spec.data.source is not None
    steps = _steps_of_data(spec) if has_data else ASSUMED_STEPS
    train = spec.train
    rate = next(word.rate for word in train.optimizer if word.has_rate)  # type: ignore[attr-defined]  # those have it
    rates = rates_of(rate, train.schedule, steps, train.epochs)
    words = " -> ".join(word.to_source() for word in train.schedule)
    text = f"{words} on {text_of(train.optimizer)}"
    return ScheduleCurve(rates, steps, not has_data, text, tuple(_notes(spec)))


def _steps_of_data(spec: Compilation) -> int:
    from netspec.spec.experiment import prepare

    prepared = prepare(spec)
    return prepared.recipe.steps_per_epoch(len(prepared.splits.train))


def _notes(spec: Compilation) -> list[str]:
    """What the curve does not show."""
    notes = []
    plateau = find_plateau(spec.train.schedule)
    if plateau is not None:
        notes.append(
            f"multiplied by {number_text(plateau.factor)} each time `{plateau.watches()}` has not improved for "
            f"{plural(plateau.patience, 'epoch')}, which is not drawn"
        )
    for word in spec.train.optimizer:
        if word.layers:
            names = ", ".join(word.layers)
            notes.append(f"times {number_text(word.factor)} for {names}")  # type: ignore[attr-defined]
    return notes


def schedule_text(curve: ScheduleCurve) -> str:
    """The curve, its axes, and the initial, maximum and final learning rate."""
    width = max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size((80, 24)).columns - 14))
    epochs = len(curve.rates) // curve.steps_per_epoch
    lines = [f"learning rate: {curve.words}", ""]
    ends = ("0", number_text(epochs / 2), plural(epochs, "epoch"))
    lines += curve_lines(_columns(curve.rates, width), height=HEIGHT, ends=ends)
    assumed = ", assumed: no data source is given" if curve.is_assumed else ""
    lines += ["", f"{len(curve.rates):,} steps, {curve.steps_per_epoch:,} per epoch{assumed}", _rates_text(curve)]
    return "\n".join([*lines, *curve.notes])


def _rates_text(curve: ScheduleCurve) -> str:
    rates, per_epoch = curve.rates, curve.steps_per_epoch
    highest = int(rates.argmax())
    where = f"epoch {highest // per_epoch + 1}, step {highest % per_epoch + 1}"
    first, top, last = (number_text(float(rate)) for rate in (rates[0], rates[highest], rates[-1]))
    return f"initial {first}, maximum {top} ({where}), final {last}"


def _columns(rates: Any, width: int) -> list[tuple[float, float]]:
    """The lowest and the highest rate of each column; every step is in one of them."""
    if len(rates) < width:
        spread = [float(rates[i * len(rates) // width]) for i in range(width)]
        return [(rate, rate) for rate in spread]
    bounds = np.linspace(0, len(rates), width + 1).astype(int)
    parts = [rates[a:b] for a, b in pairwise(bounds)]
    return [(float(part.min()), float(part.max())) for part in parts]


def schedule_json(curve: ScheduleCurve) -> dict[str, Any]:
    """The same for machines: `points` are pairs of a step, from 0, and its rate."""
    rates = curve.rates
    highest = int(rates.argmax())
    every = max(1, -(-len(rates) // POINTS))
    return {
        "schedule": curve.words,
        "steps": len(rates),
        "steps_per_epoch": curve.steps_per_epoch,
        "assumed": curve.is_assumed,
        "first": float(rates[0]),
        "highest": float(rates[highest]),
        "highest_step": highest,
        "last": float(rates[-1]),
        "notes": list(curve.notes),
        "points": [[step, float(rates[step])] for step in range(0, len(rates), every)],
    }
