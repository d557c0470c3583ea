"""What the target columns of a table contain: their kinds, and their values as arrays.

Input: a `Table`, and what a source says of its columns. Output: `Target` and an array for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from netspec.data.dataset.dataset import BLANK, Facts, Target
from netspec.data.dataset.lazy_rows import Array
from netspec.data.dataset.precision import narrowed
from netspec.data.errors.files import TaskUnclear
from netspec.data.errors.sources import UnseenClass
from netspec.data.formats.tables.cell_advice import FEW_CLASSES, Advice
from netspec.data.formats.tables.cell_errors import BadCells, not_numbers, raise_all
from netspec.data.formats.tables.cells import number
from netspec.data.formats.tables.table import Table
from netspec.data.sources.tables.columns import SetColumn
from netspec.data.sources.tables.said import Columns
from netspec.data.sources.tables.transcripts import characters_of, text_array
from netspec.data.transforms.columns import Column, input_name, tags
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np


def make_targets(table: Table, said: Columns) -> dict[str, Target]:
    """What the target columns contain, by the names of outputs; raises as `make_facts`."""
    targets = {name: target_of_column(table, said, name) for name in said.target}
    if len(targets) == 1:
        return {"output": next(iter(targets.values()))}
    return {input_name(name): target for name, target in targets.items()}


def target_of_column(table: Table, said: Columns, name: str) -> Target:
    """What a target column contains; raises Unplaced when that is unclear, or a cell is not a number as it must."""
    kind = said.of(name).as_
    if isinstance(kind, SetColumn):
        found = tag_values(table.targets[name], kind.separator)
        return Target("binary", len(found), len(found), tuple(found))
    task = {"number": "numbers", "category": "classes"}.get(said.kind(name) or "", said.task)
    if task == "text":
        return characters_of(table.targets[name])
    distinct, numbers = {*table.targets[name]}, table.target_numbers(name)
    are_numbers = not np.isnan(numbers).any()
    are_whole = are_numbers and all(cell.replace(table.form.thousands, "").lstrip("+-").isdigit() for cell in distinct)
    is_number = are_numbers and (not are_whole or _are_amounts(numbers, len(distinct)))
    if task == "numbers" or (task == "auto" and is_number):
        _check_numbers(table, name)
        return Target("binary" if np.isin(numbers, (0.0, 1.0)).all() else "numbers")
    signs = "" if are_numbers else Advice(table.form).lines({name: sorted_values(distinct)}, is_target=True)
    if task == "auto" and len(distinct) > (FEW_CLASSES if signs else max(FEW_CLASSES, len(table) / 10)):
        case = "signs" if signs else "integers" if are_whole else ""
        unclear = partial(Unplaced, TaskUnclear, option="target", column=name, case=case, advice=signs)
        raise unclear(distinct=len(distinct), rows=len(table))
    return Target.of_classes(sorted_values(distinct))


def _are_amounts(numbers: Array, distinct: int) -> bool:
    """Whether integers are amounts, such as prices: too many for classes, and too far apart for a counter."""
    return distinct > max(FEW_CLASSES, len(numbers) / 2) and float(np.ptp(numbers)) > 4 * distinct


def target_arrays(table: Table, said: Columns, facts: Facts) -> dict[str, Array]:
    """The targets by the names of outputs; raises as `make_arrays`."""
    targets: dict[str, Array] = {}
    for name, (key, target) in zip(said.target, facts.targets.items(), strict=True):
        cells = table.targets[name]
        kind = said.of(name).as_
        if isinstance(kind, SetColumn):
            assert target.names is not None
            column = Column(name, target.names, type="set", separator=kind.separator)
            unseen = [*column.unseen(cells)]
            targets[key] = column.encode(cells, (table.file, table.rows))
        elif target.names is not None and target.names[0] == BLANK:
            targets[key] = text_array(table, name, target)
            continue
        elif target.names is None:
            _check_numbers(table, name)
            targets[key] = narrowed(table.target_numbers(name)[:, None])
            continue
        else:
            ids = {text: index for index, text in enumerate(target.names)}
            is_known = ids.keys() >= {*cells}
            unseen = [] if is_known else [(row, cell) for row, cell in enumerate(cells) if cell not in ids]
            numbers = map(ids.__getitem__, cells) if is_known else (ids.get(cell, 0) for cell in cells)
            targets[key] = np.fromiter(numbers, np.int32, len(cells))
        if unseen:
            raise unseen_class(table, name, unseen, target.names)
    return targets


def unseen_class(table: Table, column: str, unseen: Sequence[tuple[int, str]], classes: Sequence[str]) -> Unplaced:
    """What to raise for cells of a test file, each with the index of its row, that are none of the classes."""
    return Unplaced(
        UnseenClass,
        option="test",
        where=f"{table.file} row {table.rows[unseen[0][0]]}",
        column=column,
        name=unseen[0][1],
        count=len({row for row, _ in unseen}),
        classes=", ".join(classes[:8]) + (", …" if len(classes) > 8 else ""),
    )


def sorted_values(values: set[str]) -> list[str]:
    """Texts in alphabetical order, numbers by their size."""
    ordered = sorted(values)
    return sorted(ordered, key=float) if all(number(value) is not None for value in ordered) else ordered


def _check_numbers(table: Table, name: str) -> None:
    """Raises Unplaced unless every cell of a target is a number."""
    wrong = np.flatnonzero(np.isnan(table.target_numbers(name))).tolist()
    bad = BadCells(name, [table.rows[row] for row in wrong], [table.targets[name][row] for row in wrong])
    raise_all([not_numbers(table.file, [bad], Advice(table.form), is_target=True)])


def tag_values(cells: Sequence[str], separator: str) -> list[str]:
    return sorted_values({tag for cell in {*cells} for tag in tags(cell, separator)})
