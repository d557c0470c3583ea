"""What a source says of the columns of its table.

Input: the options of the source. Output: `Columns`; or the option that is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from netspec.data.errors.tables import ColumnTypeConflict
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table_layout import OnMissing, Wanted
from netspec.data.sources.tables.columns import OfColumns
from netspec.data.transforms.columns import Column
from netspec.data.transforms.dates import Dates
from netspec.data.transforms.encoders import ImageEncoder
from netspec.data.transforms.texts.coder import TextCoder
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Size

NOTHING = OfColumns(columns=())
"""What holds for a column that `per_column` does not name."""


@dataclass(frozen=True)
class Columns:
    """What a source says of the columns of its table; see the options of `TableSource`."""

    target: tuple[str, ...]
    per_column: tuple[OfColumns, ...]
    as_ids: bool
    missing: str | float
    task: str
    shape: tuple[Size, ...] | None
    form: CsvFormat
    absent: tuple[str, ...]
    of_run: tuple[tuple[str, Dates | ImageEncoder | Column | TextCoder], ...] = ()
    """How a run encodes its dates, images, categories and texts, for data that are encoded in the same way."""
    texts: tuple[str, ...] = ()
    """The columns that the option `text` names; `per_column` has them, too."""

    def of(self, name: str) -> OfColumns:
        return next((of for of in self.per_column if name in of.columns), NOTHING)

    def kind(self, name: str) -> str | None:
        """The type of a column, where `per_column` names one."""
        kind = self.of(name).as_
        return None if kind is None else kind.word

    def check(self) -> None:
        """Raises Unplaced when what `per_column` says does not go together."""
        named = [name for of in self.per_column for name in of.columns]
        if twice := next((name for i, name in enumerate(named) if name in named[:i]), None):
            raise type_conflict(twice, "is named twice in `per_column`")
        for name in named:
            of, kind = self.of(name), self.kind(name)
            if name in self.target and name not in self.texts and kind in ("date", "image", "text"):
                problem = f"is the target, and a target cannot be {kind}s; it can be `number`, `category` or `set`"
                raise type_conflict(name, problem)
            if of.missing is not None and kind in MISSING_OF and of.missing not in MISSING_OF[kind]:
                typed = f"{of.missing:g}" if isinstance(of.missing, float) else of.missing
                words = ", ".join(f"`{word}`" for word in MISSING_OF[kind]) or "nothing: an empty cell is an empty set"
                raise type_conflict(name, f"says `missing = {typed}`, which a {kind} cannot have; it can have {words}")

    def on_missing(self, name: str) -> OnMissing:
        """What to do with rows in which a column has no value."""
        missing = self.of(name).missing
        how = self.missing if missing is None else missing
        if how in ("error", "drop"):
            return cast("OnMissing", how)
        return "error" if self.kind(name) == "image" else "keep"

    def wanted(
        self,
        columns: tuple[str, ...] | None,
        drop: tuple[str, ...],
        categories: tuple[str, ...] | str,
        *,
        leaves_out_ids: bool,
    ) -> Wanted:
        """What to read."""
        missing: OnMissing = "drop" if self.missing == "drop" else "error" if self.missing == "error" else "keep"
        named = [name for of in self.per_column for name in of.columns]
        return Wanted(
            self.target,
            columns,
            drop,
            categories,
            missing,
            frozenset(word.lower() for word in self.absent),
            tuple((name, kind) for name in named if (kind := self.kind(name)) is not None),
            tuple((name, self.on_missing(name)) for name in named),
            leaves_out_ids,
            self.texts,
        )


MISSING_OF: dict[str, tuple[str, ...]] = {
    "category": ("error", "drop", "category"),
    "date": ("error", "drop", "mean", "median", "category"),
    "set": (),
    "image": ("error", "drop"),
    "text": ("error", "drop", "category"),
}
"""What `missing` can be for columns that are not numbers."""


def type_conflict(column: str, problem: str) -> Unplaced:
    return Unplaced(ColumnTypeConflict, option="per_column", column=column, problem=problem)
