"""Opens a table however it is written: its encoding, its delimiter, its decimal sign, with or without a header.

Input: a path. Output: `OpenTable`, with every cell as a text and the options that read the file in the same way.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress, islice
from pathlib import Path

from netspec.data.errors.files import NoExamples
from netspec.data.formats.files import open_file
from netspec.data.formats.tables.cell_advice import FORMS
from netspec.data.formats.tables.cell_errors import ragged_rows, raise_all
from netspec.data.formats.tables.cells import MISSING
from netspec.data.formats.tables.csv_format import CsvFormat, detect_encoding
from netspec.data.formats.tables.table_files import CsvFile, TableFile, parquet_file
from netspec.data.formats.tables.table_layout import DELIMITERS, Wanted, first_row_remarks, make_layout
from netspec.language.diagnostics import Unplaced
from netspec.language.values import to_source

PARQUET = (".parquet", ".pq")
HEAD_BYTES = 1 << 16
HEAD_ROWS = 50
MAX_ROWS = 200_000
"""How many rows are looked at."""

THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
"""A number whose commas are between groups of three digits."""


@dataclass(frozen=True)
class OpenTable:
    """A table with its cells.

    `cells` has the stripped cells of each column by its name; `word` is the source that reads the file, `options` are
    its options besides the file and the target, and `findings` what is unusual about the file. Of a file with very many
    rows (`file_rows`) only some are looked at.
    """

    file: str
    word: str
    form: CsvFormat
    cells: dict[str, list[str]]
    options: tuple[tuple[str, str], ...] = ()
    findings: tuple[str, ...] = ()
    unnamed: frozenset[str] = frozenset()
    file_rows: int = 0

    @property
    def rows(self) -> int:
        return len(next(iter(self.cells.values())))

    @property
    def is_sample(self) -> bool:
        """Whether there are more rows than those whose cells are known."""
        return self.file_rows > MAX_ROWS

    def where(self, keep: Sequence[bool]) -> OpenTable:
        """Some of the rows."""
        return replace(self, cells={name: [*compress(cells, keep)] for name, cells in self.cells.items()})


def open_table(path: Path) -> OpenTable:
    """The table in a file.

    Raises:
        Unplaced: it cannot be read, or has no usable header.
    """
    if path.suffix.lower() in PARQUET:
        return _opened(parquet_file(path, path.name), path, "parquet", (), ())
    with open_file(path, "CSV", "file") as stream:
        data = stream.read(HEAD_BYTES)
    encoding = "utf-8" if _is_utf8(data) else detect_encoding(data) or "utf-8"
    delimiter = find_delimiter(data.removeprefix(codecs.BOM_UTF8).decode(encoding, "replace"))
    form = CsvFormat(delimiter, encoding)
    source = CsvFile(path, path.name, form)
    form = _with_signs(source, form)
    has_header = bool(source.header) and not _is_row(source, path.name)
    source = CsvFile(path, path.name, form, "header" if has_header else "data")
    options, findings = [], []
    if not has_header:
        options.append(("header", "none"))
        findings.append(f"the first row has numbers: the columns are called column_1 to column_{len(source.header)}")
    for name, value, usual in (
        ("delimiter", form.delimiter, ","),
        ("encoding", form.encoding, "utf-8"),
        ("decimal", form.decimal, "."),
        ("thousands", form.thousands, ""),
    ):
        if value != usual:
            shown = to_source("\\t" if value == "\t" else value)
            options.append((name, shown))
            findings.append(f"the file is read with {name} = {shown}")
    return _opened(source, path, "csv", tuple(options), tuple(findings))


def find_delimiter(text: str) -> str:
    """What is between the cells of the first rows: what divides all of them into the same number of cells, of several
    what gives the most."""
    best, most = ",", 1
    for delimiter in DELIMITERS:
        lines = text.splitlines(keepends=True)[: HEAD_ROWS + 1]
        try:
            rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        widths = Counter(map(len, rows[: HEAD_ROWS // 2] or rows))
        if not widths:
            continue
        width = max(widths, key=widths.__getitem__)
        count = widths[width]
        if width > most and len(rows[0]) == width and count >= 0.9 * sum(widths.values()):
            best, most = delimiter, width
    return best


def _is_utf8(head: bytes) -> bool:
    if b"\0" in head[:1000]:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _with_signs(source: TableFile, form: CsvFormat) -> CsvFormat:
    """The format with the decimal sign by which the most columns are numbers."""
    columns = [*zip(*(row for row in islice(source.head(), HEAD_ROWS) if len(row) == len(source.header)), strict=False)]
    cells = [[(c or "").strip() for c in column if (c or "").strip().lower() not in MISSING] for column in columns]
    cells = [column for column in cells if column]

    def count(other: CsvFormat) -> int:
        return sum(all(other.number(cell) is not None for cell in column) for column in cells)

    best, most = form, count(form)
    for signs in FORMS.values():
        other = form.replace(decimal=signs.decimal, thousands=signs.thousands)
        if signs.decimal == ",":  # 1,234 is a number of four digits where all commas are like this
            odd = [cell for column in cells for cell in column if "," in cell and other.number(cell) is not None]
            if odd and all(THOUSANDS.fullmatch(cell) for cell in odd):
                continue
        if (found := count(other)) > most:
            best, most = other, found
    return best


def _is_row(source: TableFile, file: str) -> bool:
    """Whether the first row is an example."""
    header = source.header
    numbers = sum(source.form.number(name) is not None for name in header)
    is_repeated = len({*header}) < len(header) and numbers == len(header)
    return is_repeated or bool(first_row_remarks(header, file) and 2 * numbers >= len(header))


def _opened(
    source: TableFile, path: Path, word: str, options: tuple[tuple[str, str], ...], findings: tuple[str, ...]
) -> OpenTable:
    """Raises Unplaced for a table without rows, or with names of columns that are not unique."""
    unnamed = frozenset(source.header[position] for position in source.unnamed)
    make_layout(source, Wanted(drop=tuple(unnamed)) if len(unnamed) < len(source.header) else Wanted())
    frame = source.read(())
    every = -(-frame.height // MAX_ROWS)
    first = ("header" if source.has_header else "first row", len(source.header))
    raise_all([ragged_rows(path.name, source.ragged, first, are_all=not frame.height)])
    if not frame.height:
        raise Unplaced(NoExamples, option="file", what=path.name, case="rows")
    texts = source.texts(range(len(source.header)))
    if every > 1:
        texts = texts.gather_every(every)
        findings = (*findings, f"of {frame.height:,} rows one of every {every} was looked at")
    cells = {name: _stripped(texts[str(i)].to_list()) for i, name in enumerate(source.header)}
    return OpenTable(path.name, word, source.form, cells, options, findings, unnamed, frame.height)


def _stripped(cells: Sequence[str | None]) -> list[str]:
    return [(cell or "").strip() for cell in cells]
