"""Equal examples in the training set and in another split.

Input: splits. Output: a warning about all splits. Compared are the numbers as the source has them, before they are
normalized and rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import Array, Column, in_memory
from netspec.data.errors.network import Leak
from netspec.language.diagnostics import Diagnostic
from netspec.language.lazy import np
from netspec.language.source import Span

if TYPE_CHECKING:
    from netspec.data.splits.split import Splits

MAX_HASHED_AT_ONCE = 512
"""Bytes of an example up to which all examples are hashed together, column by column."""

MIN_POSSIBLE = {"": 100, "inputs": 1_000_000}
"""With fewer possible inputs than this for each example, equal ones (with other targets: `inputs`) are usual."""

MIN_DISTINCT = 0.9
"""A feature with a larger fraction of different numbers is continuous; with a smaller fraction of different inputs,
equal ones are usual."""


def check_duplicates(splits: Splits, span: Span | None) -> list[Diagnostic]:
    """Equal examples in the training set and another split, by hashes of their bytes; where only the inputs are equal,
    or there are few different ones, this is worth a warning only if chance does not explain it. All splits are in one
    warning."""
    inputs = _twins(splits, with_targets=False)
    if not inputs:
        return []
    equal = _twins(splits, with_targets=True)
    possible = _possible_inputs(splits.dataset.train)
    found: dict[str, list[_Leaking]] = {}
    for part, twins in inputs.items():
        case, same = ("", equal[part]) if part in equal else ("inputs", twins)
        is_rare = possible >= MIN_POSSIBLE[case] * len(splits.train_index)
        may_be_chance = not is_rare or (len(same.rows) < len(twins.rows) and twins.distinct < MIN_DISTINCT)
        where, twin = splits.where(int(same.rows[0]), part), splits.where(int(same.first[0]))
        if where == twin and not case:
            case = "file"
        elif may_be_chance:
            continue
        found.setdefault(case, []).append(_Leaking(f"{len(same.rows)} of {same.total} {part} examples", where, twin))
    if not found:
        return []
    case = next(case for case in ("file", "", "inputs") if case in found)
    shown = [one for name, group in found.items() for one in group if (name == "inputs") == (case == "inputs")]
    relation = "with the inputs of" if case == "inputs" else "equal to"
    first = ", and of the test ".join(f"{one.where}, {relation} {one.twin}" for one in shown)
    others = "".join(f"; {one.count} have the same inputs, with other targets" for one in found.get("inputs", ()))
    counts = " and ".join(one.count for one in shown)
    others = others if case != "inputs" else ""
    return [Leak(span=span, case=case, counts=counts, where=shown[0].where, first=first, others=others)]


@dataclass(frozen=True)
class _Leaking:
    """How many examples of a split are in the training set, the first of them, and its twin there."""

    count: str
    where: str
    twin: str


@dataclass(frozen=True)
class _Twins:
    """The examples of a split that are also in the training set, the first of each there, the size of the split, and
    the fraction of different ones in the training set."""

    rows: Array
    first: Array
    total: int
    distinct: float


def _twins(splits: Splits, *, with_targets: bool) -> dict[str, _Twins]:
    """By split, the examples with the same inputs, and targets, as one of the training set."""
    dataset, indices = splits.dataset, {"val": splits.val_index, "test": splits.test_index}
    parts = [_compared(part, with_targets=with_targets) for part in (dataset.train, dataset.test) if part is not None]
    types = {name: np.result_type(*(in_memory(part[name]) for part in parts)) for name in parts[0]}
    is_used = np.zeros(len(dataset.train), bool)
    for index in (splits.train_index, *indices.values()):
        if index is not None:
            is_used[index] = True
    used = np.flatnonzero(is_used)
    hashes = np.zeros(len(dataset.train), np.uint64)
    hashes[used] = _hashes(parts[0], types, used if len(used) < len(hashes) else None)
    keys, first = np.unique(hashes[splits.train_index], return_index=True)
    found: dict[str, _Twins] = {}
    for part, index in indices.items():
        if index is None and (part == "val" or dataset.test is None):
            continue
        ours = _hashes(parts[1], types) if index is None else hashes[index]
        at, order = np.empty(len(ours), np.int64), np.argsort(ours)
        at[order] = np.minimum(np.searchsorted(keys, ours[order]), len(keys) - 1)  # neighbors are close in memory
        rows = np.flatnonzero(keys[at] == ours)
        if len(rows):
            found[part] = _Twins(rows, first[at[rows]], len(ours), len(keys) / len(np.unique(splits.train_index)))
    return found


def _compared(arrays: Arrays, *, with_targets: bool) -> dict[str, Column]:
    """The arrays that are compared, by unique names."""
    targets = {f"target {name}": array for name, array in arrays.targets.items()} if with_targets else {}
    return {**arrays.inputs, **targets}


def _possible_inputs(arrays: Arrays) -> float:
    """How many different inputs the values of the features make; infinite if one of them is continuous."""
    possible = 1.0
    for name in sorted(arrays.inputs):
        for column in in_memory(arrays.inputs[name]).reshape(len(arrays), -1).T:
            count = len(np.unique(column))
            possible *= count
            if count > MIN_DISTINCT * len(arrays) or possible > max(MIN_POSSIBLE.values()) * len(arrays):
                return inf
    return possible


def _hashes(arrays: Mapping[str, Column], types: Mapping[str, Any], rows: Array | None = None) -> Array:
    """A 64-bit number for each example (or each of some) that is the same for equal numbers."""
    names = sorted(arrays)
    inputs = {name: in_memory(arrays[name]).reshape(len(arrays[name]), -1) for name in names}
    count = len(inputs[names[0]]) if rows is None else len(rows)
    if sum(inputs[name].shape[1] * types[name].itemsize for name in names) > MAX_HASHED_AT_ONCE:
        hashes = (
            hash(tuple(inputs[name][i].astype(types[name], copy=False).tobytes() for name in names))
            for i in (range(count) if rows is None else rows.tolist())
        )
        return np.fromiter(hashes, np.int64, count).view(np.uint64)
    total = np.zeros(count, np.uint64)
    columns = ((types[name], column) for name in names for column in inputs[name].T)
    for index, (dtype, column) in enumerate(columns):
        numbers = (column if rows is None else column[rows]).astype(dtype, copy=False)
        word = numbers.view(f"u{dtype.itemsize}").astype(np.uint64)
        word += np.uint64((index + 1) * 0x9E3779B97F4A7C15 % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # SplitMix64
            word ^= word >> np.uint64(shift)
            word *= np.uint64(factor)
        total += word ^ (word >> np.uint64(31))
    return total
