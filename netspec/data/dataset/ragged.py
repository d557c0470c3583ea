"""Series of different lengths as one array: padded at their ends, with NaN where they are numbers.

Input: a list of arrays, steps x features each. Output: an array examples x steps x features. A step whose features are
all NaN is padding; a 0 stays a number, and a NaN among other numbers is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import nan
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.files import WrongType
from netspec.data.errors.series import SeriesTooLong
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np


def pad_all(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a data set, those that are series of different lengths padded; inputs of the training and the
    test to the same length."""
    found = dict(parts)
    for first, second in (("x", "x_test"), ("y", "y_test")):
        if isinstance(parts[first], Mapping):
            test = parts[second] if isinstance(parts[second], Mapping) else {}
            padded = {key: _pad_pair([part, test.get(key)], first) for key, part in parts[first].items()}
            found[first] = {key: pair[0] for key, pair in padded.items()}
            if test:
                found[second] = {key: padded[key][1] if key in padded else part for key, part in test.items()}
        else:
            found[first], found[second] = _pad_pair([parts[first], parts[second]], first)
    return found


def ragged_inputs(given: Any, padded: Any) -> tuple[str, ...]:
    """The names of inputs that are series of different lengths."""
    if isinstance(padded, Mapping):
        return tuple(key for key in padded if padded[key] is not given[key] or _has_padding(padded[key]))
    return ("input",) if padded is not given or _has_padding(padded) else ()


def is_ragged(value: Any) -> bool:
    """Whether a list, or an array of objects, holds series of different lengths. Rows of numbers in lists are not
    series, but rows of a table that lack a number."""
    is_list = isinstance(value, list | tuple) or getattr(getattr(value, "dtype", None), "kind", "") == "O"
    if not is_list or getattr(value, "ndim", 1) != 1 or not len(value):
        return False
    if all(isinstance(one, list) and not any(hasattr(step, "__len__") for step in one) for one in value):
        return False
    lengths = {len(one) if hasattr(one, "__len__") and not isinstance(one, str) else -1 for one in value}
    return len(lengths) > 1 and min(lengths) > 0


def pad_series(series: Sequence[Any], what: str, length: int | None = None, *, fill: float = nan) -> Array:
    """Series as one array, padded to the longest of them, or to a `length`.

    Raises:
        Unplaced: one has other features than the first, holds NaN, or is longer than the length.
    """
    arrays = [np.asarray(one) for one in series]
    if np.isnan(fill):  # targets have a number for each step
        arrays = [one[:, None] if one.ndim == 1 else one for one in arrays]
    sizes = {one.shape[1:] for one in arrays}
    wrong = partial(Unplaced, WrongType, what=what, case="ragged")
    if len(sizes) > 1 or any(one.dtype.kind not in "biuf" for one in arrays):
        raise wrong(found="series with different features")
    for number, one in enumerate(arrays):
        if one.dtype.kind == "f" and np.isnan(one).any():
            raise wrong(found=f"NaN (not a number) in series {number}, step {int(np.argwhere(np.isnan(one))[0][0])}")
    longest = max(map(len, arrays))
    if length is not None and longest > length:
        number = next(i for i, one in enumerate(arrays) if len(one) == longest)
        raise too_long(f"series {number} of {what}", longest, "x", length, int(np.prod(next(iter(sizes)) or (1,))))
    kind = np.result_type(*(one.dtype for one in arrays), *([np.float32] if np.isnan(fill) else []))
    padded = np.full((len(arrays), length or longest, *next(iter(sizes))), fill, kind)
    for row, one in zip(padded, arrays, strict=True):
        row[: len(one)] = one
    return padded


def too_long(where: str, found: int, name: str, length: int, features: int) -> Unplaced:
    """The error about a series that has more steps than the input of a network."""
    more = found - length
    return Unplaced(SeriesTooLong, where=where, found=found, input=name, length=length, more=more, features=features)


def extend_series(array: Array, length: int, fill: float = nan) -> Array:
    """Padded series with more padding at their ends."""
    missing = length - array.shape[1]
    if missing <= 0:
        return array
    return np.pad(array, [(0, 0), (0, missing), *[(0, 0)] * (array.ndim - 2)], constant_values=fill)


def readings(array: Array) -> Array:
    """The steps of padded series that are not padding, one after the other: steps x features."""
    found: Array = array[~np.isnan(array[..., 0])]
    return found


def _pad_pair(pair: list[Any], what: str) -> list[Any]:
    """Inputs (or targets) of the training and the test, padded to one length where they are ragged."""
    if not any(is_ragged(part) for part in pair if part is not None):
        return pair
    fill = nan if what == "x" else 0.0
    arrays = [None if part is None else pad_series(part, what, fill=fill) for part in pair]
    longest = max(array.shape[1] for array in arrays if array is not None)
    return [None if array is None else extend_series(array, longest, fill) for array in arrays]


def _has_padding(array: Any) -> bool:
    """Whether an array of series has steps at its ends whose features are all NaN."""
    if getattr(array, "ndim", 0) != 3 or array.dtype.kind != "f" or not len(array):
        return False
    if not np.isnan(array[:, -1:]).all(axis=2).any():  # of images, which end with numbers, the others are not read
        return False
    missing = np.isnan(array).all(axis=2)
    is_end = np.flip(np.cumprod(np.flip(missing, 1), 1), 1).astype(bool)
    return bool((np.isnan(array).any(axis=2) == is_end).all() and not missing[:, 0].any())
