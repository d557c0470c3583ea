"""What examples that are predicted for are called: a column of their table, the names of their files, or their count.

Comes in: the texts of the command line. Goes out: `Identities`, as the first column of a table of answers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netspec.data.predict.preprocessing import Coding
from netspec.data.sources.image_folder import ENDINGS
from netspec.data.transforms.encoders import RowEncoder

LIKE_ID = re.compile(r"(?:.*[a-z_ ])?(?:ID|Id|id)")
"""What the column with the names of the examples is called in most tables."""


@dataclass(frozen=True)
class Identities:
    """A name for each example, and what these names are called."""

    column: str
    names: list[str]


def identities(texts: Sequence[str], examples: Sequence[str], coding: Coding, column: str | None = None) -> Identities:
    """What examples are called.

    Args:
        texts: what they were read from.
        examples: what each of them is called in messages.
        coding: what the run knows of its inputs; a column that it learns from is no name.
        column: a column of the tables; where they have none of that name, their rows are counted, from 1. None: the
            first one whose name ends in `id`.
    """
    files = [Path(text) for text in texts]
    if examples and all(Path(name).suffix.lower() in ENDINGS for name in examples):
        return Identities(column or "file", [Path(name).name for name in examples])
    if len(files) == 1 and files[0].is_file():
        header, rows = _read(files[0], coding)
        learned = {c.name for c in coding.encoder.columns} if isinstance(coding.encoder, RowEncoder) else set()
        unused = [name for name in header if name not in learned]
        found = column or next((name for name in unused if LIKE_ID.fullmatch(name)), None)
        if found in header and len(rows) == len(examples):
            place = header.index(found)
            return Identities(found, [row[place].strip() for row in rows])
    return Identities(column or "id", [str(number) for number in range(1, len(examples) + 1)])


def _read(path: Path, coding: Coding) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a table that was read before; nothing of other files."""
    if path.suffix.lower() == ".parquet":
        from pyarrow import parquet

        table = parquet.read_table(path)
        columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
        return list(table.column_names), [list(row) for row in zip(*columns, strict=True)]
    if path.suffix.lower() in (".npy", ".npz", *ENDINGS):
        return [], []
    delimiter = coding.encoder.delimiter if isinstance(coding.encoder, RowEncoder) else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = [row for row in csv.reader(file, delimiter=delimiter) if row] or [[]]
    return [name.strip() for name in header], rows
