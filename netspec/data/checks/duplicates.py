"""Equal examples in the training set and in another split.

Input: splits. Output: a warning for each split. Compared are the numbers as the source has them, before they are
normalized and rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import Array, in_memory
from netspec.data.errors.network import Leak
from netspec.language.diagnostics import Diagnostic
from netspec.language.lazy import np
from netspec.language.source import Span

if TYPE_CHECKING:
    from netspec.data.splits.split import Splits

MAX_HASHED_AT_ONCE = 512
"""Bytes of an example up to which all examples are hashed together, column by column."""


def check_duplicates(splits: Splits, span: Span | None) -> list[Diagnostic]:
    """Equal inputs in the training set and another split, by hashes of their bytes."""
    dataset, indices = splits.dataset, {"val": splits.val_index, "test": splits.test_index}
    parts = [part for part in (dataset.train, dataset.test) if part is not None]
    types = {name: np.result_type(*(in_memory(p.inputs[name]) for p in parts)) for name in dataset.train.inputs}
    is_used = np.zeros(len(dataset.train), bool)
    for index in (splits.train_index, *indices.values()):
        if index is not None:
            is_used[index] = True
    used = np.flatnonzero(is_used)
    hashes = np.zeros(len(dataset.train), np.uint64)
    hashes[used] = _hashes(dataset.train, types, used if len(used) < len(hashes) else None)
    keys, first = np.unique(hashes[splits.train_index], return_index=True)
    found: list[Diagnostic] = []
    for part, index in indices.items():
        if index is None and (part == "val" or dataset.test is None):
            continue
        ours = _hashes(dataset.test, types) if index is None and dataset.test is not None else hashes[index]
        at, order = np.empty(len(ours), np.int64), np.argsort(ours)
        at[order] = np.minimum(np.searchsorted(keys, ours[order]), len(keys) - 1)  # neighbors are close in memory
        twins = np.flatnonzero(keys[at] == ours)
        if len(twins):
            leak = partial(Leak, span=span, count=len(twins), total=len(ours), part=part)
            where, twin = splits.where(int(twins[0]), part), splits.where(int(first[at[twins[0]]]))
            found.append(leak(case="file" if where == twin else "", where=where, twin=twin))
    return found


def _hashes(arrays: Arrays, types: Mapping[str, Any], rows: Array | None = None) -> Array:
    """A 64-bit number for each example (or each of some) that is the same for equal inputs."""
    names, count = sorted(arrays.inputs), len(arrays) if rows is None else len(rows)
    inputs = {name: in_memory(arrays.inputs[name]).reshape(len(arrays), -1) for name in names}
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
