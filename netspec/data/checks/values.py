"""The numbers themselves: not finite, labels and ids out of range, constant features, leaks between splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.checks.duplicates import check_duplicates
from netspec.data.checks.heads import labels_outside
from netspec.data.dataset.dataset import IGNORED, Arrays, Dataset, Target
from netspec.data.dataset.from_arrays import is_one_hot
from netspec.data.dataset.lazy_rows import (
    Array,
    Column,
    Rows,
    blocks,
    in_memory,
    is_streamed,
    min_max,
    read_all,
    sample,
)
from netspec.data.dataset.precision import MAX_FLOAT32, rounding
from netspec.data.errors import network as errors
from netspec.data.errors.files import WrongType
from netspec.data.errors.reading import RoundedNumbers
from netspec.language.diagnostics import Diagnostic
from netspec.language.lazy import np
from netspec.language.shape import Shape, Size
from netspec.language.source import Span

if TYPE_CHECKING:
    from netspec.data.splits.split import Splits

Data: TypeAlias = "Dataset | Splits"

Where: TypeAlias = Callable[[int], str]
"""What an example is called, by its index among those that are checked."""

MANY_FEATURES = 64
"""Vectors of at least this many numbers may be flattened images."""

BRIGHT = 100
"""Unscaled pixels reach at least this."""

UNLIKE = 100
"""Features whose deviations differ by this factor are on very different scales."""

LARGE = 10
"""A deviation that is not small; features that are all small can be learned from."""

MIN_LEVELS = 1000
"""Of how many different numbers float32 can tell apart in the range of a feature, fewer than this are worth a warning.
"""

MANY_EXAMPLES = 10_000
"""The number of examples by which the scale of features is estimated when they are not in memory."""

MAX_SHOWN = 5
"""How many names a message lists."""


def parts_of(data: Data) -> Iterator[tuple[str, Arrays]]:
    """The sets of examples, by name."""
    for name in ("train", "val", "test"):
        part = getattr(data, name, None)
        if part is not None:
            yield name, part


def check_input_values(
    data: Data, key: str, expected: Shape, input_span: Span | None, source_span: Span | None
) -> list[Diagnostic]:
    """One input: finite, ids inside the vocabulary, features that change, pixels that are scaled."""
    columns = _columns(data, key)
    dataset = data if isinstance(data, Dataset) else data.dataset
    may_miss = key in dataset.fill or key in data.facts.ragged

    def check(array: Array, where: Where) -> Diagnostic | None:
        wrong = _check_finite(array, f"input `{key}`", where, columns, source_span, may_miss=may_miss)
        if wrong is None and expected.is_tokens:
            wrong = _check_ids(array, expected.vocabulary, where, input_span or source_span)
        return wrong

    for part, arrays in parts_of(data):
        column = arrays.inputs[key]
        if expected.is_tokens or not _is_all_finite(column):
            wrong = _check_blocks(data, part, column, check)
            if wrong is not None:
                return [wrong]
    if expected.is_tokens:
        return []
    train = data.train.inputs[key]
    found = [_check_constant(train, columns, source_span), _check_scaled(train, source_span)]
    return [diagnostic for diagnostic in found if diagnostic is not None]


def check_target_values(data: Data, key: str, head: OutputHead) -> list[Diagnostic]:
    """One target: finite, labels that the head has units for, numbers that a sigmoid can reach."""
    target = data.facts.targets[key]

    def check(array: Array, where: Where) -> Diagnostic | None:
        wrong = _check_finite(array, f"target `{key}`", where, (), head.span)
        if wrong is None and target.kind == "class" and head.kind != "embedding":
            wrong = _check_labels(array, target, head, where)
        if wrong is None and target.kind == "numbers" and head.activation == "sigmoid":
            wrong = _check_unit_interval(array, head, where)
        return wrong

    for part, arrays in parts_of(data):
        wrong = _check_blocks(data, part, arrays.targets[key], check)
        if wrong is not None:
            return [wrong]
    return _check_one_hot(data, key, target, head)


def _check_one_hot(data: Data, key: str, target: Target, head: OutputHead) -> list[Diagnostic]:
    """Rows of zeros and a single 1 each are classes: a sigmoid would predict all zeros and be right for most labels.
    Labels that exclude nothing have rows with several ones, or with none."""
    columns = [arrays.targets[key] for _, arrays in parts_of(data)]
    if target.kind != "binary" or head.activation == "softmax" or head.kind == "probabilities":
        return []
    if head.units < 2 or any(column.shape[-1] != head.units or is_streamed(column) for column in columns):
        return []
    if sum(map(len, columns)) < 2 or not all(is_one_hot(in_memory(column)) for column in columns):
        return []
    layer = f"dense({head.units}, softmax)"
    return [WrongType(span=head.span, case="one-hot units", what=f"`{key}`", found="one-hot rows", layer=layer)]


def _is_all_finite(column: Column) -> bool:
    """Whether the smallest and largest numbers, which are needed anyway where examples are streamed, say so."""
    return isinstance(column, Rows) and all((np.abs(limit) <= MAX_FLOAT32).all() for limit in column.min_max)


def _check_blocks(
    data: Data, part: str, column: Column, check: Callable[[Array, Where], Diagnostic | None]
) -> Diagnostic | None:
    """What `check` finds first, block by block. 8-bit images are not read: their numbers are from 0 to 1."""
    if isinstance(column, Rows) and column.bounds is not None:
        return None
    begin = 0
    for block in blocks(column):
        wrong = check(block, partial(_where, data, part, begin))
        if wrong is not None:
            return wrong
        begin += len(block)
    return None


def _where(data: Data, part: str, begin: int, index: int) -> str:
    return data.where(begin + index, part)


def check_parts(splits: Splits, source_span: Span | None) -> list[Diagnostic]:
    """Mistakes of splitting: equal examples in two splits, classes that do not occur in training."""
    found: list[Diagnostic] = []
    for key, target in splits.facts.targets.items():
        if target.kind == "class" and target.size == 1:  # of many steps, most ids may well be rare
            ids, _ = np.unique(in_memory(splits.train.targets[key]), return_counts=True)  # sorts: faster than hashing
            present = {*ids.tolist()}
            if missing := [i for i in range(target.classes or 0) if i not in present]:
                names = [f"`{target.names[i]}`" if target.names is not None else f"class {i}" for i in missing]
                if target.labels is not None and target.labels[0] > 0:
                    continue  # labels that begin above 0 have a warning of their own (NS536)
                has_gaps = target.labels is not None and not {*missing} & {*target.labels}
                rare = partial(
                    errors.ClassWithoutExamples,
                    span=source_span,
                    classes=listed(names),
                    case="gaps" if has_gaps else "",
                )
                found.append(rare(count=len(missing), total=target.classes or 0))
    if not splits.facts.is_complete and not any(map(is_streamed, splits.train.inputs.values())):
        found.extend(check_duplicates(splits, source_span))
    return found


def _columns(data: Data, key: str) -> tuple[str, ...]:
    dataset = data if isinstance(data, Dataset) else data.dataset
    return tuple(dataset.columns.get(key, ()))


def _column_name(columns: tuple[str, ...], index: int) -> str:
    return f"`{columns[index]}`" if columns else f"column {index}"


def _check_finite(
    array: Array,
    what: str,
    where: Where,
    columns: tuple[str, ...],
    span: Span | None,
    *,
    may_miss: bool = False,
) -> Diagnostic | None:
    """With `may_miss`, numbers that are missing (NaN) are filled in later."""
    # one pass without a mask: a sum is finite when everything is, unless it overflows
    is_double = array.dtype == np.float64
    if array.dtype.kind != "f" or (not is_double and np.isfinite(array.sum(dtype=np.float64))):
        return None
    bad = ~(np.abs(array) <= MAX_FLOAT32)
    if may_miss:
        bad &= ~np.isnan(array)
    if not bad.any():
        return None
    index, *position = (int(i) for i in np.argwhere(bad)[0])
    column = "position " + ", ".join(map(str, position)) if position else "value"
    if len(position) == 1:
        column = f"column `{columns[position[0]]}`" if columns else f"column {position[0]}"
        column = "value" if array.shape[1] == 1 and not columns else column
    value = float(array[(index, *position)])
    return errors.NotFinite(
        span=span,
        case="range" if np.isfinite(value) else "",
        where=where(index),
        column=column,
        value=_named(value),
        count=int(bad.sum()),
        what=what,
    )


def _named(value: float) -> str:
    """A number that cannot be learned from."""
    if np.isnan(value):
        return "NaN (not a number)"
    return "infinite" if np.isinf(value) else f"{value:g}, outside the range of float32"


def _check_ids(array: Array, vocabulary: Size | None, where: Where, span: Span | None) -> Diagnostic | None:
    if not isinstance(vocabulary, int):
        return None
    wrong = (array < 0) | (array >= vocabulary)
    if array.dtype.kind == "f":
        wrong |= array % 1 != 0
    index = _first(wrong)
    if index is None:
        return None
    low, high = float(array.min()), float(array.max())
    case = "from 1" if low >= 1 and high == vocabulary else ""
    if low < 0 or (array.dtype.kind == "f" and (array % 1 != 0).any()):
        case = "not ids"
    return errors.IdsOutside(
        span=span,
        case=case,
        value=float(array[index][wrong[index]].flat[0]),
        where=where(index),
        highest=vocabulary - 1,
        vocabulary=vocabulary,
        low=low,
        high=high,
        count=int(high) + 1,
    )


def _first(wrong: Array) -> int | None:
    """The first example with a mistake."""
    by_example = wrong.reshape(len(wrong), -1).any(axis=1)
    return int(by_example.argmax()) if by_example.any() else None


def _check_labels(array: Array, target: Target, head: OutputHead, where: Where) -> Diagnostic | None:
    """Labels outside what the head has units for; labels 0..K without gaps are a matter of the class count."""
    if target.names is not None:  # ids that are counted here
        return None
    units = head.units if head.units > 1 or head.activation != "sigmoid" else 2
    if target.mask is not None and IGNORED in array:
        array = np.where(array == IGNORED, 0, array)
    low, high = int(array.min()), int(array.max())
    is_shifted = low >= 1 and high == units
    if units < 2 or (low >= 0 and not is_shifted and high < units):
        return None
    if low >= 0 and not is_shifted and len(np.unique(array)) == high + 1:
        return None
    index = _first((array < 0) | (array >= units))
    assert index is not None
    labels = array[index].reshape(-1)
    wrong = int(labels[(labels < 0) | (labels >= units)][0])
    return labels_outside(target, head, units, wrong, where(index), (low, high))


def _check_unit_interval(array: Array, head: OutputHead, where: Where) -> Diagnostic | None:
    wrong = (array < 0) | (array > 1)
    index = _first(wrong)
    if index is None:
        return None
    return errors.TargetsOutsideUnit(
        span=head.span,
        value=float(array[index][wrong[index]].flat[0]),
        where=where(index),
        low=float(array.min()),
        high=float(array.max()),
    )


def _check_constant(array: Column, columns: tuple[str, ...], span: Span | None) -> Diagnostic | None:
    if array.ndim != 2 or len(array) < 2:
        return None
    low, high = min_max(array)
    names = [_column_name(columns, index) for index in np.flatnonzero(low == high).tolist()]
    if not names:
        return None
    return errors.ConstantColumns(span=span, count=len(names), total=array.shape[1], columns=listed(names))


def _check_scaled(array: Column, span: Span | None) -> Diagnostic | None:
    if array.ndim < 4 and (array.ndim != 2 or array.shape[1] < MANY_FEATURES):
        return None
    if isinstance(array, Rows) and array.bounds is not None:
        return None
    lows, highs = min_max(array)
    low, high = float(lows.min()), float(highs.max())
    if low < 0 or not BRIGHT <= high <= 255 or (read_all(array[:256]) % 1 != 0).any():
        return None
    return errors.UnscaledPixels(span=span, low=low, high=high)


def check_rounding(splits: Splits, key: str, source_span: Span | None) -> list[Diagnostic]:
    """A warning when float32, in which the network computes, hardly tells the numbers of a feature apart."""
    column = splits.dataset.train.inputs[key]
    if column.dtype != np.float64 or len(column) < 2:
        return []
    errors_of, ranges = rounding(column)
    coarse = np.flatnonzero(errors_of * MIN_LEVELS > ranges)
    if not len(coarse):
        return []
    worst = coarse[np.argmax(errors_of[coarse] / np.maximum(ranges[coarse], np.finfo(np.float64).tiny))]
    columns = _columns(splits, key)
    names = [_column_name(columns, i) if columns or column.ndim == 2 else f"channel {i}" for i in coarse.tolist()]
    rounded = partial(RoundedNumbers, span=source_span, names=listed(names), first=names[[*coarse].index(worst)])
    return [rounded(error=f"{errors_of[worst]:,.6g}", range=f"{ranges[worst]:,.6g}")]


def check_scales(splits: Splits, key: str, source_span: Span | None) -> list[Diagnostic]:
    """A warning when the features of a vector are on such different scales that training suffers."""
    column = splits.train.inputs[key]
    if column.ndim != 2 or column.dtype.kind != "f" or len(column) < 2:
        return []
    array = sample(column, MANY_EXAMPLES)
    spread = array.std(axis=0, dtype=np.float64)
    sizes = np.where(spread > 1e-7 * np.abs(array).max(axis=0), spread, np.nan)
    if np.isnan(sizes).all() or np.nanmax(sizes) < UNLIKE * np.nanmin(sizes) or np.nanmax(sizes) < LARGE:
        return []
    large, small = int(np.nanargmax(sizes)), int(np.nanargmin(sizes))
    names = [_column_name(_columns(splits, key), index) for index in (large, small)]
    unlike = partial(errors.UnlikeScales, span=source_span, large=names[0], small=names[1])
    return [unlike(large_std=float(sizes[large]), small_std=float(sizes[small]))]


def listed(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - MAX_SHOWN
    return ", ".join(names[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
