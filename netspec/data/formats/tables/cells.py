"""What a cell of a table means by itself: a number, or a missing value."""

from __future__ import annotations

from math import isnan

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
"""The cells, in lower case, that mean an unknown number."""

UNKNOWN_NAME = frozenset({"", "nan", "?"})
"""The same for cells that name a class or a category; `NA` or `none` may well be one."""


def number(cell: str) -> float | None:
    """A cell as a number, infinity included; None when it is not one."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if isnan(value) else value
