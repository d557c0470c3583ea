"""Tables in CSV files: read and checked row by row, without NumPy.

Comes in: a file with a header, and which of its columns is the target. Goes out: `Table`, in which every feature is a
number and every target a text that is there.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from pathlib import Path
from typing import Any

from netspec.data.base import BadData
from netspec.data.errors import BadHeader, BrokenFile, MissingValue, NoColumn, NoExamples, NotANumber, RaggedRow
from netspec.data.idxfile import unreadable
from netspec.diagnostics import Diagnostic, suggest

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
"""What stands in cells, in lower case, when a number is not known."""

UNKNOWN_CLASS = frozenset({"", "nan", "?"})
"""The same for cells that name a class; `NA` or `none` may well be one."""


@dataclass(frozen=True, eq=False)
class Table:
    """A CSV file. `features` holds the numbers row by row; `targets` the cells of the target column as they stand;
    `rows` the numbers of the lines in the file, the header being 1."""

    file: str
    columns: tuple[str, ...]
    target: str
    features: array[float] = field(repr=False)
    targets: list[str] = field(repr=False)
    rows: array[int] = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)


def read_table(path: Path, target: str, delimiter: str) -> Table:
    """Read a file whose columns are all numbers, except perhaps the target.

    Raises:
        BadData: the file cannot be read, or is no such table; the message has the row and the column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=delimiter != " ")
            table = _Reading(path.name, reader).table(target, delimiter)
    except OSError as error:
        raise unreadable(path, "CSV", error, "file") from error
    except UnicodeDecodeError as error:
        advice = "save the table as CSV in UTF-8"
        raise bad_file(BrokenFile, path.name, format="CSV", reason="it is no UTF-8 text", advice=advice) from error
    if not len(table):
        raise _nothing(path.name, "examples", "add rows below the header, one for each example")
    return table


def bad_file(kind: type[Diagnostic], file: str, **fields: Any) -> BadData:
    return BadData(kind, option="file", file=file, **fields)


def _nothing(file: str, missing: str, advice: str) -> BadData:
    return BadData(NoExamples, option="file", what=file, missing=missing, advice=advice)


class _Reading:
    """One pass over a file."""

    def __init__(self, file: str, reader: Any) -> None:
        self.file = file
        self.reader = reader

    def table(self, target: str, delimiter: str) -> Table:
        try:
            header = [name.strip() for name in next(self.reader, [])]
            self._check_header(header, target, delimiter)
            return self._read_rows(header, header.index(target))
        except csv.Error as error:
            reason = f"row {self.reader.line_num}: {error}"
            advice = 'a cell in double quotes ends with one, and a double quote inside it is written twice: ""'
            raise bad_file(BrokenFile, self.file, format="CSV", reason=reason, advice=advice) from error

    def _check_header(self, header: Sequence[str], target: str, delimiter: str) -> None:
        """Raises BadData unless the columns have names of their own, the target is there, and a feature is left."""
        if not any(header):
            raise _nothing(self.file, "header", "the first row names the columns, the others are the examples")
        advice = "give every column a name of its own"
        if "" in header:
            problem = f"has no name for column {header.index('') + 1}"
            raise bad_file(BadHeader, self.file, problem=problem, advice=advice)
        for number, name in enumerate(header):
            if name in header[:number]:
                problem = f"has `{name}` twice, as columns {header.index(name) + 1} and {number + 1}"
                raise bad_file(BadHeader, self.file, problem=problem, advice=advice)
        if target not in header:
            raise self._no_target(header, target, delimiter)
        if len(header) == 1:
            raise _nothing(self.file, "column but the target", "add the columns that the target is predicted from")

    def _no_target(self, header: Sequence[str], target: str, delimiter: str) -> BadData:
        if all(number(name) is not None for name in header):
            problem = f"is made of numbers: {', '.join(header[:4])}{', …' if len(header) > 4 else ''}"
            advice = "add a first row with the names of the columns"
            return bad_file(BadHeader, self.file, problem=problem, advice=advice)
        advice = suggest(target, header, what="its columns")
        others = [d for d in (";", "\t", "|", ",") if d != delimiter and d in header[0]]
        if len(header) == 1 and others:
            shown = "\\t" if others[0] == "\t" else others[0]
            advice = f'its cells seem to be divided by other characters: set `delimiter = "{shown}"`'
        return BadData(NoColumn, option="target", file=self.file, column=target, advice=advice)

    def _read_rows(self, header: list[str], place: int) -> Table:
        columns = (*header[:place], *header[place + 1 :])
        table = Table(self.file, columns, header[place], array("f"), [], array("q"))
        for cells in self.reader:
            if not cells:
                continue  # an empty line, mostly the last one
            row = self.reader.line_num
            if len(cells) != len(header):
                raise bad_file(RaggedRow, self.file, row=row, found=len(cells), expected=len(header))
            target = cells.pop(place).strip()
            if target.lower() in UNKNOWN_CLASS:
                raise bad_file(MissingValue, self.file, row=row, column=header[place])
            table.features.extend(self._numbers(columns, cells, row))
            table.targets.append(target)
            table.rows.append(row)
        return table

    def _numbers(self, columns: Sequence[str], cells: Sequence[str], row: int) -> list[float]:
        """The cells of a row as finite numbers; which of them is none is only looked for when there is one."""
        try:
            numbers = [float(cell) for cell in cells]
        except ValueError:
            return self._checked(columns, cells, row)
        return numbers if isfinite(sum(numbers)) else self._checked(columns, cells, row)

    def _checked(self, columns: Sequence[str], cells: Sequence[str], row: int) -> list[float]:
        return [self._number(name, cell.strip(), row) for name, cell in zip(columns, cells, strict=True)]

    def _number(self, column: str, cell: str, row: int) -> float:
        """Raises BadData unless the cell is a finite number."""
        if cell.lower() in MISSING:
            raise bad_file(MissingValue, self.file, row=row, column=column)
        value = number(cell)
        if value is None or not isfinite(value):
            raise not_a_number(self.file, row, column, cell)
        return value


def number(cell: str) -> float | None:
    """A cell as a number, infinity included; None when it is none."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if isnan(value) else value


def not_a_number(file: str, row: int, column: str, cell: str, *, is_target: bool = False) -> BadData:
    """What to raise for a cell, and what to write instead."""
    if number(cell) is not None:
        advice = "write a finite number"
    elif number(cell.replace(",", ".")) is not None:
        advice = f"numbers have a decimal point: {cell.replace(',', '.')}"
    elif number(cell.rstrip("%€$ ").lstrip("€$ ").replace(",", "")) is not None:
        advice = "write the number without signs and units"
    elif is_target:
        advice = "write `task = classes` if the column holds classes"
    else:
        advice = "only the target may be text: remove the column, or write numbers for its values"
    return bad_file(NotANumber, file, row=row, column=column, cell=cell[:40], advice=advice)
