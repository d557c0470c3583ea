"""Columns of texts: what the options of a table say of them, and how they become ids.

Input: the options, cells, and the rows that are trained on. Output: a `TextCoder` for each column, and warnings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from netspec.data.dataset.dataset import TrainRows
from netspec.data.dataset.lazy_rows import Array
from netspec.data.formats.tables.table import Table
from netspec.data.sources.tables.columns import OfColumns, TextColumn
from netspec.data.transforms.encoders import RowEncoder
from netspec.data.transforms.texts.coder import TextCoder
from netspec.data.transforms.texts.fitting import fit_texts, remarks_on_texts
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np


@dataclass(frozen=True)
class TextsOf:
    """What texts are learned from: the rows that are trained on (None: all of them), and the folder of the spec.
    `named` are the columns that the option `text` names."""

    rows: TrainRows | None
    folder: Path
    named: tuple[str, ...]

    def option(self, name: str) -> str:
        """The option that says that a column has texts."""
        return "text" if name in self.named else "per_column"

    def coder(self, table: Table, name: str, said: TextColumn) -> TextCoder:
        """How a column becomes ids; raises Unplaced when it cannot."""
        return _fitted(table, name, said, self)

    def indices(self, count: int) -> Array:
        return np.arange(count) if self.rows is None else self.rows.indices


@lru_cache(maxsize=8)
def _fitted(table: Table, name: str, said: TextColumn, learned: TextsOf) -> TextCoder:
    cells = table.names[name]
    texts = [cells[row] for row in learned.indices(len(cells)).tolist()]
    return fit_texts(texts, said, f"`{name}`", learned.folder, learned.option(name))


def text_remarks(table: Table, encoder: RowEncoder, said: Sequence[OfColumns], learned: TextsOf) -> Iterator[Unplaced]:
    """Warnings about the texts of a table."""
    for of in said:
        for name in of.columns:
            if isinstance(of.as_, TextColumn) and name in encoder.texts:
                cells, names = table.names[name], [f"row {row}" for row in table.rows]
                rows = learned.indices(len(cells))
                coder, option = encoder.texts[name], learned.option(name)
                yield from remarks_on_texts(cells, rows, names, coder, of.as_, f"`{name}`", option)
