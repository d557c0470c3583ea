"""Columns that say the target itself, and copies of other columns.

Input: columns. Output: the same columns, these ones as nothing to learn from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from netspec.data.dataset.lazy_rows import Array
from netspec.language.lazy import np
from netspec.starter.tables.columns import Column, numbers_in, shown
from netspec.starter.tables.opening import OpenTable
from netspec.starter.tables.targets import TargetColumn

COPY = 0.99999
"""Numbers with a larger correlation are the same in another unit."""


DECIDED = 0.99
"""The fraction of rows from which on a column with few values is said to decide the class."""

ROWS_FOR_VALUE = 20
"""The rows on average in which a value occurs, from which on a column has few values."""


MAX_SAID = 5
"""How many values of such a column a sentence names."""


def without_leaks(columns: Iterable[Column], goal: TargetColumn, table: OpenTable) -> Iterator[Column]:
    """The columns; those from which the target can be read off are nothing to learn from. One of few values that
    decides it in nearly every row stays where there is nothing else."""
    found, target = [], table.cells[goal.name]
    numbers = None if goal.is_classes else numbers_in(target, table.form)
    for column in columns:
        reason = _leak(column, target, numbers) if column.kind in ("number", "category") else ""
        found.append(column.as_nothing(reason) if reason else column)
    deciding = [_decision(column, goal, target) if column.kind in ("number", "category") else "" for column in found]
    has_more = any(column.kind != "nothing" and not why for column, why in zip(found, deciding, strict=True))
    for column, why in zip(found, deciding, strict=True):
        yield column.as_nothing(why) if why and has_more else column


def without_copies(columns: Iterable[Column]) -> Iterator[Column]:
    """The columns; those with the cells of an earlier one are nothing to learn from."""
    seen: dict[int, Column] = {}
    for column in columns:
        first = seen.setdefault(hash(tuple(column.cells)), column)
        is_copy = first is not column and column.kind != "nothing" and [*first.cells] == [*column.cells]
        yield column.as_nothing(f"is a copy of {shown(first.name)}") if is_copy else column


def _leak(column: Column, target: Sequence[str], numbers: Array | None) -> str:
    """How a column says the target, of which the `numbers` are given unless it is one of classes; empty for one that
    does not."""
    if [*column.cells] == [*target]:
        return "is a copy of the target"
    if numbers is None:
        labels: dict[str, str] = {}
        if any(labels.setdefault(cell, label) != label for cell, label in zip(column.cells, target, strict=True)):
            return ""
        is_code = len(labels) == len({*labels.values()}) == len({*target})
        return "says the target in other words" if is_code else ""
    if column.kind == "number":
        mine, theirs = column.numbers, numbers
        both = np.isfinite(mine) & np.isfinite(theirs)
        mine, theirs = mine[both], theirs[both]
        if len(mine) > 2 and mine.std() > 0 and theirs.std() > 0 and abs(np.corrcoef(mine, theirs)[0, 1]) > COPY:
            return "is the target in another unit"
    return ""


def _decision(column: Column, goal: TargetColumn, target: Sequence[str]) -> str:
    """How a column of few values decides the class in nearly every row; empty for one that does not."""
    if not goal.is_classes or len(column.counts) * ROWS_FOR_VALUE > len(target):
        return ""
    labels: dict[str, Counter[str]] = {}
    for cell, label in zip(column.cells, target, strict=True):
        labels.setdefault(cell, Counter())[label] += 1
    most = {cell: max(counted.items(), key=lambda item: item[1]) for cell, counted in labels.items()}
    right, alone = sum(count for _, count in most.values()), max(goal.counts.values())
    if right < DECIDED * len(target) or alone >= DECIDED * len(target):
        return ""
    said = ", ".join(f"{shown(cell)} is {shown(label)}" for cell, (label, _) in sorted(most.items())[:MAX_SAID])
    return (
        f"says the target in {100 * right / len(target):.4g}% of the rows ({said}{', …' * (len(most) > MAX_SAID)}): "
        "if it is known before the target is, take it in again"
    )
