"""Tables in CSV and Parquet files: columns read by polars, and the line of each row in the file.

Input: a file, or rows of cells. Output: a `TableFile`, which gives columns as numbers and as texts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.files import BadHeader, BrokenFile
from netspec.data.formats.files import CELL_LIMIT, FILE_LIMIT, unreadable
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.language.diagnostics import Unplaced
from netspec.language.files.regular_file import Refused, check_regular, read_regular
from netspec.language.lazy import lazy, np

if TYPE_CHECKING:
    import polars as pl
else:
    pl = lazy("polars")

HEAD_ROWS = 100
"""Rows by which columns of text are detected."""

BLOCK = 1 << 18
"""Bytes that are processed at a time: as many as fit into a cache of the processor."""

FirstRow = Literal["header", "data", "either"]
"""What the first row is; `either`: a header if it has one of some names."""

_NEWLINE, _RETURN, _QUOTE = b'\n\r"'


class TableFile:
    """A table in memory; columns are named by their positions.

    `lines` has the line of each row in the file. `ragged` has the line and the cells of each row that is left out
    because the header has more or fewer. Columns without a name have one as in pandas, such as `Unnamed: 0`; `unnamed`
    has their positions. `form` says how text files are written, `delimiter` is None for others;
    `has_header` whether the names of the columns are from the file.
    """

    def __init__(self, file: str, header: Sequence[str], frame: pl.DataFrame, lines: Array) -> None:
        self.file = file
        self.unnamed: Collection[int] = ()
        self.header = self._all_named(header)
        self.lines = lines
        self.ragged: Sequence[tuple[int, Sequence[str]]] = ()
        self.form = CsvFormat()
        self.delimiter: str | None = None
        self.has_header = True
        self._frame = frame

    @classmethod
    def of_rows(
        cls, file: str, header: Sequence[str], rows: Sequence[Sequence[str]], form: CsvFormat | None = None
    ) -> TableFile:
        """Rows that each have as many cells as the header; `form` says how their numbers are written."""
        table = cls(file, header, _text_frame(rows, len(header)), np.arange(1, len(rows) + 1))
        table.form = form or table.form
        return table

    def _all_named(self, header: Sequence[str]) -> tuple[str, ...]:
        """The header with a name for each column, if it names any."""
        self.unnamed = [position for position, name in enumerate(header) if not name] if any(header) else ()
        return tuple(f"Unnamed: {i}" if i in self.unnamed else name for i, name in enumerate(header))

    def head(self) -> Sequence[Sequence[str | None]]:
        """The cells of the first rows."""
        return _as_texts(self._frame.head(HEAD_ROWS)).rows()

    def read(self, numbers: Sequence[int]) -> pl.DataFrame:
        """All columns, `numbers` as Float64: null, NaN or infinite where a cell must be read as text. `lines` and
        `ragged` are known afterwards."""
        columns = [self._frame[str(position)] for position in numbers]
        texts = self._frame.with_columns(as_text(column) for column in columns if not column.dtype.is_numeric())
        return texts.with_columns(
            pl.col(name).cast(pl.Float64) if dtype.is_numeric() else self.form.numbers(pl.col(name))
            for name, dtype in texts.select([str(position) for position in numbers]).schema.items()
        )

    def texts(self, positions: Sequence[int]) -> pl.DataFrame:
        """Columns as String, null where a cell is empty; after `read`."""
        return _as_texts(self._frame.select([str(position) for position in positions]))


def parquet_file(path: Path, file: str) -> TableFile:
    """The table in a Parquet file; rows are counted from 1. Raises Unplaced when it cannot be read."""
    try:
        check_regular(path, FILE_LIMIT)
        frame = pl.read_parquet(path, glob=False)
    except OSError as error:
        raise unreadable(path, "Parquet", error, "file") from error
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise Unplaced(BrokenFile, option="file", file=file, format="Parquet", reason=reason) from error
    header = [name.strip() for name in frame.columns]
    frame.columns = [str(position) for position in range(frame.width)]
    return TableFile(file, header, frame, np.arange(1, frame.height + 1))


class CsvFile(TableFile):
    """A CSV file (RFC 4180) whose cells may have spaces around them; blank lines are skipped.

    polars reads unambiguous files. Others are read row by row with the module `csv`, which finds the position of a
    mistake.
    """

    def __init__(
        self, path: Path, file: str, form: CsvFormat, first: FirstRow = "header", names: Sequence[str] | None = None
    ) -> None:
        """Reads the header. `names` are those of the columns of a file without one (none: `column_1` and so on).

        Raises:
            Unplaced: the file cannot be read, or has another number of columns than there are names.
        """
        try:
            data = form.decode(read_regular(path, FILE_LIMIT), file)
            self._longest = CELL_LIMIT.size(path)
        except OSError as error:
            raise unreadable(path, "CSV", error, "file") from error
        super().__init__(file, (), pl.DataFrame(), np.arange(0))
        self._path = path
        self.form, self.delimiter = form, form.delimiter
        self._data = data
        self._is_row: Array | None = None
        cells = [cell.strip() for _, cells in islice(self._rows(), 1) for cell in cells]
        is_header = first == "header" or (first == "either" and not {*cells}.isdisjoint(names or ()))
        self.has_header, self._skip = is_header, int(is_header)
        if not is_header and first == "data" and cells and names is not None and len(cells) != len(names):
            problem = f"has {len(names)} names, but the first row has {len(cells)} cells"
            raise Unplaced(BadHeader, option="names", file=file, problem=problem, count=len(cells), case="count")
        self.header = self._all_named(cells if is_header else names or default_names(len(cells)))

    def head(self) -> Sequence[Sequence[str | None]]:
        return [cells for _, cells in islice(self._rows(), self._skip, HEAD_ROWS + self._skip)]

    def read(self, numbers: Sequence[int]) -> pl.DataFrame:
        frame = self._read_at_once(numbers)
        if frame is None:
            self._read_rows()
            return super().read(numbers)
        return frame

    def _read_rows(self) -> None:
        width = len(self.header)
        rows = [(line, cells) for line, cells in islice(self._rows(), self._skip, None) if cells]
        if rows and all(len(cells) == width + 1 and not (cells[-1] or "").strip() for _, cells in rows):
            rows = [(line, cells[:-1]) for line, cells in rows]  # every row ends in the delimiter, the header does not
        whole = [(line, cells) for line, cells in rows if len(cells) == width]
        self.ragged = [(line, cells) for line, cells in rows if len(cells) != width]
        self.lines = np.array([line for line, _ in whole], np.int64)
        self._frame = _text_frame([cells for _, cells in whole], width)

    def texts(self, positions: Sequence[int]) -> pl.DataFrame:
        if self._is_row is None:
            return super().texts(positions)
        return self._without_blank(self._parse((), positions))

    def _read_at_once(self, numbers: Sequence[int]) -> pl.DataFrame | None:
        """The file read by polars; None where that might differ from what the file says."""
        lines = _lines(self._data, self.delimiter or ",", len(self.header), self._longest)
        if lines is None:
            return None
        lines = lines[self._skip :]
        try:
            frame = self._parse(numbers, ())
        except pl.exceptions.PolarsError:  # a row is too long (a short one lacks delimiters), or the first one blank
            return None
        if frame.height != len(lines):
            return None
        self._is_row = lines > 0
        self.lines = lines[self._is_row]
        return self._without_blank(frame)

    def _parse(self, numbers: Sequence[int], positions: Sequence[int]) -> pl.DataFrame:
        """Columns as String, `numbers` as Float64; null where a cell is empty or is not a number."""
        types = dict.fromkeys(numbers, pl.Float64 if self.form.has_plain_numbers else pl.String)
        table = pl.scan_csv(
            self._data,
            has_header=False,
            skip_rows=self._skip,
            separator=self.delimiter or ",",
            schema={str(position): types.get(position, pl.String) for position in range(len(self.header))},
            ignore_errors=True,
        )
        columns = table.select([str(position) for position in positions]) if positions else table
        if numbers and not self.form.has_plain_numbers:
            columns = columns.with_columns(self.form.numbers(pl.col(str(position))) for position in numbers)
        return columns.collect()

    def _without_blank(self, frame: pl.DataFrame) -> pl.DataFrame:
        is_row = self._is_row
        return frame if is_row is None or is_row.all() else frame.filter(is_row)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """The last line of each row, and its cells."""
        text = io.TextIOWrapper(io.BytesIO(self._data), encoding="utf-8", newline="")
        reader = csv.reader(text, delimiter=self.delimiter or ",", strict=True, skipinitialspace=self.delimiter != " ")
        limit = csv.field_size_limit(2**31 - 1)  # that of the module would not say which column it is
        try:
            for cells in reader:
                if cells and len(max(cells, key=len)) > self._longest:
                    self._refuse_long(reader.line_num, cells)
                yield reader.line_num, cells
        except csv.Error as error:
            raise _broken(self.file, f"row {reader.line_num}: {error}", "quotes") from error
        finally:
            csv.field_size_limit(limit)

    def _refuse_long(self, line: int, cells: Sequence[str]) -> None:
        """Raises Unplaced for the first cell of a row that is longer than the limit."""
        column = next(i for i, cell in enumerate(cells) if len(cell) > self._longest)
        name = f"`{self.header[column]}`" if column < len(self.header) else f"{column + 1}"
        what = f"row {line}, column {name} has ".replace("{", "{{").replace("}", "}}") + "{size}"
        try:
            CELL_LIMIT.check(self._path, len(cells[column]), what)
        except Refused as error:
            raise unreadable(self._path, "CSV", error, "file") from error


def default_names(count: int) -> list[str]:
    """What the columns of a file without a header are called."""
    return [f"column_{number}" for number in range(1, count + 1)]


def _broken(file: str, reason: str, case: str) -> Unplaced:
    return Unplaced(BrokenFile, option="file", file=file, format="CSV", reason=reason, case=case)


def _lines(data: bytes, delimiter: str, width: int, longest: int) -> Array | None:
    """The line that each row ends in, 0 for one that is blank.

    None where readers of CSV differ: over quotes inside of cells or after spaces, over returns that do not end a line,
    and over delimiters of several bytes; or where the number of delimiters shows that rows differ in length, or a cell
    may be longer than `longest`.
    """
    codes, has_quotes = np.frombuffer(data, np.uint8), b'"' in data
    is_regular = b"\r" not in data or data.count(b"\r") == data.count(b"\r\n")
    if not (data and width and delimiter.isascii() and is_regular):
        return None
    if has_quotes and not _are_quotes_plain(codes, ord(delimiter)):
        return None
    lines, ends, delimiters = _row_ends(codes, ord(delimiter), has_quotes)
    if not data.endswith(b"\n"):
        lines, ends = np.append(lines, data.count(b"\n") + 1), np.append(ends, len(data))
    starts = np.append(0, ends[:-1] + 1)
    if _may_be_long(codes, starts, ends, ord(delimiter), longest):
        return None
    lines[(starts == ends) | ((codes[starts] == _RETURN) & (starts + 1 == ends))] = 0
    return lines if delimiters == (width - 1) * np.count_nonzero(lines) else None


def _may_be_long(codes: Array, starts: Array, ends: Array, delimiter: int, longest: int) -> bool:
    """Whether a cell has more than `longest` bytes; only rows that do are looked into."""
    for row in np.flatnonzero(ends - starts > longest).tolist():
        cells = codes[starts[row] : ends[row]]
        between = cells == delimiter
        if (quotes := cells == _QUOTE).any():
            between &= ~np.logical_xor.accumulate(quotes)
        if np.diff(np.flatnonzero(between), prepend=-1, append=len(cells)).max() - 1 > longest:
            return True
    return False


def _row_ends(codes: Array, delimiter: int, has_quotes: bool) -> tuple[Array, Array, int]:
    """The line and the index of each newline that ends a row, and the number of delimiters between cells."""
    lines, ends = [], []
    line, delimiters, is_inside = 1, 0, False
    for begin in range(0, len(codes), BLOCK):
        block = codes[begin : begin + BLOCK]
        newlines = np.flatnonzero(block == _NEWLINE)
        between = block == delimiter
        numbers = np.arange(line, line + len(newlines))
        line += len(newlines)
        if has_quotes:
            outside = np.logical_xor.accumulate(block == _QUOTE) == is_inside
            is_inside = not outside[-1]
            between &= outside
            numbers, newlines = numbers[outside[newlines]], newlines[outside[newlines]]
        lines.append(numbers)
        ends.append(newlines + begin)
        delimiters += int(np.count_nonzero(between))
    return np.concatenate(lines), np.concatenate(ends), delimiters


def _are_quotes_plain(codes: Array, delimiter: int) -> bool:
    """Whether every quote begins a cell, ends one, or is one of two inside of a quoted cell."""
    quotes = np.flatnonzero(codes == _QUOTE)
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    begins = (opening == 0) | np.isin(codes[opening - 1], (delimiter, _NEWLINE))
    ends = np.isin(codes[np.minimum(closing + 1, len(codes) - 1)], (delimiter, _NEWLINE, _RETURN))
    ends |= closing == len(codes) - 1
    doubled = opening[1:] == closing[:-1] + 1
    return bool((begins[1:] | doubled).all() and begins[0] and (ends[:-1] | doubled).all() and ends[-1])


def _text_frame(rows: Sequence[Sequence[str]], width: int) -> pl.DataFrame:
    columns: Sequence[Sequence[str]] = [*zip(*rows, strict=True)] or [()] * width
    return pl.DataFrame([pl.Series(str(i), column, pl.String) for i, column in enumerate(columns)])


def _as_texts(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(map(as_text, frame.iter_columns()))


def as_text(column: pl.Series) -> pl.Series:
    """Values as they would be in a CSV file."""
    if column.dtype == pl.String:
        return column
    if column.dtype.is_integer() or column.dtype == pl.Boolean:
        return column.cast(pl.Int8 if column.dtype == pl.Boolean else column.dtype).cast(pl.String)
    texts = [None if value is None else str(value) for value in column.to_list()]
    return pl.Series(column.name, texts, pl.String)
