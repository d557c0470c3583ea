"""Scales of charts: which numbers an axis shows, and where a number is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netspec.report.text import number_text

TICKS = 5
CLOSE = 0.04
"""How far a close axis goes on after the last number, as a fraction of their range."""
WIDE = 30
"""Positive numbers that differ by more than this factor are on a logarithmic scale."""


@dataclass(frozen=True)
class Axis:
    """The numbers from `low` to `high`, on a logarithmic scale where `is_log`; `ticks` are those that are written."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def at(self, value: float) -> float:
        """Where a number is, from 0 to 1."""
        low, high = self.low, self.high
        if self.is_log:
            value, low, high = math.log(max(value, low)), math.log(low), math.log(high)
        return (value - low) / (high - low)


def axis_of(values: Iterable[float], *, may_be_log: bool = False) -> Axis:
    """The axis of some numbers; those that are not finite do not count.

    Ticks are multiples of 1, 2 or 5 times a power of ten; on a logarithmic scale powers of ten, with 2 and 5 times
    them where they are few.
    """
    found = [value for value in values if math.isfinite(value)]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    if may_be_log and low > 0 and high / low > WIDE:
        return _log_axis(low, high)
    low, high = _ends(found)
    step = _step((high - low) / TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(number * step, 12) for number in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def close_axis(values: Sequence[float]) -> Axis:
    """The axis that ends close to the smallest and the largest number, with the round numbers between as its ticks."""
    low, high = _ends(values)
    low, high = low - CLOSE * (high - low), high + CLOSE * (high - low)
    step = _step((high - low) / (2 * TICKS))
    ticks = tuple(round(number * step, 12) for number in range(math.ceil(low / step), math.floor(high / step) + 1))
    return Axis(low, high, ticks)


def count_axis(last: int) -> Axis:
    """The axis of epochs from 1 to `last`."""
    step = max(1, round(_step(max(last, 1) / TICKS)))
    ticks = [float(number) for number in range(step, last + 1, step)]
    return Axis(1.0, float(max(last, 2)), tuple(ticks if step == 1 else [1.0, *ticks]))


def tick_texts(ticks: Sequence[float], *, in_percent: bool = False) -> list[str]:
    """The numbers of an axis, all with as many digits."""
    if in_percent:
        shown = [100 * tick for tick in ticks]
        digits = next((d for d in range(3) if len({f"{one:.{d}f}" for one in shown}) == len(shown)), 3)
        return [f"{one:.{digits}f}%" for one in shown]
    return [number_text(tick) if abs(tick) >= 1000 else f"{tick:.10g}" for tick in ticks]


def _ends(values: Iterable[float]) -> tuple[float, float]:
    """The smallest and the largest of the numbers that are finite, or numbers around the only one."""
    found = [value for value in values if math.isfinite(value)]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    return (low, high) if low < high else (low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2)


def _step(size: float) -> float:
    power = 10.0 ** math.floor(math.log10(size))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= size * 0.999)


def _log_axis(low: float, high: float) -> Axis:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(first, last + 1)
    every = 1 + len(powers) // (2 * TICKS)
    digits = (1, 2, 5) if len(powers) <= 3 else (1,)
    marks = [digit * 10.0**power for power in powers[::every] for digit in digits]
    ticks = [mark for mark in marks if low <= mark <= high]
    return Axis(low, high, tuple(ticks), is_log=True)
