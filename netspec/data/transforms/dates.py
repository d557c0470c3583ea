"""Dates and times as numbers: a linear part, and the position in the year, the week and the day as sine and cosine.

Input: cells of a column. Output: `Dates`, which is plain data, for JSON; features of it. Which parts there are is
decided by the dates alone; they are scaled by `normalize` with the statistics of the training split, as all numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from netspec.data.dataset.lazy_rows import Array
from netspec.language.lazy import lazy, np
from netspec.language.record import Frozen

if TYPE_CHECKING:
    import polars as pl
else:
    pl = lazy("polars")

DAY = 86400.0

Unit = Literal["years", "days", "hours", "minutes", "seconds"]

UNITS: dict[Unit, float] = {
    "years": 365.2425 * DAY, "days": DAY, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0
}  # fmt: skip
"""Seconds in the units of the linear part: the largest that the dates span is used."""

Cycle = Literal["year", "week", "day"]

UNIX = {"unix": 1.0, "unix_ms": 1e-3, "unix_us": 1e-6}
"""Formats of numbers, counted from 1970, with their unit in seconds."""

_TIMES = (
    "", " %H:%M:%S%.f", " %H:%M", "T%H:%M:%S%.f", "T%H:%M", "T%H:%M:%S%.f%#z", " %H:%M:%S%.f%#z", " %I:%M:%S %p",
    " %I:%M %p",
)  # fmt: skip
_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y",
    "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d. %B %Y",
)  # fmt: skip
FORMATS = (*(day + time for day in _DAYS for time in _TIMES), "%Y%m%d", "%Y-%m", "%Y/%m", "%H:%M:%S%.f", "%H:%M")
"""The formats that are detected, as in `strptime`; `%.f` is a fraction of a second, which may be left out."""

MAX_LOOKED_AT = 50
"""The number of cells by which the format of a column is guessed."""


class Dates(Frozen):
    """How a column of dates becomes numbers.

    `format` is that of the cells, as in `strptime`, or one of `UNIX`. The linear part counts `unit`s from `origin`
    (seconds from 1970) where it `is_linear`; `cycles` are the periods in which positions are given as sine and cosine.
    """

    format: str
    unit: Unit
    origin: float
    cycles: tuple[Cycle, ...]
    is_linear: bool = True

    def of_parts(self, parts: Sequence[str]) -> Dates:
        """The same with these parts alone: `linear`, and the names of cycles."""
        cycles: tuple[Cycle, ...] = ("year", "week", "day")
        return self.replace(cycles=tuple(cycle for cycle in cycles if cycle in parts), is_linear="linear" in parts)

    def features(self, column: str) -> list[str]:
        """The names of the features."""
        linear = [f"{column} in {self.unit}"] if self.is_linear else []
        return linear + [f"{column} {cycle} {f}" for cycle in self.cycles for f in ("sin", "cos")]

    def encode(self, seconds: Array) -> Array:
        """Features of points in time, in seconds from 1970: float64 of shape (rows, features); NaN stays NaN."""
        columns = [(seconds - self.origin) / UNITS[self.unit]] if self.is_linear else []
        for cycle in self.cycles:
            angle = 2 * np.pi * _position(seconds, cycle)
            columns += [np.sin(angle), np.cos(angle)]
        return np.stack(columns, axis=1)


def parse_dates(cells: Sequence[str], date_format: str) -> Array:
    """Seconds from 1970 (times of day: from midnight), float64; NaN for cells of another format. Times with a zone are
    those of UTC."""
    texts = pl.Series("", cells, pl.String)
    if date_format in UNIX:
        return np.array(texts.cast(pl.Float64, strict=False).fill_null(np.nan)) * UNIX[date_format]
    form = date_format.replace(".%f", "%.f").replace("%z", "%#z")
    if not any(sign in form for sign in ("%Y", "%y", "%m", "%d", "%b", "%B", "%j")):
        return np.array(texts.str.to_time(form, strict=False).to_physical().cast(pl.Float64).fill_null(np.nan)) / 1e9
    times = texts.str.to_datetime(form, strict=False, exact=True, time_unit="us")
    if "%#z" in form:
        times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    micros = times.to_physical().cast(pl.Float64)
    if "%Y" in form:
        micros = pl.select(pl.when(times.dt.year() >= 1000).then(micros)).to_series()  # 21 is not a year
    return np.array(micros.fill_null(np.nan)) / 1e6


def detect_formats(cells: Sequence[str]) -> list[str]:
    """The formats that all of some cells have, if they differ in what the cells mean; nothing when there is none."""
    distinct = [*dict.fromkeys(cells)]
    if not distinct:
        return []
    if (unix := _unix_format(distinct)) is not None:
        return [unix]
    found: dict[bytes, str] = {}
    for form in FORMATS:
        if any(np.isnan(parse_dates(part, form)).any() for part in (distinct[:1], distinct[:MAX_LOOKED_AT])):
            continue
        seconds = parse_dates(distinct, form)
        if not np.isnan(seconds).any():
            found.setdefault(seconds.tobytes(), form)
    return [*found.values()]


def looks_like_dates(cells: Sequence[str]) -> bool:
    """Whether texts have the format of a date or time."""
    return bool(detect_formats(cells[:MAX_LOOKED_AT])) and not cells[0].isdigit()


def fit_dates(seconds: Array, date_format: str) -> Dates:
    """The parts that vary, and the largest unit that fits into the time from the first to the last date."""
    known = seconds[~np.isnan(seconds)]
    first, last = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    unit: Unit = next((name for name, length in UNITS.items() if last - first >= length), "seconds")
    has_days = any(sign in date_format for sign in ("%d", "%m", "%b", "%B", "unix"))
    origin = 946684800.0 if unit == "years" else np.floor(first / DAY) * DAY  # the year 2000, or midnight
    times, days = known % DAY, np.floor(known / DAY)
    varies: dict[Cycle, bool] = {
        "year": has_days and _varies(days), "week": has_days and _varies(days % 7), "day": _varies(times)
    }  # fmt: skip
    return Dates(date_format, unit, float(origin), tuple(cycle for cycle, does in varies.items() if does))


def _varies(values: Array) -> bool:
    return bool(len(values)) and bool(values.min() < values.max())


def _unix_format(cells: Sequence[str]) -> str | None:
    """The unit of numbers that count from 1970, by their size: dates from 1973 to 2286."""
    numbers = pl.Series("", cells, pl.String).cast(pl.Float64, strict=False)
    values = np.array(numbers.fill_null(np.nan))
    if np.isnan(values).any():
        return None
    low, high = float(values.min()), float(values.max())
    return next((name for name, unit in UNIX.items() if low * unit >= 1e8 and high * unit < 1e10), None)


def _position(seconds: Array, cycle: Cycle) -> Array:
    """The position in a period, from 0 to 1: of the year from January 1, of the week from Monday, of the day."""
    is_known = ~np.isnan(seconds)
    micros = np.where(is_known, np.round(seconds * 1e6), 0).astype("datetime64[us]")
    days = micros.astype("datetime64[D]")
    time = (micros - days) / np.timedelta64(1, "D")
    if cycle == "year":
        year = days.astype("datetime64[Y]")
        first, following = year.astype("datetime64[D]"), (year + 1).astype("datetime64[D]")
        position = ((days - first).astype(float) + time) / (following - first).astype(float)
    else:
        position = time if cycle == "day" else ((days.astype(np.int64) + 3) % 7 + time) / 7
    return np.where(is_known, position, np.nan)
