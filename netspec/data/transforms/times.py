"""Points in time as files write them, and the times of a forecast.

Input: seconds from 1970, or plain numbers. Output: texts in the format of a column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.dates import DAY, UNIX
from netspec.language.lazy import lazy, np

if TYPE_CHECKING:
    import polars as pl
else:
    pl = lazy("polars")

NUMBERS = "number"
"""The format of times that are plain numbers, such as the number of a step."""

MONTH, YEAR = (28 * DAY, 31 * DAY), (365 * DAY, 366 * DAY)
"""The distances of times that follow the calendar."""

UNITS = ((7 * DAY, "week"), (DAY, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


def time_texts(times: Array, date_format: str) -> list[str]:
    """Times as the column of a file has them."""
    if date_format == NUMBERS or date_format in UNIX:
        numbers = times / UNIX.get(date_format, 1.0)
        return [f"{value:.15g}" for value in numbers.tolist()]
    micros = np.round(np.asarray(times) * 1e6).astype("datetime64[us]")
    form = date_format.replace("%#z", "+00:00").replace("%z", "+00:00")
    is_whole = not len(micros) or bool((micros.astype(np.int64) % 1_000_000 == 0).all())
    form = form.replace("%.f", "" if is_whole else "%.6f")
    texts: list[str] = pl.Series("", micros).dt.strftime(form).to_list()
    return texts


def times_after(last: float, count: int, interval: float, date_format: str) -> Array:
    """The times of `count` rows after the last one, at the usual distance; months and years by the calendar."""
    steps = np.arange(1, count + 1)
    if date_format == NUMBERS or not (_is_in(interval, MONTH) or _is_in(interval, YEAR)):
        return last + interval * steps
    months = steps * (1 if _is_in(interval, MONTH) else 12)
    when = np.datetime64(round(last * 1e6), "us")
    month = when.astype("datetime64[M]")
    inside = when - month.astype("datetime64[us]")
    starts = (month + months).astype("datetime64[us]")
    ends = (month + months + 1).astype("datetime64[us]") - np.timedelta64(1, "D")
    time_of_day = inside % np.timedelta64(1, "D")
    # the 31st of a month becomes the last day of a shorter one
    found: Array = np.minimum(starts + inside, ends + time_of_day).astype(np.int64) / 1e6
    return found


def distance_text(interval: float, date_format: str | None) -> str:
    """The distance of two rows in words: `1 hour`, `15 minutes`."""
    if date_format == NUMBERS:
        return f"{interval:g}"
    for limits, name in ((MONTH, "1 month"), (YEAR, "1 year")):
        if _is_in(interval, limits):
            return name
    unit, name = next((unit for unit in UNITS if interval >= unit[0] and interval % unit[0] == 0), UNITS[-1])
    count = interval / unit
    return f"{count:g} {name}{'' if count == 1 else 's'}"


def season_name(season: int, interval: float | None, date_format: str | None) -> str:
    """What a value a season before is called: `same hour yesterday`, or by the number of rows."""
    if interval is None or date_format == NUMBERS:
        return f"{season} rows before"
    length = season * interval
    if interval < DAY and length in (DAY, 7 * DAY):
        unit = "hour" if interval == 3600 else "time"
        return f"same {unit} {'yesterday' if length == DAY else 'last week'}"
    if length == 7 * DAY:
        return "same day last week"
    if _is_in(length, YEAR) or (season == 12 and _is_in(interval, MONTH)):
        unit = "month" if _is_in(interval, MONTH) else "day" if interval == DAY else "time"
        return f"same {unit} last year"
    return f"{distance_text(length, date_format)} before"


def _is_in(length: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= length <= limits[1]
