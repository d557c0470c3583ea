"""A curve in one line, and which epochs of many are worth a line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 20
MAX_LINES = 100
"""With at most this many epochs each one has a line."""
USUAL_LINES = 40
MAX_SILENCE = 30.0
"""Seconds after which an epoch has a line although its number is not round."""


def sparkline(values: Sequence[float | None], width: int = WIDTH) -> str:
    """A curve as bars of eight heights: `█▆▄▃▂▁▁▁`; empty with fewer than two values.

    More values than `width` are averaged. A curve of positive numbers is drawn on a logarithmic scale: a loss decreases
    by factors. Values that are not finite are left out of the means; a column without others is a gap.
    """
    if len(values) < 2:
        return ""
    means = _means([math.nan if v is None else v for v in values], width)
    finite = [v for v in means if math.isfinite(v)]
    if not finite:
        return ""
    if min(finite) > 0:
        means, finite = [math.log(v) for v in means], [math.log(v) for v in finite]
    low, size = min(finite), max(finite) - min(finite)
    top = len(BARS) - 1
    return "".join(BARS[round(top * (v - low) / size) if size else 0] if math.isfinite(v) else " " for v in means)


def _means(values: Sequence[float], width: int) -> list[float]:
    cells = min(width, len(values))
    edges = [len(values) * i // cells for i in range(cells + 1)]
    found = []
    for begin, end in pairwise(edges):
        finite = [v for v in values[begin:end] if math.isfinite(v)]
        found.append(sum(finite) / len(finite) if finite else math.nan)
    return found


def can_draw() -> bool:
    """Whether the characters of curves can be written where the output goes."""
    try:
        BARS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


class Milestones:
    """Decides which epochs have a line: all of a few; of many the first, the last, round ones, and one now and then."""

    def __init__(self, epochs: int, *, all_epochs: bool = False) -> None:
        self.epochs = epochs
        self.step = 1 if epochs <= MAX_LINES or all_epochs else _round_up(epochs / USUAL_LINES)
        self.first: int | None = None
        self.shown_at = time.monotonic()

    def has_line(self, epoch: int) -> bool:
        """Whether this epoch (from 1) has a line; called once for each, in their order."""
        self.first = epoch if self.first is None else self.first
        now = time.monotonic()
        found = (
            epoch % self.step == 0
            or epoch in (self.first, self.epochs)
            or (self.step > 1 and now - self.shown_at >= MAX_SILENCE)
        )
        if found:
            self.shown_at = now
        return found


def _round_up(number: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, …"""
    power = 10 ** math.floor(math.log10(number))
    return int(next(power * digit for digit in (1, 2, 5, 10) if power * digit >= number))
