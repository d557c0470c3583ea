"""How the cells of one column of a table become numbers of an example; saved with the weights.

Input: cells, or numbers. Output: features of the column, or ids. It is plain data, for JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal, TypeAlias

from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.tables import NotADate
from netspec.data.formats.tables.cells import MISSING
from netspec.data.transforms.dates import Dates, parse_dates
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.record import Frozen

ColumnKind: TypeAlias = Literal["number", "category", "date", "set", "image", "text"]

Where: TypeAlias = "tuple[str, Sequence[int]]"
"""A file, and the line of each row in it."""


class Column(Frozen):
    """A feature of a table: a number, or one of some `values`.

    Args:
        name: of the column.
        values: of a category or of a set, sorted.
        type: None for a number, or a category if there are values.
        input: the input that it is a part of (None: the one of all others).
        as_ids: whether a category is an input of its own with the number of the value (None: as the encoder says).
        default: replaces a missing number.
        marks_missing: whether a missing value is a value of its own, or for numbers sets a feature of its own.
        separator: between the values of a set.
        dates: how a date becomes numbers.
        scale: how the features are normalized, where that differs from others.
        refuses_missing: whether a missing value was an error in training, or left its row out.
    """

    name: str
    values: tuple[str, ...] | None = None
    type: ColumnKind | None = None
    input: str | None = None
    as_ids: bool | None = None
    default: float | None = None
    marks_missing: bool = False
    separator: str = " "
    dates: Dates | None = None
    scale: Literal["none", "standard", "unit"] | None = None
    refuses_missing: bool = False

    @property
    def kind(self) -> ColumnKind:
        return self.type or ("number" if self.values is None else "category")

    @property
    def features(self) -> list[str]:
        """The names of the features, where it is not an input of its own."""
        if self.dates is not None:
            names = self.dates.features(self.name)
        elif self.values is not None:
            names = [f"{self.name} = {value}" for value in self.values]
        else:
            names = [self.name]
        return [*names, f"{self.name} is missing"] if self.marks_missing else names

    @property
    def vocabulary(self) -> int:
        """How many ids it has, with 0 for unknown values."""
        return len(self.values or ()) + 1 + self.marks_missing

    def ids(self, cells: Sequence[str]) -> Array:
        """The number of the value in each cell of a category, from 1; 0 for unknown ones."""
        ids = {value: index + 1 for index, value in enumerate(self.values or ())}
        if self.marks_missing:
            ids[""] = self.vocabulary - 1
        return np.fromiter((ids.get(cell, 0) for cell in cells), np.int32, len(cells))

    def encode(self, cells: Sequence[str], where: Where) -> Array:
        """The features of cells of a column that is not numbers; of shape (rows, features).

        Raises:
            Unplaced: a cell is not a date of the right format.
        """
        if self.dates is not None:
            seconds = read_dates(self.name, cells, self.dates.format, where)
            return self.with_mark(self.dates.encode(seconds), np.isnan(seconds))
        features = np.zeros((len(cells), len(self.features)), np.float32)
        if self.kind == "category":
            ids = self.ids(cells)
            (known,) = np.nonzero(ids)
            features[known, ids[known] - 1] = 1
            return features
        positions = {value: index for index, value in enumerate(self.values or ())}
        found: dict[str, list[int]] = {}
        for row, cell in enumerate(cells):
            if cell not in found:
                found[cell] = [positions[tag] for tag in tags(cell, self.separator) if tag in positions]
            features[row, found[cell]] = 1
        return features

    def with_mark(self, features: Array, missing: Array) -> Array:
        """The features, and one that is 1 where the value is missing, if there is one."""
        return np.column_stack([features, missing]) if self.marks_missing else features

    def unseen(self, cells: Sequence[str]) -> Iterator[tuple[int, str]]:
        """The row and the text of values that do not occur in training."""
        if self.values is None:
            return
        known = {*self.values, ""}
        for row, cell in enumerate(cells):
            for value in tags(cell, self.separator) if self.kind == "set" else [cell]:
                if value not in known:
                    yield row, value


def tags(cell: str, separator: str) -> list[str]:
    """The tags in a cell, without the spaces around them."""
    return [tag for tag in (tag.strip() for tag in cell.split(separator)) if tag]


def read_dates(name: str, cells: Sequence[str], date_format: str, where: Where) -> Array:
    """Dates as seconds from 1970, NaN for missing ones. Raises Unplaced for a cell that has another format."""
    seconds = parse_dates(cells, date_format)
    for row in np.flatnonzero(np.isnan(seconds)).tolist():
        if cells[row].lower() not in MISSING:
            file, lines = where
            wrong = partial(Unplaced, NotADate, option="per_column", file=file, row=lines[row], column=name)
            raise wrong(cell=cells[row][:40], format=date_format)
    return seconds


def names_in_metrics(columns: Sequence[str]) -> tuple[str, ...]:
    """The names of target columns in those of metrics, `price` in `val_price_mae`: identifiers that do not begin like
    the name of a split. None where they are not different."""
    names = [input_name(column) for column in columns]
    names = [f"column_{name}" if name.partition("_")[0] in ("train", "val", "test") else name for name in names]
    return tuple(names) if len({*names}) == len(names) else ()


def input_name(column: str) -> str:
    """The name of an input for a column: an identifier."""
    cleaned = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_").lower()
    return cleaned if cleaned and not cleaned[0].isdigit() else f"column_{cleaned}".rstrip("_")
