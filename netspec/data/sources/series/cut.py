"""Windows over the rows of series: which there are, and their numbers, which are read on demand.

Input: `SeriesRows`, and the rows with missing values. Output: the first row of each window, `WindowRows`.
"""

from __future__ import annotations

from collections.abc import Mapping

from netspec.data.dataset.lazy_rows import Array, Rows
from netspec.data.sources.series.rows import SeriesRows
from netspec.data.transforms.times import season_name
from netspec.language.lazy import np


class WindowRows(Rows):
    """Stretches of consecutive rows of a table, which is in memory once however long they are.

    Args:
        base: the rows, one after the other.
        begins: the first row of each stretch.
        length: how many rows it has.
    """

    def __init__(self, base: Array, begins: Array, length: int) -> None:
        super().__init__((len(begins), length, *base.shape[1:]), base.dtype)
        self.base, self.begins = base, begins
        self.steps = np.arange(length)

    def read(self, index: Array) -> Array:
        found: Array = self.base[self.begins[index][:, None] + self.steps]
        return found


def window_begins(segment: Array, bad_input: Array, bad_target: Array, past: int, ahead: int, step: int) -> Array:
    """The first row of each window, every `step` rows of a stretch; none reaches over a gap, or holds a row that is
    bad: among its first `past` rows as an input, among the `ahead` after them as a target.
    """
    length = past + ahead
    if len(segment) < length:
        return np.zeros(0, np.int64)
    begins = np.arange(len(segment) - length + 1)
    offset = begins - stretch_begins(segment)[: len(begins)]
    fits = (segment[begins] == segment[begins + length - 1]) & (offset % step == 0)
    targets = (begins + past, begins + length) if ahead else (begins + past - 1, begins + past)
    fits &= _none_between(bad_input, begins, begins + past) & _none_between(bad_target, *targets)
    found: Array = begins[fits]
    return found


def stretch_begins(segment: Array) -> Array:
    """For each row, the first row of its stretch; the numbers of stretches rise."""
    found: Array = np.searchsorted(segment, segment)
    return found


def _none_between(bad: Array, begins: Array, ends: Array) -> Array:
    total = np.concatenate([[0], np.cumsum(bad)])
    found: Array = total[ends] == total[begins]
    return found


def longest_stretch(segment: Array, bad: Array) -> int:
    """The largest number of consecutive rows without a gap and without a bad one."""
    change = (np.diff(segment, prepend=segment[:1] - 1) != 0) | bad | np.concatenate([[False], bad[:-1]])
    pieces = np.cumsum(change)[~bad]
    return int(np.unique(pieces, return_counts=True)[1].max()) if len(pieces) else 0


def fill_forward(values: Array, segment: Array) -> Array:
    """Missing numbers replaced by the last known one before them in the same stretch: nothing of the future is used."""
    places = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, places), axis=0)
    first = stretch_begins(segment)[:, None]
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    found: Array = np.where(last >= first, filled, np.nan)
    return found


def baseline_forecasts(
    values: Array, rows: SeriesRows, begins: Array, past: int, ahead: int, season: int | None
) -> Mapping[str, Array]:
    """By name, what is forecast without a network: the last value before the forecast, and the value a season before.

    Where a series begins less than a season before, or a value is missing, the last value is taken instead.

    Returns:
        Arrays of windows x steps ahead x targets.
    """
    if ahead == 0:
        return {}
    last = begins + past - 1
    filled = fill_forward(values, rows.segment)
    naive = np.repeat(filled[last][:, None], ahead, axis=1)
    found = {"last value": naive}
    if season is not None:
        back = season * ((np.arange(ahead) // season) + 1)
        places = (last[:, None] + 1 + np.arange(ahead)) - back
        inside = np.maximum(places, 0)
        is_there = (places >= 0) & (rows.segment[inside] == rows.segment[last][:, None])
        seasonal = np.where(is_there[..., None], filled[inside], np.nan)
        name = season_name(season, rows.interval, rows.format)
        found[name] = np.where(np.isnan(seasonal), naive, seasonal)
    return {name: np.where(np.isnan(part), 0.0, part) for name, part in found.items()}
