"""How a CSV file is written: its encoding, the character between cells, and the signs inside of numbers.

Input: options of a source. Output: `CsvFormat`, which makes UTF-8 of bytes and numbers of cells; it is plain data, for
JSON.
"""

from __future__ import annotations

import codecs
import re
from functools import cached_property, partial
from typing import TYPE_CHECKING

from netspec.data.errors.files import BrokenFile
from netspec.data.formats.tables.cells import number
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import lazy
from netspec.language.record import Frozen

if TYPE_CHECKING:
    import polars as pl
else:
    pl = lazy("polars")

BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

OTHER_FORMATS = (
    (
        b"PK\x03\x04",
        "it is an Excel file or another zip archive",
        "save the sheet as CSV (UTF-8), or unpack the archive",
    ),
    (b"\xd0\xcf\x11\xe0", "it is an Excel workbook", "save the sheet as CSV (UTF-8)"),
    (b"PAR1", "it is a Parquet file", 'write `parquet("{file}", …)` instead of `csv`'),
    (b"\x1f\x8b", "it is compressed by gzip", "unpack it: `gunzip {file}`"),
    (b"SQLite format 3", "it is a database of SQLite", "export the table as CSV"),
    (b'{"', "it is JSON", 'make a table of it: `pandas.read_json("{file}").to_csv("table.csv", index=False)`'),
    (b"[{", "it is JSON", 'make a table of it: `pandas.read_json("{file}").to_csv("table.csv", index=False)`'),
    (b"%PDF", "it is a PDF", "export the table as CSV"),
)
"""How files of other formats begin, what they are, and what to do."""


class CsvFormat(Frozen, dict=True):
    """The encoding of a file, the character between cells, the decimal sign and the sign between groups of three digits
    (empty: none)."""

    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""

    def decode(self, data: bytes, file: str) -> bytes:
        """The text of a file in UTF-8, without a byte order mark.

        Raises:
            Unplaced: it is not text in this encoding; with the encoding that it seems to have.
        """
        for begin, reason, advice in OTHER_FORMATS:
            if data.startswith(begin):
                advice = advice.replace("{file}", file)
                raise Unplaced(BrokenFile, option="file", file=file, format="CSV", reason=reason, advice=advice)
        is_utf8 = codecs.lookup(self.encoding).name == "utf-8"
        try:
            if is_utf8:
                if not data.isascii():
                    data.decode()
                elif b"\0" in data[:1000]:
                    raise _wrong_encoding(file, data, self.encoding)
            else:
                data = data.decode(self.encoding).encode()
        except (UnicodeDecodeError, UnicodeEncodeError) as error:
            raise _wrong_encoding(file, data, self.encoding) from error
        return data.removeprefix(codecs.BOM_UTF8)

    @property
    def has_plain_numbers(self) -> bool:
        """Whether numbers are written as in Python."""
        return self.decimal == "." and not self.thousands

    @cached_property
    def _pattern(self) -> str:
        """What a number looks like; groups have three digits, so that `1.5` is never 15."""
        decimal, group = re.escape(self.decimal), re.escape(self.thousands)
        whole = rf"(\d{{1,3}}({group}\d{{3}})+|\d+)" if group else r"\d+"
        return rf"^[+-]?({whole}({decimal}\d*)?|{decimal}\d+)([eE][+-]?\d+)?$"

    def number(self, cell: str) -> float | None:
        """A cell as a number, infinity included; None when it is not one."""
        if self.has_plain_numbers:
            return number(cell)
        if re.fullmatch(self._pattern[1:-1], cell, re.ASCII) is None:
            return None
        plain = cell.replace(self.thousands, "") if self.thousands else cell
        return number(plain.replace(self.decimal, "."))

    def numbers(self, column: pl.Expr) -> pl.Expr:
        """A column of texts as Float64; null where a cell is not a number as it is usually written."""
        if self.has_plain_numbers:
            return column.cast(pl.Float64, strict=False)
        cells = column.str.strip_chars()
        plain = cells.str.replace_all(self.thousands, "", literal=True) if self.thousands else cells
        plain = plain.str.replace(self.decimal, ".", literal=True)
        return pl.when(cells.str.contains(self._pattern)).then(plain).otherwise(None).cast(pl.Float64, strict=False)


def _wrong_encoding(file: str, data: bytes, encoding: str) -> Unplaced:
    """What to write for a file that is not in an encoding."""
    found = detect_encoding(data)
    if found is None or codecs.lookup(found) == codecs.lookup(encoding):
        reason, case, sample = f"it is not {encoding.upper()} text", "", ""
    else:
        reason, case = f"it is not {encoding.upper()} text", "encoding"
        word = re.search(r"\w*[^\W\x00-\x7f]\w*", data.decode(found, "replace"))
        sample = f'; it has the word "{word[0][:30]}" then' if word is not None else ""
    advice = "save it as CSV in UTF-8, or name its `encoding`"
    broken = partial(Unplaced, BrokenFile, option="file", file=file, format="CSV", reason=reason, case=case)
    return broken(encoding=found or "", sample=sample, advice=advice)


def detect_encoding(data: bytes) -> str | None:
    """The encoding that bytes seem to have: UTF-16 by its mark or its zeros, else the one of Windows or Latin-1."""
    for mark, name in BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return name
    head = data[:1000]
    if b"\0" in head:
        odd, even = head[1::2].count(0), head[::2].count(0)
        if max(odd, even) < len(head) / 4:
            return None  # not text
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        data.decode()
        return "utf-8"
    except UnicodeDecodeError:
        pass
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
