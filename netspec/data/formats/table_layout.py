"""Which columns of a table are what: features, categories, targets.

Comes in: a header, and what the source was told (`Wanted`). Goes out: `Layout`, which a reader follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from netspec.data.errors.files import BadHeader, NoColumn, NoExamples
from netspec.data.errors.sources import ColumnConflict
from netspec.data.formats.cell_errors import MISSING, number
from netspec.language.diagnostics import Unplaced, suggest
from netspec.language.record import Frozen

AUTO = "auto"
"""Stands for the columns that hold text."""

DELIMITERS = (";", "\t", "|", ",")

Rows: TypeAlias = Sequence[Sequence[str | None]]

OnMissing = Literal["error", "drop", "keep"]
"""What to do with a row in which a value is missing."""


class Wanted(Frozen):
    """What is wanted of a table. `columns` are the features (None: all that are no targets); `categories` those among
    them whose cells are names (`AUTO`: those that hold text); `absent` are words, in lower case, that stand for a
    missing value beside the usual ones."""

    targets: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] | str = ()
    missing: OnMissing = "error"
    absent: frozenset[str] = frozenset()


class Layout(Frozen):
    """A header and the places in it. `features` are all features in their order, `numbers` and `names` the two kinds
    of them; `absent` as in `Wanted`."""

    header: tuple[str, ...]
    features: tuple[int, ...]
    numbers: tuple[int, ...]
    names: tuple[int, ...]
    targets: tuple[int, ...]
    missing: OnMissing
    absent: frozenset[str]

    def called(self, places: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.header[place] for place in places)


def bad_header(file: str, problem: str, advice: str) -> Unplaced:
    return Unplaced(BadHeader, option="file", file=file, problem=problem, advice=advice)


def nothing_in(file: str, missing: str, advice: str) -> Unplaced:
    return Unplaced(NoExamples, option="file", what=file, missing=missing, advice=advice)


def make_layout(
    file: str, header: Sequence[str], head: Callable[[], Rows], wanted: Wanted, delimiter: str | None = None
) -> Layout:
    """The places of everything that is wanted.

    Args:
        file: what the table is called in messages.
        header: the names of the columns.
        head: the first rows, by which columns of text are known; read only where that is asked for.
        wanted: what is wanted.
        delimiter: what stands between cells, where a wrong one may be why a column is not found.

    Raises:
        Unplaced: the columns have no names of their own, or what is wanted is not among them.
    """
    _check_names(file, header)
    places = _Places(file, header, delimiter)
    targets = places.of("target", wanted.targets)
    dropped = {*places.of("drop", wanted.drop)}
    named = places.of("columns", wanted.columns) if wanted.columns is not None else None
    features = named if named is not None else [p for p in range(len(header)) if p not in dropped and p not in targets]
    given = () if wanted.categories == AUTO else wanted.categories
    categories = {*places.of("categories", given)}
    _check_conflicts(file, header, {"target": {*targets}, "columns": {*(named or ())}, "drop": dropped}, categories)
    if wanted.categories == AUTO:
        rows = head()
        categories = {place for place in features if _holds_text(rows, place, wanted.absent)}
    if not features:
        raise nothing_in(file, "column but the target", "add the columns that the target is predicted from")
    return Layout(
        tuple(header),
        tuple(features),
        tuple(place for place in features if place not in categories),
        tuple(place for place in features if place in categories),
        tuple(targets),
        wanted.missing,
        wanted.absent,
    )


def _check_names(file: str, header: Sequence[str]) -> None:
    """Raises Unplaced unless every column has a name of its own."""
    if not any(header):
        raise nothing_in(file, "header", "the first row names the columns, the others are the examples")
    advice = "give every column a unique name"
    if "" in header:
        raise bad_header(file, f"has no name for column {header.index('') + 1}", advice)
    if len({*header}) == len(header):
        return
    for place, name in enumerate(header):
        if name in header[:place]:
            raise bad_header(file, f"has `{name}` twice, as columns {header.index(name) + 1} and {place + 1}", advice)


def _check_conflicts(file: str, header: Sequence[str], roles: dict[str, set[int]], categories: set[int]) -> None:
    """Raises Unplaced when a column is asked for and left out, or is predicted from itself."""
    for first, second in (("columns", "target"), ("columns", "drop"), ("drop", "target")):
        if both := roles[first] & roles[second]:
            raise _conflict(file, header[min(both)], first, second)
    for role in ("target", "drop"):
        if both := categories & roles[role]:
            raise _conflict(file, header[min(both)], "categories", role)
    if roles["columns"] and (outside := categories - roles["columns"]):
        name = header[min(outside)]
        advice = f"add it to `columns`, or take it out of `categories`: only features are coded, and `{name}` is none"
        problem = "is in `categories` and not in `columns`"
        raise Unplaced(ColumnConflict, option="categories", file=file, column=name, problem=problem, advice=advice)


def _conflict(file: str, column: str, first: str, second: str) -> Unplaced:
    advice = f"take it out of `{first}`"
    if "target" in (first, second):
        advice += ": a column is a target or a feature, and targets of text are classes by themselves"
    problem = f"is in `{first}` and in `{second}`"
    return Unplaced(ColumnConflict, option=first, file=file, column=column, problem=problem, advice=advice)


def _holds_text(rows: Rows, place: int, absent: frozenset[str]) -> bool:
    """Whether the first value of a column that is there is no number."""
    for row in rows:
        cell = (row[place] or "").strip() if place < len(row) else ""
        if cell.lower() not in MISSING | absent:
            return number(cell) is None
    return False


class _Places:
    """Looks names up in a header."""

    def __init__(self, file: str, header: Sequence[str], delimiter: str | None) -> None:
        self.file = file
        self.header = header
        self.delimiter = delimiter

    def of(self, option: str, names: Sequence[str]) -> list[int]:
        """The places of columns.

        Raises:
            Unplaced: one is not there, or is named twice.
        """
        found: list[int] = []
        for name in names:
            if name not in self.header:
                raise self._missing(option, name)
            place = self.header.index(name)
            if place in found:
                advice = f"name it once in `{option}`"
                problem = f"is named twice in `{option}`"
                raise Unplaced(
                    ColumnConflict, option=option, file=self.file, column=name, problem=problem, advice=advice
                )
            found.append(place)
        return found

    def _missing(self, option: str, name: str) -> Unplaced:
        if all(number(cell) is not None for cell in self.header):
            shown = ", ".join(self.header[:4]) + (", …" if len(self.header) > 4 else "")
            return bad_header(
                self.file, f"is made of numbers: {shown}", "add a first row with the names of the columns"
            )
        advice = suggest(name, self.header, what="its columns")
        others = [d for d in DELIMITERS if self.delimiter not in (None, d) and d in self.header[0]]
        if len(self.header) == 1 and others:
            shown = "\\t" if others[0] == "\t" else others[0]
            advice = f'its cells seem to be divided by other characters: set `delimiter = "{shown}"`'
        return Unplaced(NoColumn, option=option, file=self.file, column=name, advice=advice)
