"""Statistics of the training examples, saved with the weights and applied in prediction: values for missing numbers,
and the scale of inputs.

Input: the training inputs. Output: `Normalization`, which is plain data, for JSON.
"""

from __future__ import annotations

from math import prod
from typing import Any

from netspec.data.dataset.dataset import Fill
from netspec.data.dataset.lazy_rows import Array, Column, Rows, blocks, min_max, read_all
from netspec.language.lazy import np
from netspec.language.record import Frozen

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of red, green and blue over the images of ImageNet, each from 0 to 1."""


class Normalization(Frozen):
    """(x - mean) / std along the last axis: a number for each feature or channel. `std` is 1 where all were equal;
    `fill`, if there is one, replaces missing numbers (NaN) first. `double` is set when float32 does not hold the
    numbers (netspec/data/dataset/precision.py): they are normalized in float64, and rounded last."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    fill: tuple[float, ...] | None = None
    double: bool = False

    def apply(self, x: Array) -> Array:
        """Normalize any number of examples, channels last; returns float32, and does not change `x`."""
        x = np.asarray(x)
        if not self.double:
            return self._scaled(x, np.float32)
        scaled = np.empty(x.shape, np.float32)
        begin = 0
        for block in blocks(x, cut=True):
            scaled[begin : begin + len(block)] = self._scaled(block, np.float64)
            begin += len(block)
        return scaled

    def _scaled(self, x: Array, dtype: Any) -> Array:
        x = x if x.dtype == dtype else x.astype(dtype)
        filled = x if self.fill is None else np.where(np.isnan(x), np.array(self.fill, dtype), x)
        scaled: Array = np.subtract(filled, np.array(self.mean, dtype), dtype=dtype)
        np.divide(scaled, np.array(self.std, dtype), out=scaled)
        return scaled

    def apply_to(self, column: Column) -> Column:
        """The same for examples that may be read on demand."""
        return column.map(self.apply, "float32") if isinstance(column, Rows) else self.apply(column)

    def invert(self, y: Array) -> Array:
        """Normalized numbers as they were before, in the precision of `y` or of the numbers."""
        dtype = np.float64 if self.double or y.dtype == np.float64 else np.float32
        found: Array = y * np.array(self.std, dtype) + np.array(self.mean, dtype)
        return found


def measure(x: Column) -> Normalization:
    """Mean and standard deviation (of the population) over all axes but the last.

    The sums are computed block by block, so that there is no copy of large data in double precision, and so that they
    are the same in memory and from files.
    """
    if x.dtype == np.float64:
        return _measure_double(x)
    count = prod(x.shape[:-1])
    mean = np.zeros(x.shape[-1])
    for block in blocks(x, cut=True):
        mean += _sum(block)
    mean /= count
    variance = np.zeros(x.shape[-1])
    for block in blocks(x, cut=True):
        variance += _sum(np.square(block - mean))
    std = np.sqrt(variance / count)
    # constant features have a rounding error of the mean, which must not be scaled up to 1
    std[std <= 1e-7 * np.maximum(1.0, np.abs(mean))] = 1.0
    return Normalization(tuple(mean.tolist()), tuple(std.tolist()))


def _measure_double(x: Column) -> Normalization:
    """The same for numbers that float32 does not hold. They are counted from the first one: so nothing is lost where
    they are large and close to each other, and constant ones are exactly 0."""
    count = prod(x.shape[:-1])
    first = read_all(x[:1]).reshape(-1, x.shape[-1])[0]
    mean, variance = np.zeros(x.shape[-1]), np.zeros(x.shape[-1])
    for block in blocks(x, cut=True):
        mean += _sum(block - first)
    mean /= count
    for block in blocks(x, cut=True):
        variance += _sum(np.square(block - first - mean))
    std = np.sqrt(variance / count)
    std[std == 0] = 1.0
    return Normalization(tuple((first + mean).tolist()), tuple(std.tolist()), double=True)


def _sum(block: Array) -> Array:
    """The sum over all axes but the last; over the examples first, in the order of memory."""
    total: Array = block.sum(axis=0, dtype="float64")
    found: Array = total.sum(axis=tuple(range(total.ndim - 1)))
    return found


def measure_range(x: Column) -> Normalization:
    """What brings the smallest number of each feature or channel to 0 and the largest to 1."""
    low, high = (found.astype(np.float64) for found in min_max(x))
    std = tuple(np.where(high > low, high - low, 1.0).tolist())
    return Normalization(tuple(low.tolist()), std, double=x.dtype == np.float64)


def measure_fill(x: Array, statistic: Fill | tuple[Fill | None, ...]) -> tuple[float, ...]:
    """The mean or the median of the known numbers, over all axes but the last; 0 for a feature without any. Of several
    statistics each is for one feature, None for one that has all numbers."""
    if isinstance(statistic, tuple):
        found = {how: measure_fill(x, how) for how in {*statistic} if how is not None}
        return tuple(found[how][i] if how is not None else 0.0 for i, how in enumerate(statistic))
    rows = x.reshape(-1, x.shape[-1])
    has_numbers = ~np.isnan(rows).all(axis=0)
    known = rows[:, has_numbers].astype(np.float64)
    values = np.zeros(x.shape[-1])
    values[has_numbers] = np.nanmean(known, axis=0) if statistic == "mean" else np.nanmedian(known, axis=0)
    return tuple(values.tolist())
