"""Tables in Parquet files, read as if they were CSV files; pyarrow is imported when one is read.

Comes in: a file, and what is wanted of it. Goes out: `Table`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netspec.data.dataset.dataset import source
from netspec.data.errors.files import BrokenFile
from netspec.data.errors.sources import MissingPackage
from netspec.data.formats.csv_table import Table, parse_rows
from netspec.data.formats.file_cache import remember
from netspec.data.formats.idx import unreadable
from netspec.data.formats.table_layout import Wanted
from netspec.data.sources.tables import TableSource
from netspec.language.diagnostics import Unplaced


@source("parquet")
class Parquet(TableSource):
    """A table in a Parquet file, with the options of `csv`. Needs `pip install 'netspec-compiler[parquet]'`.

    Example: data { source = parquet("wine.parquet", target = "grower") }
    Reference: Apache Parquet.
    """

    def read(self, path: Path, wanted: Wanted) -> Table:
        return remember(path, ("parquet", wanted), lambda: read_parquet(path, wanted))


def read_parquet(path: Path, wanted: Wanted) -> Table:
    """Read a file.

    Raises:
        Unplaced: pyarrow is not there, the file cannot be read, or it is no table as it is wanted.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise Unplaced(MissingPackage, source="parquet", package="pyarrow", extra="parquet") from error
    try:
        table = parquet.read_table(path)
    except OSError as error:
        raise unreadable(path, "Parquet", error, "file") from error
    except ArrowException as error:
        reason = str(error).splitlines()[0]
        raise Unplaced(BrokenFile, option="file", file=path.name, format="Parquet", reason=reason) from error
    return parse_rows(path.name, _Rows(table), wanted)


class _Rows:
    """The header and the rows of a table as texts, as a `csv.reader` gives them; rows are counted from 1."""

    def __init__(self, table: Any) -> None:
        self.line_num = -1
        self._rows = self._texts(table)

    def __iter__(self) -> _Rows:
        return self

    def __next__(self) -> list[str]:
        row = next(self._rows)
        self.line_num += 1
        return row

    def _texts(self, table: Any) -> Iterator[list[str]]:
        yield list(table.column_names)
        for batch in table.to_batches():
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield [_text(value) for value in values]


def _text(value: Any) -> str:
    """A value as it would stand in a CSV file."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
