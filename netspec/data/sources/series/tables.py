"""What the sources of series have in common: a table, its columns, and the rows in the order of time.

Input: the options of a source, and a file. Output: `SeriesTable`, or the option that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from netspec.data.dataset.dataset import Source, Target
from netspec.data.dataset.lazy_rows import Array
from netspec.data.dataset.options import Delimiter, Encoding, Missing, Names, Sign
from netspec.data.errors.files import BrokenFile
from netspec.data.errors.tables import ColumnTypeConflict, SameSign
from netspec.data.formats.files import FileStamp, file_stamp
from netspec.data.formats.tables.cell_advice import Advice
from netspec.data.formats.tables.cell_errors import BadCells, not_numbers, raise_all
from netspec.data.formats.tables.cells import MISSING
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table import Table, read_table
from netspec.data.formats.tables.table_files import CsvFile, TableFile, parquet_file
from netspec.data.formats.tables.table_layout import Wanted
from netspec.data.sources.series.rows import SeriesRows, cells_of
from netspec.data.sources.tables.columns import DateColumn, OfColumns
from netspec.data.sources.tables.encoding import make_encoder
from netspec.data.sources.tables.said import Columns
from netspec.data.sources.tables.targets import target_of_column, unseen_class
from netspec.data.sources.tables.texts import TextsOf
from netspec.data.transforms.encoders import CodedBy, RowEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Chain, Choice, Text
from netspec.language.lazy import np
from netspec.language.values import Symbol
from netspec.language.word import Mismatch, hidden, option

FILE = Text("a file name (string)")
COLUMN = Text("the name of a column (string)")


class MissingInSeries(Missing):
    """What to do about missing values in series: a word, or a number that takes their place."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("error", "drop", "previous")

    def accept(self, value: object) -> str | float:
        if isinstance(value, Symbol) and value.name in ("mean", "median", "interpolate"):
            advice = "write `previous`: the mean of all rows, or what comes after a gap, is not known at the time"
            raise Mismatch(self.describe(), value, advice=advice)
        return super().accept(value)


class SeriesSource(Source):
    """The options that name columns of a table with series."""

    file: str = option(FILE, "the table (.csv or .parquet), from the folder of the spec", position=0)
    inputs: tuple[str, ...] = option(
        Names(), "the columns to predict from", default=(), aliases=("columns", "features", "input")
    )
    time: str | None = option(
        COLUMN,
        "the column of times, which orders the rows; as one of `inputs` it gives the position in the year, the week "
        "and the day (none: rows are in their order)",
        default=None,
        aliases=("date", "timestamp", "datetime", "ds"),
    )
    categories: tuple[str, ...] | str = option(
        Names(auto=True), "columns whose values are names; `auto`: those that contain text", default="auto",
        aliases=("categorical",),
    )  # fmt: skip
    encode: str = option(
        Choice(("onehot", "ids")),
        "how categories are encoded: a 0 or 1 for each value, or a separate input with token ids, for `embedding`",
        default="onehot",
    )
    missing: str | float = option(
        MissingInSeries(),
        "missing numbers: an error, leave out the windows with them, the previous number of the series, or a number",
        default="error",
        aliases=("fillna",),
    )
    absent: tuple[str, ...] = option(
        Names(), 'other marks of a missing value, such as "-999"', default=(), aliases=("na_values",)
    )
    task: str = option(
        Choice(("auto", "classes", "numbers")),
        "what the targets are; `auto`: texts are classes, and numbers that are forecast are numbers",
        default="auto",
    )
    per_column: tuple[OfColumns, ...] | None = option(
        Chain("column"), "single columns, as for `csv` (none: all alike)", default=None
    )
    test: str | None = option(FILE, "a table with the same columns, for the test", default=None)
    delimiter: str = option(Delimiter(), "the character between cells", default=",", aliases=("sep", "separator"))
    encoding: str = option(Encoding(), 'the encoding of the file, such as "cp1252" or "utf-16"', default="utf-8")
    decimal: str = option(Sign(".,"), "the character before the decimals of a number", default=".")
    thousands: str = option(
        Sign(".,' _", may_be_empty=True), 'the character between groups of three digits ("": none)', default=""
    )
    coded_by: CodedBy | None = hidden(default=None)

    def at(self, path: str) -> Source:
        return self.replace(file=path, test=None)

    @property
    def form(self) -> CsvFormat:
        return CsvFormat(self.delimiter, self.encoding, self.decimal, self.thousands)

    def open(self, path: Path) -> TableFile:
        """The table in a file; raises Unplaced when it cannot be read."""
        if path.suffix.lower() in (".parquet", ".pq"):
            return parquet_file(path, path.name)
        if self.decimal == self.thousands:
            raise Unplaced(SameSign, option="decimal", sign=self.decimal)
        return CsvFile(path, path.name, self.form)

    def read(self, folder: Path, file: str, features: Sequence[str], others: Sequence[str]) -> Table:
        """The table with some columns as features, and others whose cells are read as they are.

        Raises:
            Unplaced: a column does not exist, or cells are wrong.
        """
        said = self.said(features, others)
        wanted = said.wanted(tuple(features), (), self._categories(folder, file, features), leaves_out_ids=False)
        if self.missing != "error":
            wanted = wanted.replace(missing="keep")
        try:
            return _read(self, folder / file, file_stamp(folder / file), wanted)
        except Unplaced as bad:
            raise self._of_options(bad) from None

    def _of_options(self, bad: Unplaced) -> Unplaced:
        """The error about a column at the option that names it; sources of tables call their options otherwise."""
        column, role = bad.fields.get("column"), {"columns": "inputs", "target": "targets"}.get(bad.option or "")
        if role is None:
            return bad
        named = [option.name for option in self.options() if column in _names(getattr(self, option.field))]
        others = [self._of_options(one) for one in bad.others]
        return Unplaced(bad.kind, option=next(iter(named), role), others=others, **bad.fields)

    def said(self, features: Sequence[str], others: Sequence[str]) -> Columns:
        """What the options say of the columns."""
        per_column = self.per_column or ()
        is_said = any(self.time in of.columns for of in per_column)
        if self.time in features and not is_said:
            per_column = (*per_column, OfColumns(columns=(str(self.time),), as_=DateColumn()))
        if self.time not in features:
            per_column = tuple(of for of in per_column if of.columns != (self.time,))
        for of in per_column:
            if of.as_ is not None and of.as_.word in ("image", "set", "text"):
                problem = f"is `{of.as_.word}`, which series cannot have: write `number`, `category` or `date`"
                raise Unplaced(ColumnTypeConflict, option="per_column", column=of.columns[0], problem=problem)
            if of.missing in ("mean", "median", "drop"):
                problem = f"says `missing = {of.missing}`; in a series write `missing` for the whole source"
                raise Unplaced(ColumnTypeConflict, option="per_column", column=of.columns[0], problem=problem)
        missing = self.missing if isinstance(self.missing, float) else "error"
        said = Columns(
            tuple(others), per_column, self.encode == "ids", missing, self.task, None, self.form, self.absent
        )
        said.check()
        return said

    def date_format(self) -> str | None:
        """How times are written, where `per_column` says it."""
        of = next((of for of in self.per_column or () if self.time in of.columns), None)
        return of.as_.format if of is not None and isinstance(of.as_, DateColumn) else None

    def _categories(self, folder: Path, file: str, features: Sequence[str]) -> tuple[str, ...] | str:
        named = [name for of in self.per_column or () for name in of.columns]
        if isinstance(self.categories, str):
            return self.categories
        return tuple(name for name in self.categories if name in features and name not in named)

    def encoder(self, table: Table, features: Sequence[str], others: Sequence[str], folder: Path) -> RowEncoder:
        """How the features of a row are encoded."""
        return make_encoder(table, self.said(features, others), folder, TextsOf(None, folder, ())).replace(shape=None)


def _names(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


@lru_cache(maxsize=2)
def _read(source: SeriesSource, path: Path, stamp: FileStamp, wanted: Wanted) -> Table:
    """The table in a file, cached from its check to its training as long as the file has the same stamp."""
    return read_table(source.open(path), wanted)


# ---------------------------------------------------------------- targets


@dataclass(frozen=True, eq=False)
class SeriesTargets:
    """The targets of the rows in the order of time: numbers (rows x targets, NaN where one is missing), or ids of
    classes (rows). `of_row` says what the target of one row is; `is_missing` which rows have none."""

    values: Array
    of_row: Target
    is_missing: Array


def read_targets(
    table: Table, rows: SeriesRows, names: Sequence[str], said: Columns, *, forecasts: bool, known: Target | None = None
) -> SeriesTargets:
    """The targets in some columns.

    Args:
        table: the table.
        rows: its rows in the order of time.
        names: the columns.
        said: what the source says of columns.
        forecasts: numbers are numbers, not classes, unless `task` says otherwise.
        known: what the target of a row is in the training file, for the test file.

    Raises:
        Unplaced: a cell is not a number or a class of the training file, or one of several targets is a class.
    """
    target = known if known is not None else _target_of_row(table, names, said, forecasts=forecasts)
    if target.names is not None:
        cells = cells_of(table, names[0])
        ids = {name: index for index, name in enumerate(target.names)}
        unseen = [(row, cell) for row, cell in enumerate(cells) if cell not in ids and not _is_missing(cell)]
        if unseen:
            raise unseen_class(table, names[0], unseen, target.names)
        values = np.array([ids.get(cell, -1) for cell in cells], np.int64)[rows.place]
        return SeriesTargets(values, target, values < 0)
    columns = [numbers_of(table, name) for name in names]
    values = np.stack(columns, axis=1)[rows.place]
    is_missing = np.asarray(np.isnan(values).any(axis=1))
    return SeriesTargets(values, target, is_missing)


def _target_of_row(table: Table, names: Sequence[str], said: Columns, *, forecasts: bool) -> Target:
    """What the target of one row is; raises Unplaced when one of several is a class."""
    kinds = [_kind(table, name, said, forecasts=forecasts) for name in names]
    if len(names) == 1 and kinds[0].names is not None:
        return kinds[0]
    if bad := next((name for name, kind in zip(names, kinds, strict=True) if kind.names is not None), None):
        problem = "is a target with classes, which is predicted alone: write one of `targets`"
        raise Unplaced(ColumnTypeConflict, option="targets", column=bad, problem=problem)
    is_binary = all(kind.kind == "binary" for kind in kinds)
    return Target("binary" if is_binary else "numbers", len(names))


def _is_missing(cell: str) -> bool:
    return not cell or cell.lower() in MISSING


def _kind(table: Table, name: str, said: Columns, *, forecasts: bool) -> Target:
    if name in _number_columns(table):
        return Target("numbers")
    cells = cells_of(table, name)
    filled = [cell for cell in cells if not _is_missing(cell)]
    if not filled:
        reason = f"the column `{name}` is empty"
        raise Unplaced(BrokenFile, option="targets", file=table.file, format="table", reason=reason)
    is_number = all(table.form.number(cell) is not None for cell in filled)
    if forecasts and is_number and said.task == "auto":
        return Target("numbers")
    own = replace(table, targets={**table.targets, name: filled})
    return target_of_column(own, said, name)


def _number_columns(table: Table) -> Mapping[str, int]:
    return {table.layout.header[position]: index for index, position in enumerate(table.layout.numbers)}


def numbers_of(table: Table, name: str) -> Array:
    """A column as float64, NaN where a cell is missing; raises Unplaced for one that is not a number."""
    columns = _number_columns(table)
    if name in columns:
        found: Array = table.numbers[:, columns[name]]
        return found
    numbers, cells = table.target_numbers(name), table.targets[name]
    absent = MISSING | table.layout.absent
    wrong = [row for row in np.flatnonzero(np.isnan(numbers)).tolist() if cells[row].lower() not in absent]
    bad = BadCells(name, [table.rows[row] for row in wrong], [cells[row] for row in wrong])
    raise_all([not_numbers(table.file, [bad], Advice(table.form), is_target=True)])
    return numbers
