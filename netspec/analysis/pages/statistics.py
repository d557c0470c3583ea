"""Statistics of data for a report: of each column of a table, each channel of images, each target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from netspec.data.dataset.lazy_rows import Array, Column, read_all

BINS = 22
MAX_NUMBERS = 8_000_000
"""Numbers of an input that are read; of more, those of some of the examples, at equal distances."""
MIN_EXAMPLES = 64
MAX_FEATURES = 40
"""Columns that are shown one by one; more without names are taken together."""
COLORS = ("red", "green", "blue", "alpha")


@dataclass(frozen=True)
class Statistics:
    """Of some numbers: `std` is the standard deviation of the population (divided by n), as in `normalize = standard`;
    NaN counts as missing and does not enter the others. `counts` are those of a histogram from `low` to `high`, none
    where no number is finite."""

    name: str
    missing: int
    low: float = 0.0
    high: float = 0.0
    mean: float = 0.0
    std: float = 0.0
    counts: tuple[int, ...] = ()

    @classmethod
    def of(cls, name: str, values: Array) -> Statistics:
        """Those of an array of any shape."""
        known = values[np.isfinite(values)] if np.issubdtype(values.dtype, np.floating) else values.reshape(-1)
        missing = int(np.isnan(values).sum()) if np.issubdtype(values.dtype, np.floating) else 0
        if known.size == 0:
            return cls(name, missing)
        low, high = float(known.min()), float(known.max())
        counts, _ = np.histogram(known, bins=BINS, range=(low, high) if low < high else (low - 0.5, low + 0.5))
        mean, std = float(known.mean(dtype=np.float64)), float(known.std(dtype=np.float64))
        return cls(name, missing, low, high, mean, std, tuple(counts.tolist()))


def sampled(column: Column, index: Array) -> tuple[Array, int]:
    """The examples with these indices, or some of them where they are many; and how many these are."""
    size = int(np.prod(column.shape[1:])) or 1
    count = min(len(index), max(MIN_EXAMPLES, MAX_NUMBERS // size))
    chosen = index if count == len(index) else index[np.linspace(0, len(index) - 1, count).astype(np.int64)]
    return read_all(column[chosen]), count


def features(values: Array, names: Sequence[str] | None) -> Iterator[Statistics]:
    """The statistics of each feature of examples, channels last.

    Args:
        values: of shape (examples, …).
        names: those of the features, where they have names.
    """
    if values.ndim == 1 or np.issubdtype(values.dtype, np.integer):
        yield Statistics.of("token ids" if values.ndim > 1 else "all numbers", values)
        return
    count = values.shape[-1]
    if values.ndim == 4 and count == 1:
        names = ["pixels"]
    elif values.ndim == 4 and count <= len(COLORS):
        names = COLORS[:count]
    if names is None and count > MAX_FEATURES:
        yield Statistics.of(f"all {count:,} numbers", values)
        return
    shown = names if names is not None else [f"feature {i + 1}" for i in range(count)]
    for i, name in enumerate(shown[:MAX_FEATURES]):
        yield Statistics.of(name, values[..., i])
