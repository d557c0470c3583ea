"""What the columns of a table hold that are to be predicted: classes or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.data.dataset.dataset import Target
from netspec.data.errors.files import TaskUnclear
from netspec.data.errors.sources import UnseenClass
from netspec.data.formats.cell_errors import BadCells, not_numbers, number, raise_all
from netspec.data.formats.table import Table
from netspec.language.diagnostics import Unplaced

FEW_CLASSES = 20
"""A column with more different values than this, and than a tenth of its rows, may not hold classes."""


def sort_values(values: set[str]) -> list[str]:
    """Texts in the order of the alphabet, numbers in that of their size."""
    found = sorted(values)
    if all(number(value) is not None for value in found):
        found.sort(key=float)
    return found


def check_numbers(table: Table, name: str) -> None:
    """Raises Unplaced unless every cell of a target is a number."""
    wrong = [(row, cell) for row, cell in zip(table.rows, table.targets[name], strict=True) if number(cell) is None]
    bad = BadCells(name, [row for row, _ in wrong], [cell for _, cell in wrong])
    raise_all([not_numbers(table.file, [bad], is_target=True)])


def target_of_column(table: Table, name: str, task: str) -> Target:
    """What a target column holds.

    Raises:
        Unplaced: numbers are asked for and a cell is none, or it is not clear what the column holds.
    """
    cells = table.targets[name]
    distinct = sort_values({*cells})
    values = [number(cell) for cell in distinct]
    are_numbers = all(value is not None for value in values)
    are_whole = are_numbers and all(cell.lstrip("+-").isdigit() for cell in distinct)
    if task == "numbers" or (task == "auto" and are_numbers and not are_whole):
        check_numbers(table, name)
        return Target("binary" if {*values} <= {0.0, 1.0} else "numbers")
    if task == "auto" and len(distinct) > max(FEW_CLASSES, len(table) / 10):
        raise _unclear(table, name, len(distinct), are_whole=are_whole)
    return Target.of_classes(distinct)


def _unclear(table: Table, name: str, distinct: int, *, are_whole: bool) -> Unplaced:
    advice = "write `task = numbers` to predict the number" if are_whole else "is this the column to predict?"
    advice += "\nwrite `task = classes` if every value is a class"
    return Unplaced(TaskUnclear, option="target", column=name, distinct=distinct, rows=len(table), advice=advice)


def unseen_class(table: Table, name: str, strange: Sequence[int], known: Sequence[str]) -> Unplaced:
    cell = table.targets[name][strange[0]]
    shown = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
    where = f"{table.file} row {table.rows[strange[0]]}"
    fields: dict[str, Any] = {"where": where, "column": name, "name": cell, "count": len(strange)}
    return Unplaced(UnseenClass, option="test", **fields, advice=f"the classes are {shown}")
