"""Tables in CSV files: read and checked row by row, without NumPy.

Comes in: a file with a header, and what is wanted of it. Goes out: `Table`, in which features are numbers or names, and
every target is a text that is there.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from math import isfinite, nan
from operator import itemgetter
from pathlib import Path
from typing import Protocol

from netspec.data.errors.files import BrokenFile
from netspec.data.formats.cell_errors import MISSING, UNKNOWN_NAME, WrongCells, number
from netspec.data.formats.file_cache import remember
from netspec.data.formats.idx import unreadable
from netspec.data.formats.table_layout import Layout, Wanted, make_layout, nothing_in
from netspec.language.diagnostics import Unplaced
from netspec.language.record import Frozen

FIRST_ROWS = 100
"""Rows that are looked at to know which columns hold text."""


class Table(Frozen):
    """A table as it was read. `numbers` has the features that are numbers, row by row, NaN where one is missing and may
    be; `names` the cells of those that are categories, empty where one is missing; `targets` the cells of the targets;
    `rows` the numbers of the lines in the file, the header being 1."""

    file: str
    layout: Layout
    numbers: array[float]
    names: dict[str, list[str]]
    targets: dict[str, list[str]]
    rows: array[int]

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def empty(cls, file: str, layout: Layout) -> Table:
        names = {name: list[str]() for name in layout.called(layout.names)}
        targets = {name: list[str]() for name in layout.called(layout.targets)}
        return cls(file, layout, array("f"), names, targets, array("q"))


def read_table(path: Path, wanted: Wanted, delimiter: str) -> Table:
    """Read a file, once as long as it stays the same.

    Raises:
        Unplaced: the file cannot be read, or is no such table; the messages have the rows and the columns.
    """
    return remember(path, (wanted, delimiter), lambda: _read_file(path, wanted, delimiter))


def _read_file(path: Path, wanted: Wanted, delimiter: str) -> Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=delimiter != " ")
            try:
                return parse_rows(path.name, reader, wanted, delimiter)
            except csv.Error as error:
                raise _broken(path.name, reader.line_num, error) from error
    except OSError as error:
        raise unreadable(path, "CSV", error, "file") from error
    except UnicodeDecodeError as error:
        advice = "save the table as CSV in UTF-8"
        reason = "it is no UTF-8 text"
        raise Unplaced(BrokenFile, option="file", file=path.name, format="CSV", reason=reason, advice=advice) from error


def _broken(file: str, row: int, error: Exception) -> Unplaced:
    advice = 'a cell in double quotes ends with one, and a double quote inside it is written twice: ""'
    return Unplaced(BrokenFile, option="file", file=file, format="CSV", reason=f"row {row}: {error}", advice=advice)


class RowReader(Protocol):
    """Rows of cells, as `csv.reader` gives them; `line_num` counts the lines that were read."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


def parse_rows(file: str, reader: RowReader, wanted: Wanted, delimiter: str | None = None) -> Table:
    """The table that rows make, the first being the header.

    Raises:
        Unplaced: with every row and cell that is wrong.
    """
    header = [name.strip() for name in next(reader, [])]
    first = [(reader.line_num, cells) for cells in islice(reader, FIRST_ROWS)]
    layout = make_layout(file, header, [cells for _, cells in first], wanted, delimiter)
    reading = _Reading(Table.empty(file, layout))
    reading.read(chain(first, ((reader.line_num, cells) for cells in reader)))
    reading.find_gaps()
    reading.wrong.raise_all()
    if not len(reading.table):
        advice = "add rows below the header, one for each example"
        if wanted.missing == "drop":
            advice = "every row has a missing value: leave columns out with `drop`, or write `missing = mean`"
        raise nothing_in(file, "examples", advice)
    return reading.table


class _Reading:
    """One pass over the rows."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.layout = table.layout
        self.wrong = WrongCells(table.file)
        self.absent = MISSING | table.layout.absent
        self.unknown = UNKNOWN_NAME | table.layout.absent
        self.absent_numbers = {number(word) for word in table.layout.absent} - {None}
        self.numbers = _picker(self.layout.numbers)
        self.names = [(place, self.layout.header[place]) for place in self.layout.names]
        self.targets = [(place, self.layout.header[place]) for place in self.layout.targets]

    def read(self, rows: Iterator[tuple[int, list[str]]]) -> None:
        width = len(self.layout.header)
        for row, cells in rows:
            if not cells:
                continue  # an empty line, mostly the last one
            if len(cells) != width:
                self.wrong.add_ragged(row, len(cells), width)
                continue
            self._row(row, cells)

    def find_gaps(self) -> None:
        """Words such as `NA` stand for a missing value where all else in a target is numbers; among texts they may be
        classes."""
        for name, cells in self.table.targets.items():
            words = {cell for cell in {*cells} if cell.lower() in MISSING}
            others = {*cells} - words
            if words and others and all(number(cell) is not None for cell in others):
                self.wrong.missing_targets.clear(name)
                for row, cell in zip(self.table.rows, cells, strict=True):
                    if cell in words:
                        self.wrong.missing_targets.add(name, row)
                self.wrong.absent |= {cell for cell in words if cell.lower() not in self.unknown}

    def _row(self, row: int, cells: list[str]) -> None:
        """Add a row, unless a value is missing and such rows are left out."""
        targets = [(name, cells[place].strip()) for place, name in self.targets]
        names = [(name, self._name(cells[place].strip())) for place, name in self.names]
        numbers = self._numbers(row, cells)
        has_gap = numbers is None or not all(cell for _, cell in names)
        lacks_target = any(self._is_unknown(cell) for _, cell in targets)
        if self.layout.missing == "drop" and (has_gap or lacks_target):
            return
        for name, cell in targets:
            if self._is_unknown(cell):
                self.wrong.missing_targets.add(name, row)
            self.table.targets[name].append(cell)
        for name, cell in names:
            if not cell and self.layout.missing == "error":
                self.wrong.missing.add(name, row)
            self.table.names[name].append(cell)
        self.table.numbers.extend(numbers or ())
        self.table.rows.append(row)

    def _name(self, cell: str) -> str:
        return "" if self._is_unknown(cell) else cell

    def _is_unknown(self, cell: str) -> bool:
        return cell.lower() in self.unknown

    def _numbers(self, row: int, cells: Sequence[str]) -> list[float] | None:
        """The numbers of a row, NaN where one is missing; None when such a row is to be left out. What is wrong with
        them is only looked for when something is."""
        try:
            numbers = list(map(float, self.numbers(cells)))
        except ValueError:
            return self._checked(row, cells)
        is_plain = isfinite(sum(numbers)) and self.absent_numbers.isdisjoint(numbers)
        return numbers if is_plain else self._checked(row, cells)

    def _checked(self, row: int, cells: Sequence[str]) -> list[float] | None:
        layout = self.layout
        found = []
        for place in layout.numbers:
            cell = cells[place].strip()
            value = number(cell)
            if cell.lower() in self.absent or value in self.absent_numbers:
                if layout.missing == "drop":
                    return None
                if layout.missing == "error":
                    self.wrong.missing.add(layout.header[place], row)
                value = nan
            elif value is None or not isfinite(value):
                self.wrong.no_numbers.add(layout.header[place], row, cell)
                value = nan
            found.append(value)
        return found


def _picker(places: Sequence[int]) -> Callable[[Sequence[str]], Sequence[str]]:
    """What takes some of the cells of a row; `itemgetter` is several times as fast as a loop."""
    if len(places) == 1:
        only = places[0]
        return lambda cells: (cells[only],)
    return itemgetter(*places) if places else lambda cells: ()
