"""Groups of the rows of a table: by the values of a column, or by its quartiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from netspec.data.dataset.lazy_rows import Array
from netspec.display.text import number_text

MAX_VALUES = 8
"""Rarer values of a category are one group."""
OTHERS = "others"
MISSING = "(missing)"


def groups_by_value(cells: Sequence[str]) -> dict[str, Array]:
    """The rows with each value, the most frequent first."""
    counts = Counter(cells)
    ranked = sorted(counts, key=lambda value: -counts[value])
    named = ranked[:MAX_VALUES] if len(ranked) > MAX_VALUES + 1 else ranked
    array = np.array(cells, dtype=object)
    found = {value: np.flatnonzero(array == value) for value in named}
    if len(counts) > len(named):
        found[OTHERS] = np.flatnonzero(~np.isin(array.astype(str), named))
    return found


def groups_by_quartile(values: Array) -> dict[str, Array]:
    """The rows in each quartile; of at most four different numbers those with each. And those without a number."""
    known = np.asarray(values, np.float64)
    levels = np.unique(known[np.isfinite(known)])
    if len(levels) <= 4:
        found = {number_text(level): np.flatnonzero(known == level) for level in levels.tolist()}
        return found | _missing(known)
    ends = np.unique(np.quantile(known[np.isfinite(known)], [0, 0.25, 0.5, 0.75, 1]))
    found = {}
    for low, high in pairwise(ends):
        is_first = low == ends[0]
        is_in = (known >= low if is_first else known > low) & (known <= high)
        name = f"{number_text(low)} to {number_text(high)}"
        name = name if is_first else f"above {number_text(low)}, to {number_text(high)}"
        found[name] = np.flatnonzero(is_in)
    return found | _missing(known)


def _missing(values: Array) -> dict[str, Array]:
    """The rows without a number, where there are some."""
    rows = np.flatnonzero(np.isnan(values))
    return {MISSING: rows} if len(rows) else {}
