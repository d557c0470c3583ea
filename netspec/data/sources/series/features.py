"""The features of the rows of series, as windows take them: in the order of time, with missing numbers filled in.

Input: a `WindowEncoder`, a `Table`, its `SeriesRows`. Output: `Features`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netspec.data.dataset.lazy_rows import Array
from netspec.data.formats.tables.table import Table
from netspec.data.sources.series.cut import WindowRows, fill_forward
from netspec.data.sources.series.rows import SeriesRows
from netspec.data.transforms.encoders import RowEncoder, WindowEncoder
from netspec.language.lazy import np


@dataclass(frozen=True, eq=False)
class Features:
    """By input of a network, the features of each row, and whether they are of the rows ahead. `is_bad` marks the rows
    with a missing value among the features of the past, `is_bad_ahead` among those that are known in advance."""

    bases: Mapping[str, tuple[Array, bool]]
    is_bad: Array
    is_bad_ahead: Array

    def windows(self, encoder: WindowEncoder, begins: Array) -> dict[str, WindowRows]:
        """The inputs of windows that begin at some rows."""
        return {
            name: WindowRows(base, begins + encoder.past, encoder.ahead)
            if is_ahead
            else WindowRows(base, begins, encoder.past)
            for name, (base, is_ahead) in self.bases.items()
        }


def features_of(encoder: WindowEncoder, table: Table, rows: SeriesRows) -> Features:
    """The features of all rows in the order of time."""
    past, is_bad = _encoded(encoder.rows, encoder, table, rows)
    known: dict[str, Array] = {}
    is_bad_ahead: Array = np.zeros(len(table), bool)
    if encoder.known is not None:
        known, is_bad_ahead = _encoded(encoder.known, encoder, table, rows)
    bases = {
        name: (known[raw[1:]], True) if raw.startswith(".") else (past[raw], False)
        for name, raw in encoder.names().items()
    }
    return Features(bases, is_bad, is_bad_ahead)


def _encoded(
    columns: RowEncoder, encoder: WindowEncoder, table: Table, rows: SeriesRows
) -> tuple[dict[str, Array], Array]:
    """The features of some columns, by input, and the rows with a missing value."""
    is_bad = np.zeros(len(table), bool)
    found = {}
    for column in columns.categories:
        if column.kind == "category" and not column.marks_missing:
            is_bad |= np.array([not cell for cell in table.names[column.name]])[rows.place]
    for name, array in columns.encode(table).items():
        values = array[rows.place]
        if values.ndim == 2:
            if encoder.missing == "previous":
                values = fill_forward(values, rows.segment)
            is_missing = np.asarray(np.isnan(values).any(axis=1))
            is_bad |= is_missing
            values = np.where(is_missing[:, None], 0, values) if is_missing.any() else values
        found[name] = values
    return found, is_bad
