"""What each column of a table is: a number, a category, a date …, or nothing to learn from.

Input: the cells of a column. Output: `Column`. What a cell means is decided as data sources decide it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Literal

from netspec.data.dataset.lazy_rows import Array
from netspec.data.formats.images import ENDINGS
from netspec.data.formats.tables.cell_advice import has_sentences, is_unique, separator_of
from netspec.data.formats.tables.cells import MISSING, UNKNOWN_NAME
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table import MIN_IDS
from netspec.data.formats.tables.table_layout import LIKE_ID
from netspec.data.transforms.dates import detect_formats
from netspec.language.files.paths import is_file
from netspec.language.lazy import np

ColumnKind = Literal["number", "category", "set", "date", "text", "image", "nothing"]

LIKE_DATE = re.compile(r"(?i).*(date|time|day|month|year|stamp|when).*")
"""Names of columns whose whole numbers may be dates, such as 20240131."""

MAX_MARKS = 3
"""At most this many different words in a column of numbers are marks of a missing value."""

MIN_NUMBERS = 0.8
"""The fraction of numbers from which on a column is one of numbers, with such marks."""

MAX_MEMORIZED = 10_000
"""By how many cells the format of dates, sets and texts are told."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table.

    `kind` is what it is, `nothing` where nothing can be learned from it for the `reason`; `missing` counts its cells
    without a value, `marks` are words for them besides the usual ones, `formats` the formats of its dates, of which the
    first one is taken, `separator` is between the tags of a set.
    """

    name: str
    cells: Sequence[str]
    form: CsvFormat
    kind: ColumnKind
    reason: str = ""
    missing: int = 0
    marks: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    separator: str = ""

    @cached_property
    def numbers(self) -> Array:
        """The cells as float64, NaN where a cell is not a number."""
        return numbers_in(self.cells, self.form)

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each value occurs, without those that are missing."""
        absent = {*self.marks} | (MISSING if self.kind == "number" else UNKNOWN_NAME)
        return Counter(cell for cell in self.cells if cell.lower() not in absent and cell not in self.marks)

    def as_nothing(self, reason: str) -> Column:
        """The same as nothing to learn from."""
        return replace(self, kind="nothing", reason=reason)

    def as_number(self) -> Column:
        """The same as numbers, even if they are all equal."""
        return replace(self, kind="number", reason="") if self.kind == "nothing" else self


def column_of(name: str, cells: Sequence[str], form: CsvFormat, folder: Path, *, is_named: bool) -> Column:
    """What a column is that is predicted from; `folder` is that of the table."""
    present = [cell for cell in cells if cell.lower() not in UNKNOWN_NAME]
    counts = Counter(present)
    missing = len(cells) - len(present)

    def nothing(reason: str) -> Column:
        return Column(name, cells, form, "nothing", reason, missing)

    if not present:
        return nothing("is empty")
    if not is_named:
        return nothing("has no name")
    if len(counts) == 1:
        return nothing(f"has the same value in every {'row' if not missing else 'row that has one'}")
    number = _number(name, cells, form)
    dates = _dates(name, present, is_number=number is not None)
    if dates:
        return Column(name, cells, form, "date", missing=missing, formats=dates)
    if number is not None:
        reason = _counts_rows(number)
        return nothing(reason) if reason else number
    if all(cell.lower().endswith(ENDINGS) for cell in present) and all(is_file(folder / cell) for cell in present[:20]):
        return Column(name, cells, form, "image", missing=missing)
    if LIKE_ID.fullmatch(name) and len(cells) >= MIN_IDS and len(counts) == len(cells):
        return nothing("identifies the rows")
    some = present[:MAX_MEMORIZED]
    if (len(counts) > 2 and is_unique(some)) or (has_sentences(some) and len({*some}) > 20):
        if has_sentences(some):
            return Column(name, cells, form, "text", missing=missing)
        if separator := separator_of(some):
            return Column(name, cells, form, "set", missing=missing, separator=separator)
        return nothing(f"has another name in nearly every row ({len(counts):,} different ones)")
    if 2 * len(counts) > len(cells) and len(cells) >= MIN_IDS:
        return nothing(f"has another name in nearly every row ({len(counts):,} different ones)")
    return Column(name, cells, form, "category", missing=missing)


def numbers_in(cells: Sequence[str], form: CsvFormat) -> Array:
    """Cells as float64, NaN where one is not a number."""
    known = {cell: form.number(cell) for cell in {*cells}}
    values = {cell: float("nan") if value is None else value for cell, value in known.items()}
    return np.array([values[cell] for cell in cells])


def _number(name: str, cells: Sequence[str], form: CsvFormat) -> Column | None:
    """The column as one of numbers, if it is one."""
    present = [cell for cell in cells if cell.lower() not in MISSING]
    known = {cell: form.number(cell) for cell in {*present}}
    words = {cell for cell, value in known.items() if value is None or not isfinite(value)}
    if not present or len(words) == len(known):
        return None
    count = sum(cell in words for cell in present)
    if len({*map(str.lower, words)}) > MAX_MARKS or count > (1 - MIN_NUMBERS) * len(present):
        return None
    missing = len(cells) - len(present) + count
    return Column(name, cells, form, "number", missing=missing, marks=tuple(sorted(words)))


def _dates(name: str, present: Sequence[str], *, is_number: bool) -> tuple[str, ...]:
    """The formats of a column of dates; nothing for another one."""
    if is_number and not LIKE_DATE.fullmatch(name):
        return ()
    if not any(cell.isdigit() for cell in present[0]):
        return ()
    formats = detect_formats(list(dict.fromkeys(present[:100])))
    if not formats or (is_number and formats[0] not in ("%Y%m%d", "unix", "unix_ms", "unix_us")):
        return ()
    return tuple(detect_formats(list(dict.fromkeys(present))))


def _counts_rows(column: Column) -> str:
    """Why a column of numbers only tells rows apart; empty for others."""
    numbers = column.numbers
    if column.missing or len(numbers) < MIN_IDS or not (numbers % 1 == 0).all():
        return ""
    if LIKE_ID.fullmatch(column.name) and len(np.unique(numbers)) == len(numbers):
        return "identifies the rows"
    if (np.diff(numbers) == 1).all():
        return "counts the rows"
    return ""


def shown(name: str) -> str:
    """A name in a comment: on one line, and not too long."""
    text = " ".join(name.split())
    text = "".join(c if c.isprintable() else "?" for c in text)
    return f"`{text if len(text) <= 40 else text[:39] + '…'}`"
