"""Which columns the options of a table mean, where they name several by a pattern, or by the type of their cells.

Input: options, and the names in a header. Output: the options with the names of columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from netspec.data.errors.tables import ColumnTypeConflict
from netspec.data.sources.tables.columns import ColumnType, ImageColumn, OfColumns, TextColumn
from netspec.data.sources.tables.options import ColumnOptions
from netspec.language.diagnostics import Unplaced

FIELDS = ("columns", "drop", "categories", "text", "image")
"""The options that name columns, beside `per_column`."""

S = TypeVar("S", bound=ColumnOptions)


def has_patterns(source: ColumnOptions) -> bool:
    """Whether an option names columns by a pattern."""
    return any("*" in name for name in _all_names(source))


def _all_names(source: ColumnOptions) -> Iterable[str]:
    for field in FIELDS:
        value = getattr(source, field, None)
        yield from value if isinstance(value, tuple) else ()
    for of in source.per_column or ():
        yield from of.columns


def with_names(source: S, header: Sequence[str]) -> S:
    """The same source with the names of all columns that a pattern fits in its place, in the order of the table; a
    pattern that fits none stays, and is reported as a column that there is not."""
    found: dict[str, Any] = {
        field: _spread(value, header) for field in FIELDS if isinstance(value := getattr(source, field, None), tuple)
    }
    if source.per_column is not None:
        found["per_column"] = tuple(of.replace(columns=_spread(of.columns, header)) for of in source.per_column)
    return source.replace(**found)


def _spread(names: Sequence[str], header: Sequence[str]) -> tuple[str, ...]:
    spread: dict[str, None] = {}
    for name in names:
        fitting = [column for column in header if "*" in name and name not in header and fnmatchcase(column, name)]
        spread |= dict.fromkeys(fitting or [name])
    return tuple(spread)


def with_types(per_column: Sequence[OfColumns], *, text: Sequence[str], image: Sequence[str]) -> tuple[OfColumns, ...]:
    """What is said of single columns, with those that the options `text` and `image` name.

    Raises:
        Unplaced: one of them is said to be something else, too.
    """
    return _typed(_typed(per_column, text, TextColumn(), "text"), image, ImageColumn(), "image")


def _typed(
    per_column: Sequence[OfColumns], names: Sequence[str], kind: ColumnType, option: str
) -> tuple[OfColumns, ...]:
    named = {name for of in per_column for name in of.columns}
    found: list[OfColumns] = []
    for of in per_column:
        ours = tuple(name for name in of.columns if name in names)
        if ours and of.as_ is not None and type(of.as_) is not type(kind):
            problem = f"says `as = {of.as_.word}`, and the option `{option}` names it, too"
            raise Unplaced(ColumnTypeConflict, option=option, column=ours[0], problem=problem)
        others = tuple(name for name in of.columns if name not in ours)
        found += [of.replace(columns=others)] if others else []
        found += [of.replace(columns=ours, as_=of.as_ or kind)] if ours else []
    rest = tuple(name for name in names if name not in named)
    return (*found, OfColumns(columns=rest, as_=kind)) if rest else tuple(found)
