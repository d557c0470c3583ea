"""Scales of charts: which numbers an axis shows, how they are written, and where a number is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TICKS = 5
CLOSE = 0.04
"""How far a tight axis goes on after the last number, as a fraction of their range."""
WIDE = 30
"""Positive numbers that differ by more than this factor are on a logarithmic scale."""
EQUAL = 1e-11
"""Numbers that differ by less than this fraction are the same for an axis."""
SMALLEST = 1e-305
"""As are those that differ by less than this: steps between them are not normal numbers."""


@dataclass(frozen=True)
class Axis:
    """The numbers from `low` to `high`, on a logarithmic scale where `is_log`; `ticks` are those that are written, in
    percent where they are fractions with `in_percent`, or as `labels` say."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False
    in_percent: bool = False
    labels: tuple[str, ...] = ()

    def at(self, value: float) -> float:
        """Where a number is, from 0 to 1."""
        low, high = self.low, self.high
        if self.is_log:
            value, low, high = math.log(max(value, low)), math.log(low), math.log(high)
        return (value - low) / (high - low)

    @property
    def texts(self) -> list[str]:
        """What is written at the ticks."""
        return [*self.labels] or tick_texts(self.ticks, in_percent=self.in_percent)


FRACTIONS = Axis(0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
"""The axis of probabilities."""


def axis_of(values: Iterable[float], *, may_be_log: bool = False, in_percent: bool = False) -> Axis:
    """The axis of some numbers, which ends at ticks; those that are not finite do not count.

    Ticks are multiples of 1, 2 or 5 times a power of ten; on a logarithmic scale powers of ten, with 2 and 5 times
    them where they are few.
    """
    found = [value for value in values if math.isfinite(value)]
    if may_be_log and found and min(found) > 0 and max(found) / min(found) > WIDE:
        return _log_axis(min(found), max(found))
    low, high = _ends(found)
    step = _step((high - low) / TICKS)
    ticks = _multiples(step, math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9))
    return Axis(ticks[0], ticks[-1], ticks, in_percent=in_percent)


def tight_axis(values: Iterable[float], ticks: int = TICKS + 1) -> Axis:
    """The axis that ends close to the smallest and the largest number, so that points use all of the chart.

    Args:
        values: those that are not finite do not count.
        ticks: about how many are wanted.
    """
    low, high = _ends(values)
    room = CLOSE * (high - low)
    return axis_between(low - room, high + room, ticks)


def axis_between(low: float, high: float, ticks: int = TICKS + 1) -> Axis:
    """The axis with these ends, which differ, and round numbers between them as its ticks; see `tight_axis`."""
    step = _step((high - low) / ticks)
    return Axis(low, high, _multiples(step, math.ceil(low / step), math.floor(high / step)))


def count_axis(last: int) -> Axis:
    """The axis of epochs from 1 to `last`."""
    step = max(1, round(_step(max(last, 1) / TICKS)))
    ticks = [float(number) for number in range(step, last + 1, step)]
    return Axis(1.0, float(max(last, 2)), tuple(ticks if step == 1 else [1.0, *ticks]))


def tick_texts(ticks: Sequence[float], *, in_percent: bool = False) -> list[str]:
    """The numbers of an axis with as many digits as tell them apart."""
    shown = [(100 * tick if in_percent else tick) + 0.0 for tick in ticks]  # + 0.0: no -0
    forms = [",.9g", ",.12g", ",.15g"]
    if in_percent and max(map(abs, shown), default=0.0) < 1e6:
        forms = [",.0f", ",.1f", ",.2f", ",.3f", *forms]
    texts = ([f"{number:{form}}" for number in shown] for form in forms)
    found = next((one for one in texts if len({*one}) == len(one)), [f"{number:.17g}" for number in shown])
    return [f"{text}%" for text in found] if in_percent else found


def _ends(values: Iterable[float]) -> tuple[float, float]:
    """The smallest and the largest of the numbers that are finite, or numbers around them where they are the same."""
    found = [value for value in values if math.isfinite(value)]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    if high - low > max(EQUAL * max(abs(low), abs(high)), SMALLEST):
        return low, high
    return low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2


def _step(size: float) -> float:
    power = math.floor(math.log10(size))
    return next(step for step in (float(f"{digit}e{power}") for digit in (1, 2, 5, 10)) if step >= size * 0.999)


def _multiples(step: float, first: int, last: int) -> tuple[float, ...]:
    return tuple(float(f"{number * step:.14g}") for number in range(first, last + 1))


def _log_axis(low: float, high: float) -> Axis:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = 1 + len(powers) // (2 * TICKS)
    digits = (1, 2, 5) if len(powers) <= 3 else (1,)
    marks = [float(f"{digit}e{power}") for power in powers[::every] for digit in digits]
    return Axis(low, high, tuple(mark for mark in marks if low <= mark <= high), is_log=True)
