"""Which numbers float32 holds exactly, and which are kept in float64 until they are normalized.

Input: numbers of any type. Output: float32, or float64 where float32 would change a number. A timestamp of
1,700,000,000,123 ms is off by up to a minute in float32: statistics, constant features and duplicates are found in the
numbers as they are, and only the normalized ones are rounded.
"""

from __future__ import annotations

from netspec.data.dataset.lazy_rows import Array, Column, Rows, blocks, min_max
from netspec.language.lazy import np

MAX_INTEGER = 2**24
"""float32 holds all integers up to this."""

MAX_FLOAT32 = 3.4028234663852886e38
"""The largest finite number in float32."""


def is_exact(column: Column) -> bool:
    """Whether float32 holds every number; those that are missing (NaN) or infinite count as held."""
    kind, size = column.dtype.kind, column.dtype.itemsize
    if kind == "b" or (kind == "f" and size <= 4) or (kind in "iu" and size <= 2):
        return True
    if kind in "iu":
        low, high = min_max(column)
        if int(low.min()) >= -MAX_INTEGER and int(high.max()) <= MAX_INTEGER:
            return True
    return all(map(_is_exact, blocks(column, cut=True)))


def _is_exact(block: Array) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        same = block.astype(np.float32) == block
    return bool(same.all() if block.dtype.kind != "f" else (same | np.isnan(block)).all())


def narrowed(array: Array) -> Array:
    """Numbers as float32 where that is exact, otherwise as float64; nothing is copied where the type is the same."""
    return array.astype(np.float32 if is_exact(array) else np.float64, copy=False)


def narrowed_column(column: Column) -> Column:
    """The same for examples that may be read on demand."""
    if not isinstance(column, Rows):
        return narrowed(column)
    dtype = "float32" if is_exact(column) else "float64"
    return column if column.dtype == dtype else column.map(lambda x: x, dtype)


def rounding(column: Column) -> tuple[Array, Array]:
    """By feature or channel, how far float32 is from a number at most, and the range of the numbers."""
    error = low = high = None
    for block in blocks(column, cut=True):
        rows = block.reshape(-1, block.shape[-1])
        with np.errstate(over="ignore", invalid="ignore"):
            errors = np.abs(rows - rows.astype(np.float32)).max(axis=0)
        lows, highs = rows.min(axis=0), rows.max(axis=0)
        error = errors if error is None else np.maximum(error, errors)
        low = lows if low is None else np.minimum(low, lows)
        high = highs if high is None else np.maximum(high, highs)
    assert error is not None and low is not None and high is not None, "there are no examples"
    return error, high - low
