"""Dates as numbers, in programs that predict without netspec."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

UNIX = {"unix": 1.0, "unix_ms": 1e-3, "unix_us": 1e-6}
UNITS = {"years": 365.2425 * 86400.0, "days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


def seconds_of(cell: str, form: str) -> float:
    """A date in seconds from 1970, or a time of day in seconds from midnight; times with a zone are those of UTC.

    Raises:
        ValueError: it has another format.
    """
    if form in UNIX:
        return float(cell) * UNIX[form]
    form = form.replace(".%f", "%.f").replace("%#z", "%z")
    variants = [form.replace("%.f", ".%f"), form.replace("%.f", "")] if "%.f" in form else [form]
    wrong = ValueError()
    for variant in variants:
        try:
            time = datetime.strptime(cell, variant)
        except ValueError as error:
            wrong = error
            continue
        time = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo is not None else time
        has_day = any(sign in form for sign in ("%Y", "%y", "%m", "%d", "%b", "%B", "%j"))
        return (time - (datetime(1970, 1, 1) if has_day else datetime(1900, 1, 1))).total_seconds()
    raise wrong


def date_features(seconds: float, dates: dict[str, Any]) -> list[float]:
    """The features of a point in time; NaN for a missing one."""
    found = [(seconds - dates["origin"]) / UNITS[dates["unit"]]]
    for cycle in dates["cycles"]:
        angle = 2 * math.pi * position(seconds, cycle)
        found += [math.sin(angle), math.cos(angle)]
    return found


def position(seconds: float, cycle: str) -> float:
    """Where it is in a year from January 1, in a week from Monday, or in a day: from 0 to 1."""
    if math.isnan(seconds):
        return math.nan
    day = math.floor(seconds / 86400)
    time = seconds / 86400 - day
    if cycle != "year":
        return time if cycle == "day" else ((day + 3) % 7 + time) / 7
    year = datetime.fromordinal(day + datetime(1970, 1, 1).toordinal()).year
    first, following = (datetime(y, 1, 1).toordinal() - datetime(1970, 1, 1).toordinal() for y in (year, year + 1))
    return (day - first + time) / (following - first)
