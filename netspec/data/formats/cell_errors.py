"""What is wrong with the cells of a table: one `Unplaced` for each kind of mistake, with the first few rows.

Comes in: the rows and cells of each column that are wrong. Goes out: what to raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from netspec.data.errors.files import MissingValue, NotANumber, RaggedRow
from netspec.language.diagnostics import Unplaced

MAX_SHOWN = 5
"""How many rows and columns a message lists."""

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
"""What is in cells, in lower case, when a number is not known."""

UNKNOWN_NAME = frozenset({"", "nan", "?"})
"""The same for cells that name a class or a category; `NA` or `none` may well be one."""


def number(cell: str) -> float | None:
    """A cell as a number, infinity included; None when it is not one."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if isnan(value) else value


@dataclass(frozen=True)
class BadCells:
    """The rows of a column that are wrong in one way, and their cells where a message shows them."""

    column: str
    rows: Sequence[int]
    cells: Sequence[str] = ()


def raise_all(errors: Iterable[Unplaced | None]) -> None:
    """Raises Unplaced with every one of the errors, if there is any."""
    found = [error for error in errors if error is not None]
    if found:
        first, *others = found
        raise Unplaced(first.kind, option=first.option, others=others, **first.fields)


def ragged_rows(file: str, ragged: Sequence[tuple[int, int]], width: int) -> Unplaced | None:
    """For rows, each with its number of cells, that are not as wide as the header."""
    if not ragged:
        return None
    row, count = ragged[0]
    also = _also([BadCells("", [row for row, _ in ragged])])
    return Unplaced(RaggedRow, option="file", file=file, row=row, found=count, expected=width, also=also)


def missing_values(
    file: str, targets: Iterable[BadCells], features: Iterable[BadCells], absent: Iterable[str]
) -> Unplaced | None:
    """For missing values; `absent` has the words for them that have to be named to be left out."""
    targets = _in_order(targets)
    bad = targets + _in_order(features)
    if not bad:
        return None
    words = sorted(absent)
    listed = ", ".join(f'"{word}"' for word in words)
    named = f", absent = {listed if len(words) == 1 else f'[{listed}]'}" if words else ""
    advice = f"write `missing = drop{named}` to leave such rows out"
    if not targets:
        advice += ", or `missing = mean` to fill them in"
    row, column = bad[0].rows[0], bad[0].column
    return Unplaced(MissingValue, option="file", file=file, row=row, column=column, also=_also(bad), advice=advice)


def not_numbers(file: str, bad: Iterable[BadCells], *, is_target: bool = False) -> Unplaced | None:
    """For features or targets that are not numbers; what to write instead follows from the first cell."""
    bad = _in_order(bad)
    if not bad:
        return None
    row, column, cell = bad[0].rows[0], bad[0].column, bad[0].cells[0]
    advice = number_advice(cell, [one.column for one in bad], is_target=is_target)
    where: dict[str, Any] = {"file": file, "row": row, "column": column}
    return Unplaced(NotANumber, option="file", **where, cell=cell[:40], also=_also(bad), advice=advice)


def number_advice(cell: str, columns: Sequence[str], *, is_target: bool = False) -> str:
    """What to write instead of a cell that is not a number."""
    if (value := number(cell)) is not None and not isfinite(value):
        return "write a finite number"
    if number(cell.replace(",", ".")) is not None:
        return f"numbers have a decimal point: {cell.replace(',', '.')}"
    if number(cell.rstrip("%€$ ").lstrip("€$ ").replace(",", "")) is not None:
        return "write the number without signs and units"
    if is_target:
        return "write `task = classes` if the column holds classes"
    names = ", ".join(f'"{name}"' for name in columns[:MAX_SHOWN])
    return f"if it holds categories write `categories = [{names}]`; to leave it out, `drop = [{names}]`"


def _in_order(bad: Iterable[BadCells]) -> list[BadCells]:
    """By the first row of each column."""
    return sorted((one for one in bad if len(one.rows)), key=lambda one: one.rows[0])


def _also(bad: Sequence[BadCells]) -> str:
    """All rows but the first, as a line of a hint; empty when there is no other."""
    texts = []
    for index, one in enumerate(bad[:MAX_SHOWN]):
        if text := _row_list(one, 0 if index else 1):
            texts.append(f"column `{one.column}` {text}" if one.column else text)
    more = len(bad) - MAX_SHOWN
    if more > 0:
        texts.append(f"{more} more column{'s' if more > 1 else ''}")
    return f"the same in {'; '.join(texts)}\n" if texts else ""


def _row_list(bad: BadCells, begin: int) -> str:
    """The first rows from the index `begin` on, and how many more there are."""
    rows, cells = bad.rows[begin : begin + MAX_SHOWN], bad.cells[begin : begin + MAX_SHOWN]
    shown = [f'{row} ("{cell[:20]}")' for row, cell in zip(rows, cells, strict=True)] if cells else map(str, rows)
    more = len(bad.rows) - begin - len(rows)
    noun = "row" if len(rows) == 1 and not more else "rows"
    return f"{noun} {', '.join(shown)}" + (f" and {more:,} more" if more else "") if rows else ""
