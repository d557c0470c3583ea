"""Mistakes in the cells of a table: one `Unplaced` for each kind, with the first few rows.

Input: the wrong rows and cells of each column. Output: what to raise.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any

from netspec.data.errors.files import MissingValue, NotANumber, RaggedRow
from netspec.data.formats.tables.cell_advice import Advice, listed, typed
from netspec.language.diagnostics import Unplaced

MAX_SHOWN = 5
"""How many rows and columns a message lists."""


@dataclass(frozen=True)
class BadCells:
    """The rows of a column with one kind of mistake, and their cells where a message shows them."""

    column: str
    rows: Sequence[int]
    cells: Sequence[str] = ()


def raise_all(errors: Iterable[Unplaced | None]) -> None:
    """Raises Unplaced with all of the errors, if there are any."""
    found = [error for error in errors if error is not None]
    if found:
        raise Unplaced(found[0].kind, option=found[0].option, others=found[1:], **found[0].fields)


def ragged_rows(
    file: str, ragged: Sequence[tuple[int, Sequence[str]]], first: tuple[str, int], *, are_all: bool
) -> Unplaced | None:
    """For rows, each with its cells, that are not as wide as the first, the header; `are_all` is set when no row is."""
    what, width = first
    if not ragged:
        return None
    row, cells = ragged[0]
    counts = {len(cells) for _, cells in ragged}
    case = "few" if len(cells) < width else "many"
    if are_all and len(ragged) > 1:
        case = "all" if len(counts) == 1 else "delimiter"
    found = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    also = _also([BadCells("", [row for row, _ in ragged])]) if case in ("few", "many") else ""
    wrong = partial(Unplaced, RaggedRow, option="file", file=file, row=row, found=found, expected=width, case=case)
    return wrong(also=also, last=cells[-1].strip()[:40], first=what)


def missing_values(
    file: str,
    targets: Iterable[BadCells],
    features: Iterable[BadCells],
    absent: Iterable[str],
    texts: Container[str],
    *,
    per_column: Collection[str] | None = None,
) -> Unplaced | None:
    """For missing values; `absent` has the words for them that must be named to be left out, `texts` the columns of
    categories. `per_column` has the columns that the option names, None where another hint writes it."""
    targets = _in_order(targets)
    bad = targets + _in_order(features)
    if not bad:
        return None
    words = [f'"{word}"' for word in sorted(absent)]
    written = words[0] if len(words) == 1 else f"[{', '.join(words)}]"
    named = f", absent = {written}" if words else ""
    columns = [one.column for one in bad]
    are_texts = all(column in texts for column in columns)
    case = "target" if targets else ""
    if not case and not words and per_column is not None and (are_texts or len(columns) == 1):
        case = "texts" if are_texts else "one column"
    said = f"missing = {'category' if are_texts else 'median'}"
    own = f"add `-> of({typed(columns)}, {said})` to `per_column`"
    if not per_column:
        own = f"write `per_column = of({typed(columns)}, {said})`"
    elif not {*columns}.isdisjoint(per_column):
        own = f"add `{said}` to the `of` of {listed(columns, '`')} in `per_column`"
    missing = partial(Unplaced, MissingValue, option="file", file=file, case=case)
    return missing(row=bad[0].rows[0], column=bad[0].column, also=_also(bad), named=named, own=own)


def not_numbers(file: str, bad: Iterable[BadCells], advice: Advice, *, is_target: bool = False) -> Unplaced | None:
    """For features or targets that are not numbers, and what to write instead."""
    bad = _in_order(bad)
    if not bad:
        return None
    cell, case = bad[0].cells[0], "target" if is_target else ""
    if (value := advice.form.number(cell)) is not None and not isfinite(value):
        case = "infinite"
    fields: dict[str, Any] = {
        "row": bad[0].rows[0],
        "column": bad[0].column,
        "cell": cell[:40],
        "also": _also(bad),
        "advice": advice.lines({one.column: one.cells for one in bad}, is_target=is_target),
    }
    return Unplaced(NotANumber, option="file", file=file, case=case, **fields)


def _in_order(bad: Iterable[BadCells]) -> list[BadCells]:
    """By the first row of each column."""
    return sorted((one for one in bad if len(one.rows)), key=lambda one: one.rows[0])


def _also(bad: Sequence[BadCells]) -> str:
    """All rows but the first, as a line of a hint; empty when there are no others."""
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
