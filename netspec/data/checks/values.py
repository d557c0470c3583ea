"""The numbers themselves: what is not finite, labels and ids out of range, constant features, leaks between parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays, Dataset, Target
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
from netspec.data.errors import network as errors
from netspec.language.diagnostics import Diagnostic
from netspec.language.lazy import np
from netspec.language.shape import Shape, Size
from netspec.language.source import Span

if TYPE_CHECKING:
    from netspec.data.splits.split import Splits

MANY_FEATURES = 64
"""Vectors of at least this many numbers may be images that were laid out in a row."""

BRIGHT = 100
"""Pixels that are not scaled reach at least this."""

UNLIKE = 100
"""Features whose deviations differ by this factor are of very different size."""

LARGE = 10
"""A deviation that is not small; features that are all small are learnt from well enough."""

MANY_EXAMPLES = 10_000
"""The size of features is told from so many examples where these are not in memory."""

SHOWN = 5
"""How many names a message lists."""


def parts_of(data: Dataset | Splits) -> Iterator[tuple[str, Arrays]]:
    """The parts there are, by name."""
    for name in ("train", "val", "test"):
        part = getattr(data, name, None)
        if part is not None:
            yield name, part


def check_input_values(
    data: Dataset | Splits, key: str, expected: Shape, input_span: Span | None, source_span: Span | None
) -> list[Diagnostic]:
    """One input: finite, ids inside the vocabulary, features that change, pixels that are scaled."""
    columns = _columns(data, key)
    may_miss = key in (data if isinstance(data, Dataset) else data.dataset).fill
    for part, arrays in parts_of(data):

        def check(array: Array, begin: int, part: str = part) -> Diagnostic | None:
            place = _Place(data, part, begin)
            wrong = _check_finite(array, f"input `{key}`", place, columns, source_span, may_miss=may_miss)
            if wrong is None and expected.is_tokens:
                wrong = _check_ids(array, expected.vocabulary, place, input_span or source_span)
            return wrong

        column = arrays.inputs[key]
        wrong = _check_blocks(column, check) if expected.is_tokens or not _is_all_finite(column) else None
        if wrong is not None:
            return [wrong]
    if expected.is_tokens:
        return []
    train = data.train.inputs[key]
    found = [_check_constant(train, columns, source_span), _check_scaled(train, source_span)]
    return [diagnostic for diagnostic in found if diagnostic is not None]


def check_target_values(data: Dataset | Splits, key: str, head: OutputHead) -> list[Diagnostic]:
    """One target: finite, labels that the head has units for, numbers that a sigmoid can reach."""
    target = data.facts.targets[key]
    for part, arrays in parts_of(data):

        def check(array: Array, begin: int, part: str = part) -> Diagnostic | None:
            place = _Place(data, part, begin)
            wrong = _check_finite(array, f"target `{key}`", place, (), head.span)
            if wrong is None and target.kind == "class" and head.kind != "embedding":
                wrong = _check_labels(array, target, head, place)
            if wrong is None and target.kind == "numbers" and head.activation == "sigmoid":
                wrong = _check_unit_interval(array, head, place)
            return wrong

        wrong = _check_blocks(arrays.targets[key], check)
        if wrong is not None:
            return [wrong]
    return []


@dataclass(frozen=True)
class _Place:
    """Where the first of the examples that are looked at stands."""

    data: Dataset | Splits
    part: str
    begin: int

    def where(self, index: int) -> str:
        """How an example is called, by its index among those that are looked at."""
        if isinstance(self.data, Dataset):
            return self.data.where(self.begin + index, "test" if self.part == "test" else "train")
        return self.data.where(self.begin + index, self.part)


def _is_all_finite(column: Column) -> bool:
    """Whether the smallest and largest numbers, which are wanted anyway where examples are streamed, say so."""
    return isinstance(column, Rows) and all(np.isfinite(found).all() for found in column.min_max)


def _check_blocks(column: Column, check: Callable[[Array, int], Diagnostic | None]) -> Diagnostic | None:
    """What `check` finds first, from blocks and the index of their first examples. Of 8-bit images nothing is read:
    their numbers are from 0 to 1."""
    if isinstance(column, Rows) and column.bounds is not None:
        return None
    begin = 0
    for block in blocks(column):
        wrong = check(block, begin)
        if wrong is not None:
            return wrong
        begin += len(block)
    return None


def check_parts(splits: Splits, source_span: Span | None) -> list[Diagnostic]:
    """What went wrong in splitting: equal examples in two parts, classes that training never sees."""
    found: list[Diagnostic] = []
    for key, target in splits.facts.targets.items():
        if target.kind == "class" and target.size == 1:  # of many steps, most ids may well be rare
            wrong = _check_all_classes(in_memory(splits.train.targets[key]), target, source_span)
            found.extend([wrong] if wrong is not None else [])
    if not splits.facts.is_complete and not any(map(is_streamed, splits.train.inputs.values())):
        found.extend(_check_leaks(splits, source_span))
    return found


def _columns(data: Dataset | Splits, key: str) -> tuple[str, ...]:
    dataset = data if isinstance(data, Dataset) else data.dataset
    return tuple(dataset.columns.get(key, ()))


def _check_finite(
    array: Array,
    what: str,
    place: _Place,
    columns: tuple[str, ...],
    span: Span | None,
    *,
    may_miss: bool = False,
) -> Diagnostic | None:
    """With `may_miss`, numbers that are missing (NaN) are filled in later."""
    # one pass without a mask: a sum is finite when everything is, unless it overflows
    if array.dtype.kind != "f" or np.isfinite(array.sum(dtype=np.float64)):
        return None
    bad = np.isinf(array) if may_miss else ~np.isfinite(array)
    if not bad.any():
        return None
    index, *position = (int(i) for i in np.argwhere(bad)[0])
    value = array[(index, *position)]
    return errors.NotFinite(
        span=span,
        where=place.where(index),
        column=_place_text(position, columns),
        value="NaN (not a number)" if np.isnan(value) else "infinite",
        count=int(bad.sum()),
        what=what,
    )


def _place_text(place: list[int], columns: tuple[str, ...]) -> str:
    if len(place) == 1:
        return f"column `{columns[place[0]]}`" if columns else f"column {place[0]}"
    return "position " + ", ".join(map(str, place)) if place else "value"


def _check_ids(array: Array, vocabulary: Size | None, place: _Place, span: Span | None) -> Diagnostic | None:
    if not isinstance(vocabulary, int):
        return None
    wrong = (array < 0) | (array >= vocabulary)
    if array.dtype.kind == "f":
        wrong |= array % 1 != 0
    index = _first(wrong)
    if index is None:
        return None
    low, high = float(array.min()), float(array.max())
    advice = "lower the ids by 1" if low >= 1 and high == vocabulary else f"write `tokens({int(high) + 1})`"
    if low < 0 or (array.dtype.kind == "f" and (array % 1 != 0).any()):
        advice = "check that this is the array of token ids"
    return errors.IdsOutside(
        span=span,
        value=float(array[index][wrong[index]].flat[0]),
        where=place.where(index),
        highest=vocabulary - 1,
        vocabulary=vocabulary,
        low=low,
        high=high,
        advice=advice,
    )


def _first(wrong: Array) -> int | None:
    """The first example with something wrong in it."""
    by_example = wrong.reshape(len(wrong), -1).any(axis=1)
    return int(by_example.argmax()) if by_example.any() else None


def _check_labels(array: Array, target: Target, head: OutputHead, place: _Place) -> Diagnostic | None:
    """Labels outside what the head has units for; labels 0..K without gaps are a matter of the class count."""
    units = head.units if head.units > 1 or head.activation != "sigmoid" else 2
    low, high = int(array.min()), int(array.max())
    is_shifted = low >= 1 and high == units
    if units < 2 or (low >= 0 and not is_shifted and high < units):
        return None
    if low >= 0 and not is_shifted and (target.names is not None or len(np.unique(array)) == high + 1):
        return None
    index = _first((array < 0) | (array >= units))
    assert index is not None
    labels = array[index].reshape(-1)
    advice = f"ids are integers from 0 to {units - 1}"
    if is_shifted:
        advice = "ids begin at 0: subtract 1"
    elif {*np.unique(array).tolist()} == {-1, 1}:
        advice = "for no and yes use 0 and 1: `(y + 1) // 2`"
    return errors.LabelsOutside(
        span=head.span,
        label_value=int(labels[(labels < 0) | (labels >= units)][0]),
        where=place.where(index),
        highest=units - 1,
        low=low,
        high=high,
        advice=advice,
    )


def _check_unit_interval(array: Array, head: OutputHead, place: _Place) -> Diagnostic | None:
    wrong = (array < 0) | (array > 1)
    index = _first(wrong)
    if index is None:
        return None
    return errors.TargetsOutsideUnit(
        span=head.span,
        value=float(array[index][wrong[index]].flat[0]),
        where=place.where(index),
        low=float(array.min()),
        high=float(array.max()),
    )


def _check_constant(array: Column, columns: tuple[str, ...], span: Span | None) -> Diagnostic | None:
    if array.ndim != 2 or len(array) < 2:
        return None

    low, high = min_max(array)
    constant = np.flatnonzero(low == high).tolist()
    if not constant:
        return None
    names = [f"`{columns[i]}`" if columns else f"column {i}" for i in constant]
    return errors.ConstantColumns(span=span, count=len(constant), total=array.shape[1], columns=listed(names))


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


def check_scales(splits: Splits, key: str, source_span: Span | None) -> list[Diagnostic]:
    """A warning when the features of a vector differ so much in size that training suffers."""
    column = splits.train.inputs[key]
    if column.ndim != 2 or column.dtype.kind != "f" or len(column) < 2:
        return []
    array = sample(column, MANY_EXAMPLES)
    spread = array.std(axis=0, dtype=np.float64)
    sizes = np.where(spread > 1e-7 * np.abs(array).max(axis=0), spread, np.nan)
    if np.isnan(sizes).all() or np.nanmax(sizes) < UNLIKE * np.nanmin(sizes) or np.nanmax(sizes) < LARGE:
        return []
    large, small = int(np.nanargmax(sizes)), int(np.nanargmin(sizes))
    columns = _columns(splits, key)
    names = [f"`{columns[i]}`" if columns else f"column {i}" for i in (large, small)]
    return [
        errors.UnlikeScales(
            span=source_span,
            large=names[0],
            large_std=float(sizes[large]),
            small=names[1],
            small_std=float(sizes[small]),
        )
    ]


def _check_all_classes(labels: Array, target: Target, span: Span | None) -> Diagnostic | None:
    total = target.classes or 0
    present = {*np.unique(labels).tolist()}
    missing = [i for i in range(total) if i not in present]
    if not missing:
        return None
    names = [f"`{target.names[i]}`" if target.names is not None else f"class {i}" for i in missing]
    return errors.ClassWithoutExamples(span=span, classes=listed(names), count=len(missing), total=total)


def _check_leaks(splits: Splits, span: Span | None) -> list[Diagnostic]:
    """Equal inputs in the training part and another one, found by hashes of their bytes."""
    ours: dict[int, int] = {}
    for index, key in enumerate(_hashes(splits.train)):
        ours.setdefault(key, index)
    found: list[Diagnostic] = []
    for part, arrays in parts_of(splits):
        twins = [(i, ours[key]) for i, key in enumerate(_hashes(arrays)) if key in ours] if part != "train" else []
        if twins:
            where, twin = splits.where(twins[0][0], part), splits.where(twins[0][1])
            advice = f"the first is {where}, equal to {twin}; remove duplicates before splitting"
            if where == twin:
                advice = f"the first is {where}: `test` names the file of the training examples\n"
                advice += "leave `test` out, and some of them are held out; or name a file with others"
            found.append(errors.Leak(span=span, count=len(twins), total=len(arrays), part=part, advice=advice))
    return found


def _hashes(arrays: Arrays) -> Iterator[int]:
    """A number for each example that is the same for equal inputs."""
    inputs = [in_memory(arrays.inputs[name]) for name in sorted(arrays.inputs)]
    return (hash(tuple(array[i].tobytes() for array in inputs)) for i in range(len(arrays)))


def listed(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
