"""What is wrong with the cells of a table: gathered over all of its rows, told once for each kind of mistake.

Comes in: cells, one by one, that could not be read. Goes out: one `Unplaced` for each kind, with the first few places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import Any

from netspec.data.errors.files import MissingValue, NotANumber, RaggedRow
from netspec.language.diagnostics import Unplaced

SHOWN = 5
"""How many places a message lists."""

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
"""What stands in cells, in lower case, when a number is not known."""

UNKNOWN_NAME = frozenset({"", "nan", "?"})
"""The same for cells that name a class or a category; `NA` or `none` may well be one."""


def number(cell: str) -> float | None:
    """A cell as a number, infinity included; None when it is none."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if isnan(value) else value


@dataclass
class Places:
    """Where a mistake was found: the first rows of each column with what stands there, and how many there are."""

    first: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, column: str, row: int, cell: str = "") -> None:
        self.counts[column] = self.counts.get(column, 0) + 1
        found = self.first.setdefault(column, [])
        if len(found) <= SHOWN:
            found.append((row, cell))

    def clear(self, column: str) -> None:
        """Forget what was found in a column."""
        self.first.pop(column, None)
        self.counts.pop(column, None)

    @property
    def columns(self) -> list[str]:
        return list(self.first)

    def also(self) -> str:
        """Every place but the first, as a line of a hint; empty when there is no other."""
        texts = []
        for column, found in list(self.first.items())[:SHOWN]:
            rest = found[1:] if column == self.columns[0] else found
            text = self._rows(column, rest)
            if text:
                texts.append(f"column `{column}` {text}" if column else text)
        more = len(self.first) - SHOWN
        if more > 0:
            texts.append(f"{more} more column{'s' if more > 1 else ''}")
        return f"the same in {'; '.join(texts)}\n" if texts else ""

    def _rows(self, column: str, found: Sequence[tuple[int, str]]) -> str:
        skipped = self.counts[column] - len(self.first[column])
        shown = found[:SHOWN]
        skipped += len(found) - len(shown)
        if not shown:
            return ""
        rows = ", ".join(f'{row} ("{cell[:20]}")' if cell else str(row) for row, cell in shown)
        more = f" and {skipped:,} more" if skipped else ""
        return f"{'row' if len(shown) == 1 and not skipped else 'rows'} {rows}{more}"


class WrongCells:
    """Gathers what is wrong with the rows of a file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.ragged = Places()
        self.width = 0
        self.missing = Places()
        self.missing_targets = Places()
        self.no_numbers = Places()
        self.no_targets = Places()
        self.absent: set[str] = set()
        """Words for a missing value that have to be named as such."""

    def add_ragged(self, row: int, found: int, width: int) -> None:
        self.width = width
        self.ragged.add("", row, str(found))

    def raise_all(self) -> None:
        """Raises Unplaced with everything that was found, if anything was."""
        found = [*self._ragged(), *self._missing(), *self._not_numbers()]
        if found:
            first, *others = found
            raise Unplaced(first.kind, option=first.option, others=others, **first.fields)

    def _ragged(self) -> list[Unplaced]:
        if not self.ragged.first:
            return []
        row, count = self.ragged.first[""][0]
        rows = Places({"": [(r, "") for r, _ in self.ragged.first[""]]}, self.ragged.counts)
        fields: dict[str, Any] = {"row": row, "found": int(count), "expected": self.width, "also": rows.also()}
        return [Unplaced(RaggedRow, option="file", file=self.file, **fields)]

    def _missing(self) -> list[Unplaced]:
        places = Places({**self.missing_targets.first, **self.missing.first}, {})
        places.counts = self.missing_targets.counts | self.missing.counts
        if not places.first:
            return []
        column = places.columns[0]
        words = ", ".join(f'"{word}"' for word in sorted(self.absent))
        named = f", absent = {words if len(self.absent) == 1 else f'[{words}]'}" if words else ""
        advice = f"write `missing = drop{named}` to leave such rows out"
        if not self.missing_targets.first:
            advice += ", or `missing = mean` to fill them in"
        row, _ = places.first[column][0]
        plain = Places({name: [(r, "") for r, _ in rows] for name, rows in places.first.items()}, places.counts)
        also = plain.also()
        return [Unplaced(MissingValue, option="file", file=self.file, row=row, column=column, also=also, advice=advice)]

    def _not_numbers(self) -> list[Unplaced]:
        """Features and targets that are no numbers; what to write instead follows from the first cell."""
        is_target = not self.no_numbers.first
        places = self.no_targets if is_target else self.no_numbers
        if not places.first:
            return []
        column = places.columns[0]
        row, cell = places.first[column][0]
        advice = number_advice(cell, places.columns, is_target=is_target)
        fields: dict[str, Any] = {
            "row": row,
            "column": column,
            "cell": cell[:40],
            "also": places.also(),
            "advice": advice,
        }
        return [Unplaced(NotANumber, option="file", file=self.file, **fields)]


def number_advice(cell: str, columns: Sequence[str], *, is_target: bool = False) -> str:
    """What to write instead of a cell that is no number."""
    if (value := number(cell)) is not None and not isfinite(value):
        return "write a finite number"
    if number(cell.replace(",", ".")) is not None:
        return f"numbers have a decimal point: {cell.replace(',', '.')}"
    if number(cell.rstrip("%€$ ").lstrip("€$ ").replace(",", "")) is not None:
        return "write the number without signs and units"
    if is_target:
        return "write `task = classes` if the column holds classes"
    names = ", ".join(f'"{name}"' for name in columns[:SHOWN])
    return f"if it holds categories write `categories = [{names}]`; to leave it out, `drop = [{names}]`"
