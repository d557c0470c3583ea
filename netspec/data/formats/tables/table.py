"""A table with every cell checked: numbers, categories and targets.

Input: a `TableFile`, and what is wanted of it. Output: `Table`, or every mistake in its cells.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from math import inf, nan
from typing import TYPE_CHECKING

from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.files import NoExamples
from netspec.data.formats.tables.cell_advice import Advice
from netspec.data.formats.tables.cell_errors import BadCells, missing_values, not_numbers, ragged_rows, raise_all
from netspec.data.formats.tables.cells import MISSING, UNKNOWN_NAME
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table_files import TableFile, as_text
from netspec.data.formats.tables.table_layout import Layout, Wanted, make_layout, no_name
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import lazy, np

if TYPE_CHECKING:
    import polars as pl
else:
    pl = lazy("polars")


MIN_IDS = 10
"""In fewer rows whole numbers are easily all different."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table.

    `numbers` has the features that are numbers, float64 of shape (rows, features), NaN where a missing one is allowed;
    `names` the cells of those that are categories, empty where one is missing; `targets` the cells of the targets;
    `rows` the lines of the rows in the file, the header being 1; `left_out` the columns that identify the rows, and
    whether they are numbers; `dropped` how many of the `file_rows` are left out for a missing value of each column;
    `divided_by` the cells of the column that folds are divided by.
    """

    file: str
    layout: Layout
    numbers: Array
    names: Mapping[str, list[str]]
    targets: Mapping[str, list[str]]
    rows: Sequence[int]
    form: CsvFormat = CsvFormat()
    left_out: Mapping[str, bool] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    file_rows: int = 0
    divided_by: Sequence[str] | None = None

    def take(self, rows: Array) -> Table:
        """Some of the rows, by index."""
        kept = rows.tolist()

        def some(cells: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
            return {name: [column[row] for row in kept] for name, column in cells.items()}

        lines = [self.rows[row] for row in kept]
        return replace(self, numbers=self.numbers[rows], names=some(self.names), targets=some(self.targets), rows=lines)

    def __len__(self) -> int:
        return len(self.rows)

    def target_numbers(self, name: str) -> Array:
        """A target column as float64, NaN where a cell is not a number; infinite ones stay."""
        known = self.__dict__.setdefault("_numbers", {})
        if name not in known:
            cells = pl.DataFrame({"": self.targets[name]}, schema={"": pl.String})
            numbers = cells.select(self.form.numbers(pl.col(""))).to_series().to_numpy(writable=True)
            for row in np.flatnonzero(~np.isfinite(numbers)).tolist():  # texts, or numbers in an unusual form
                value = self.form.number(self.targets[name][row])
                numbers[row] = np.nan if value is None else value
            known[name] = numbers
        found: Array = known[name]
        return found


def read_table(source: TableFile, wanted: Wanted) -> Table:
    """The table in a file.

    Raises:
        Unplaced: a column does not exist, there are no rows, or cells are wrong; with every row and column of those.
    """
    return _Reading(source, make_layout(source, wanted)).table()


class _Reading:
    """Reads the columns of a file one after the other. Rows are indices here, and lines in messages."""

    def __init__(self, source: TableFile, layout: Layout) -> None:
        self.source = source
        self.layout = layout
        self.frame = source.read(layout.numbers)
        self.absent = MISSING | layout.absent
        self.unknown = UNKNOWN_NAME | layout.absent
        self.number = source.form.number
        self.absent_numbers = {self.number(word) for word in layout.absent} - {None}
        self.missing: dict[str, Array] = {}
        self.wrong: dict[str, tuple[Array, list[str]]] = {}

    def table(self) -> Table:
        """Raises Unplaced with all mistakes."""
        numbers, names, targets = self._numbers(), self._texts(self.layout.names), self._texts(self.layout.targets)
        left_out = self._identifiers(numbers, names)
        if left_out:
            layout, self.layout = self.layout, self.layout.without(left_out)
            numbers = numbers[:, [layout.numbers.index(position) for position in self.layout.numbers]]
            for name in left_out:
                self.missing.pop(name, None), self.wrong.pop(name, None), names.pop(name, None)
        for name, cells in (names | targets).items():
            self.missing[name] = _rows_with(cells, self._absent_in(name))
        for name, cells in names.items():
            for row in self.missing[name].tolist():
                cells[row] = ""
        keep = np.ones(self.frame.height, bool)
        dropped = {name: rows for name, rows in self.missing.items() if self.layout.on_missing(name) == "drop"}
        for rows in dropped.values():
            keep[rows] = False
        kept = keep.tolist() if not keep.all() else None
        division = None
        if self.layout.division is not None:
            texts = self.source.texts([self.layout.division])[str(self.layout.division)]
            division = _kept(_stripped(texts), kept)
        words = {name: self._missing_words({*_kept(cells, kept)}) for name, cells in targets.items()}
        self.missing |= {name: _rows_with(targets[name], MISSING) for name, cells in words.items() if cells}
        self._raise_errors(keep, words)
        if not keep.any():
            case = "dropped" if self.layout.missing == "drop" else "rows"
            raise Unplaced(NoExamples, option="file", what=self.source.file, case=case)
        return Table(
            self.source.file,
            self.layout,
            numbers if kept is None else numbers[keep],
            {name: _kept(cells, kept) for name, cells in names.items()},
            {name: _kept(cells, kept) for name, cells in targets.items()},
            self.source.lines[keep].tolist(),
            self.source.form,
            left_out,
            {name: len(rows) for name, rows in dropped.items() if len(rows)},
            self.frame.height,
            division,
        )

    def _numbers(self) -> Array:
        """The features that are numbers. Cells that are not finite are read again as texts."""
        positions = self.layout.numbers
        if not positions:
            return np.empty((self.frame.height, 0))
        frame = self.frame.select([str(position) for position in positions])
        numbers = frame.to_numpy(order="c", writable=True)
        odd = ~np.isfinite(numbers)
        if self.absent_numbers:
            odd |= np.isin(numbers, np.array([*self.absent_numbers]))
        columns = np.flatnonzero(odd.any(axis=0)).tolist()
        texts = self.source.texts([positions[column] for column in columns]) if columns else frame
        for column in columns:
            rows = np.flatnonzero(odd[:, column])
            cells = _stripped(texts[str(positions[column])].gather(rows))
            known = {cell: self._value(cell) for cell in {*cells}}
            values = np.array([known[cell] for cell in cells])
            numbers[rows, column] = values
            name, wrong = self.layout.header[positions[column]], np.isinf(values)
            self.missing[name] = rows[np.isnan(values)]
            self.wrong[name] = rows[wrong], [cell for cell, is_wrong in zip(cells, wrong, strict=True) if is_wrong]
        return numbers

    def _value(self, cell: str) -> float:
        """A cell as a number: NaN for a missing one, infinite for one that is not a finite number."""
        value = self.number(cell)
        if cell.lower() in self.absent or value in self.absent_numbers:
            return nan
        return inf if value is None else value

    def _absent_in(self, name: str) -> Collection[str]:
        """The words for a missing value in a column of texts; a set has no value that is missing."""
        kind = self.layout.kind(name)
        if kind == "text":
            return {"", *self.layout.absent}
        return () if kind == "set" else self.absent if kind == "date" else self.unknown

    def _identifiers(self, numbers: Array, names: Mapping[str, Sequence[str]]) -> dict[str, bool]:
        """The columns that are named like identifiers and have another whole number or text in each row, and whether
        it is a number."""
        found = {}
        for position in self.layout.ids:
            is_named = position not in self.source.unnamed
            if is_named and self.frame.height < MIN_IDS:
                continue
            name = self.layout.header[position]
            is_number = name not in names and len(self.wrong.get(name, ((),))[0]) < self.frame.height
            if not is_number:
                cells = names.get(name) or self.wrong[name][1]
                is_id = "" not in cells and len({*cells}) == len(cells)
            else:
                values = numbers[:, self.layout.numbers.index(position)]
                is_whole = bool(np.isfinite(values).all() and (values % 1 == 0).all())
                is_id = is_whole and len(np.unique(values)) == len(values)
            if is_id:
                found[name] = is_number
            elif not is_named:
                raise no_name(self.source, self.layout.wanted, [position])
        return found

    def _is_all_text(self, name: str) -> bool:
        """Whether no cell of a feature is a number: what its missing values are depends on what the column is."""
        wrong, _ = self.wrong.get(name, ((), ()))
        return len(wrong) > 0 and len(wrong) + len(self.missing[name]) == self.frame.height

    def _texts(self, positions: Sequence[int]) -> dict[str, list[str]]:
        return {self.layout.header[p]: _stripped(as_text(self.frame[str(p)])) for p in positions}

    def _missing_words(self, distinct: set[str]) -> set[str]:
        """Words such as `NA` in a target whose other cells are numbers; among texts they may be classes."""
        words = {cell for cell in distinct if cell.lower() in MISSING}
        is_numbers = words and words != distinct and all(self.number(cell) is not None for cell in distinct - words)
        return words if is_numbers else set()

    def _raise_errors(self, keep: Array, words: Mapping[str, set[str]]) -> None:
        """Raises Unplaced with all mistakes in the rows to `keep`; `words` mean missing targets."""
        file, lines, layout = self.source.file, self.source.lines, self.layout

        def bad(name: str, rows: Array, cells: Sequence[str] = ()) -> BadCells:
            kept = keep[rows]
            return BadCells(
                name, lines[rows[kept]].tolist(), [cells[i] for i in np.flatnonzero(kept).tolist()] if cells else ()
            )

        targets = [bad(name, self.missing[name]) for name in words]
        features = [
            bad(name, rows)
            for name, rows in self.missing.items()
            if name not in words and layout.on_missing(name) == "error" and not self._is_all_text(name)
        ]
        advice = Advice(self.source.form, layout, int(keep.sum()))
        unnamed = {word for one in words.values() for word in one if word.lower() not in self.unknown}
        raise_all(
            [
                ragged_rows(
                    file,
                    self.source.ragged,
                    ("header" if self.source.has_header else "first row", len(layout.header)),
                    are_all=self.frame.height == 0,
                ),
                missing_values(
                    file,
                    targets,
                    features,
                    unnamed,
                    {name for name in map(layout.header.__getitem__, layout.names) if layout.kind(name) == "category"},
                    per_column=[*dict(layout.wanted.on_missing)]
                    if not any(len(rows) for rows, _ in self.wrong.values())
                    else None,
                ),
                not_numbers(file, [bad(name, rows, cells) for name, (rows, cells) in self.wrong.items()], advice),
            ]
        )


def _stripped(cells: pl.Series) -> list[str]:
    texts: list[str] = cells.fill_null("").str.strip_chars().to_list()
    return texts


def _kept(cells: list[str], kept: list[bool] | None) -> list[str]:
    return cells if kept is None else [*compress(cells, kept)]


def _rows_with(cells: Sequence[str], words: Collection[str]) -> Array:
    """The rows whose cell, in lower case, is one of some words."""
    variants = {cell for cell in {*cells} if cell.lower() in words}
    return np.array([row for row, cell in enumerate(cells) if cell in variants] if variants else [], np.int64)
