"""Tables and rows for `netspec predict`, also where they are written in another way than the table of the run.

Input: a file or a text, and how the run reads rows. Output: a `TableFile` with the columns of the run. Another
delimiter is read where the columns are found by it, and every number is one as it is usually written, or as in the run.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from netspec.data.errors.prediction import cannot_predict
from netspec.data.formats.images import ENDINGS
from netspec.data.formats.tables.cell_advice import listed
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table import read_table
from netspec.data.formats.tables.table_files import CsvFile, TableFile
from netspec.data.formats.tables.table_layout import DELIMITERS, Wanted
from netspec.data.predict.rows import numbered, row_advice
from netspec.data.transforms.encoders import RowEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.files.paths import is_file

GROUPED = re.compile(r"[+-]?\d{1,3}(\.\d{3})+")
"""A number that is another one with a sign between groups of digits."""


FILES = (".csv", ".tsv", ".parquet", ".npy", ".npz", *ENDINGS)
"""Endings of files that are read."""


def is_table(path: Path) -> bool:
    """Whether a path is that of a table."""
    return path.suffix.lower() in (".csv", ".tsv", ".parquet") and is_file(path)


def looks_like_file(text: str, rows: RowEncoder) -> bool:
    """Whether a text is rather the name of a file than a row."""
    if text.count(rows.delimiter) == len(rows.columns) - 1 > 0:
        return False
    has_cells = any(delimiter in text for delimiter in (rows.delimiter, *DELIMITERS))
    return Path(text).suffix.lower() in FILES or (len(rows.columns) > 1 and not has_cells)


def open_csv(path: Path, rows: RowEncoder, wanted: Wanted) -> CsvFile:
    """A CSV file with the columns of a run, with or without a header.

    Raises:
        Unplaced: it cannot be read.
        CompileError: its rows have another number of cells.
    """
    own = _opened(path, rows, rows.form)
    if _fits(own, rows):
        return own
    others = []
    for form in _other_forms(rows):
        try:
            other = _opened(path, rows, form)
            if not _fits(other, rows):
                continue
            others.append(other)
            read_table(other, wanted)
        except Unplaced:
            continue
        return _opened(path, rows, form)
    if others or own.has_header:
        return (others or [own])[0]
    cells = next(iter(own.head()), ())
    raise cannot_predict(f"`{path}`", other_width(len(cells), rows, "row 1"), row_advice(rows))


def _opened(path: Path, rows: RowEncoder, form: CsvFormat) -> CsvFile:
    names = [column.name for column in rows.columns]
    file = CsvFile(path, str(path), form, "either", names)
    first = next(iter(file.head()), ())
    has_names = len(first) > 1 and all(cell and form.number(cell.strip()) is None for cell in first)
    has_numbers = any(column.kind == "number" for column in rows.columns)
    if not file.has_header and has_names and has_numbers and names != numbered(len(names)):
        return CsvFile(path, str(path), form, "header")  # of other columns
    return file


def _fits(file: CsvFile, rows: RowEncoder) -> bool:
    """Whether a file has the columns of a run."""
    names = [column.name for column in rows.columns]
    return {*names} <= {*file.header} if file.has_header else len(next(iter(file.head()), ())) == len(names)


def _other_forms(rows: RowEncoder) -> Iterator[CsvFormat]:
    """How else rows may be written: with another delimiter, and decimal points or the sign of the run."""
    own = rows.form
    for delimiter in DELIMITERS:
        for decimal in dict.fromkeys((".", own.decimal)):
            if delimiter not in (own.delimiter, decimal):
                thousands = own.thousands if decimal == own.decimal and own.thousands != delimiter else ""
                yield CsvFormat(delimiter, own.encoding, decimal, thousands)


def open_row(text: str, rows: RowEncoder) -> TableFile:
    """A row on the command line as a table.

    Raises:
        CompileError: it is not one.
    """
    names = [column.name for column in rows.columns]
    form = rows.form
    try:
        cells = _cells(text, form.delimiter)
        if len(cells) != len(names):
            fitting = (one for one in _other_forms(rows) if _is_row(_cells(text, one.delimiter), one, rows))
            form = next(fitting, form)
            cells = _cells(text, form.delimiter)
    except csv.Error as error:
        raise cannot_predict(f"`{text}`", f"not a row of numbers: {error}", row_advice(rows)) from None
    if len(cells) != len(names) and (places := feature_places(cells, form, rows)) is not None:
        return TableFile.of_rows("", names, [[cells[place] for place in places]], form)
    if len(cells) != len(names):
        count = max(text.count(delimiter) + 1 for delimiter in (rows.delimiter, *DELIMITERS))
        raise cannot_predict(f"`{text}`", other_width(count, rows), row_advice(rows))
    return TableFile.of_rows("", names, [cells], form)


def _cells(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter), [])


def _is_row(cells: Sequence[str], form: CsvFormat, rows: RowEncoder) -> bool:
    """Whether cells are an example, with numbers that can be read in one way."""
    if len(cells) != len(rows.columns):
        return False
    pairs = zip(rows.columns, map(str.strip, cells), strict=True)
    numbers = [cell for column, cell in pairs if column.kind == "number" and cell]
    may_be_grouped = rows.form.thousands == "." != form.thousands
    return all(
        form.number(cell) is not None and not (may_be_grouped and GROUPED.fullmatch(cell) is not None)
        for cell in numbers
    )


def feature_places(cells: Sequence[str], form: CsvFormat, rows: RowEncoder) -> list[int] | None:
    """Where the features are in a row that is copied from the table of the training, with or without the targets and
    the columns that the run leaves out; None where that is not clear."""
    names, left_out = [column.name for column in rows.columns], rows.left_out
    found: list[list[int]] = []
    for without in ([], [*rows.targets], left_out):
        header = [name for name in rows.header if name not in without]
        places = [header.index(name) for name in names if name in header]
        if len(header) == len(cells) and len(places) == len(names) and places not in found:
            found.append(places)
    if len(found) > 1:
        found = [places for places in found if _is_known([cells[place] for place in places], form, rows)]
    return found[0] if len(found) == 1 else None


def _is_known(cells: Sequence[str], form: CsvFormat, rows: RowEncoder) -> bool:
    """Whether cells are an example whose categories occur in training."""
    pairs = [(column, cell.strip()) for column, cell in zip(rows.columns, cells, strict=True) if column.values]
    are_known = all(cell in (column.values or ()) for column, cell in pairs if column.kind == "category")
    return are_known and _is_row(cells, form, rows)


def other_width(count: int, rows: RowEncoder, what: str = "it", unit: str = "cell") -> str:
    """Why cells are not an example."""
    without = f", without {listed(rows.left_out, '`')}, which the run leaves out" if rows.left_out else ""
    return f"{what} has {count} {unit}{'' if count == 1 else 's'}, and an example has {len(rows.columns)}{without}"
