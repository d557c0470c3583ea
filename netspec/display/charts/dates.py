"""The axis of times: round times of the calendar, with no more than what tells them apart."""

from __future__ import annotations

from typing import Any

from netspec.display.charts.axes import CLOSE, TICKS, Axis
from netspec.language.lazy import np

MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = (
    *(1, 2, 5, 10, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY),
)
"""Seconds between two ticks."""
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12000)
MONTH = 30.4 * DAY
YEAR_0 = 12 * 1970
"""Months before 1970."""


def date_axis(low: float, high: float) -> tuple[Axis, str]:
    """The axis of times in seconds from 1970, which ends close to them, and the years that its ticks do not say.

    Times are those of UTC, as the data have them.
    """
    if high - low < 1:  # one time alone, or parts of a second
        return Axis(low - 0.5, high + 0.5, (low,), labels=(str(_moments(low)).replace("T", " "),)), ""
    room = CLOSE * (high - low)
    begin, end = low - room, high + room
    size = (high - low) / TICKS
    step = next((step for step in STEPS if step >= size), None)
    if step is None:
        months = next((one for one in MONTHS if one * MONTH >= size), MONTHS[-1])
        return _months(begin, end, months), ""
    ticks = np.arange(np.ceil(begin / step), np.floor(end / step) + 1) * step
    when = _moments(ticks)
    years = np.unique(_moments([low, high]).astype("datetime64[Y]"))
    form = "%m-%d" if step >= DAY else "%H:%M" if step >= MINUTE else "%H:%M:%S"
    if step < DAY and int(low // DAY) != int(high // DAY):
        form = f"%m-%d {form}"
    if len(years) > 1:
        form = f"%Y-{form}" if "%m" in form else form
    labels = tuple(one.strftime(form) for one in when.tolist())
    told = "" if len(years) > 1 else str(years[0])
    if "%m" not in form:
        told = str(_moments(low).astype("datetime64[D]"))
    return Axis(begin, end, tuple(ticks.tolist()), labels=labels), told


def _months(begin: float, end: float, months: int) -> Axis:
    """Ticks at the beginnings of months, counted from January of the year 0, so that those of decades are round."""
    first, last = (int(_month(one)) for one in (begin, end))
    numbers = np.arange(-(-first // months), last // months + 1) * months
    when = (numbers - YEAR_0).astype("datetime64[M]")
    seconds = when.astype("datetime64[s]").astype("float64")
    form = "%Y" if months % 12 == 0 else "%Y-%m"
    ticks = [(at, one.strftime(form)) for at, one in zip(seconds.tolist(), when.tolist(), strict=True) if at >= begin]
    return Axis(begin, end, tuple(at for at, _ in ticks), labels=tuple(text for _, text in ticks))


def _month(seconds: float) -> Any:
    return _moments(seconds).astype("datetime64[M]").astype("int64") + YEAR_0


def _moments(seconds: Any) -> Any:
    return np.floor(seconds).astype("int64").astype("datetime64[s]")
