"""Which columns of a table are features, categories and targets.

Input: a header, and what the source asks for (`Wanted`). Output: `Layout`, which a reader follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from netspec.data.errors.files import BadHeader, NoColumn, NoExamples
from netspec.data.errors.sources import ColumnConflict
from netspec.data.formats.cells import MISSING, number
from netspec.language.diagnostics import Unplaced, suggest
from netspec.language.record import Frozen

if TYPE_CHECKING:
    from netspec.data.formats.table_files import TableFile

AUTO = "auto"
"""Means the columns that contain text."""

MAX_NAMED = 8
"""How many names of columns a hint writes out."""

DELIMITERS = (";", "\t", "|", ",")

Rows: TypeAlias = Sequence[Sequence[str | None]]

OnMissing = Literal["error", "drop", "keep"]
"""What to do with a row in which a value is missing."""


class Wanted(Frozen):
    """What is wanted of a table. `columns` are the features (None: all that are not targets); `categories` those of
    them whose cells are names (`AUTO`: those that contain text); `absent` are words, in lower case, that mean a missing
    value in addition to the usual ones."""

    targets: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] | str = ()
    missing: OnMissing = "error"
    absent: frozenset[str] = frozenset()


class Layout(Frozen):
    """A header and positions in it. `features` are all features in their order, `numbers` and `names` the two kinds of
    them; `absent` as in `Wanted`."""

    header: tuple[str, ...]
    features: tuple[int, ...]
    numbers: tuple[int, ...]
    names: tuple[int, ...]
    targets: tuple[int, ...]
    missing: OnMissing
    absent: frozenset[str]
    wanted: Wanted


def make_layout(source: TableFile, wanted: Wanted) -> Layout:
    """The positions of everything that is wanted.

    Raises:
        Unplaced: column names are not unique, or what is wanted is not among them.
    """
    file, header = source.file, source.header
    _check_names(file, header)
    find = partial(_positions, source)
    targets = find("target", wanted.targets)
    dropped = {*find("drop", wanted.drop)}
    named = find("columns", wanted.columns) if wanted.columns is not None else None
    features = named if named is not None else [p for p in range(len(header)) if p not in dropped and p not in targets]
    categories = {*find("categories", () if wanted.categories == AUTO else wanted.categories)}
    _check_conflicts(file, header, {"target": {*targets}, "columns": {*(named or ())}, "drop": dropped}, categories)
    if wanted.categories == AUTO:
        rows = source.head()
        categories = {position for position in features if _is_text(source, rows, position, wanted.absent)}
    if not features:
        raise Unplaced(NoExamples, option="file", what=file, missing="column but the target", case="features")
    return Layout(
        tuple(header),
        tuple(features),
        tuple(position for position in features if position not in categories),
        tuple(position for position in features if position in categories),
        tuple(targets),
        wanted.missing,
        wanted.absent,
        wanted,
    )


def _check_names(file: str, header: Sequence[str]) -> None:
    """Raises Unplaced unless every column has a unique name."""
    if not any(header):
        raise Unplaced(NoExamples, option="file", what=file, missing="header", case="header")
    bad_header = partial(Unplaced, BadHeader, option="file", file=file)
    if "" in header:
        raise bad_header(problem=f"has no name for column {header.index('') + 1}")
    if len({*header}) < len(header) and all(number(cell) is not None for cell in header):
        raise _row_of_numbers(file, header)
    if len({*header}) < len(header):
        second = next(i for i, name in enumerate(header) if name in header[:i])
        first = header.index(header[second])
        raise bad_header(problem=f"has `{header[second]}` twice, as columns {first + 1} and {second + 1}")


def _check_conflicts(file: str, header: Sequence[str], roles: dict[str, set[int]], categories: set[int]) -> None:
    """Raises Unplaced when a column is asked for and left out, or is predicted from itself."""
    roles = {"categories": categories, **roles}
    conflict = partial(Unplaced, ColumnConflict, file=file)
    for role, other in (
        ("columns", "target"),
        ("columns", "drop"),
        ("drop", "target"),
        ("categories", "target"),
        ("categories", "drop"),
    ):
        if both := roles[role] & roles[other]:
            problem, case = f"is in `{role}` and in `{other}`", "target" if other == "target" else ""
            raise conflict(option=role, column=header[min(both)], problem=problem, role=role, case=case)
    if roles["columns"] and (outside := categories - roles["columns"]):
        problem = "is in `categories` and not in `columns`"
        raise conflict(option="categories", column=header[min(outside)], problem=problem, case="outside")


def _is_text(source: TableFile, rows: Rows, position: int, absent: frozenset[str]) -> bool:
    """Whether the first cell of a column that is not missing is not a number."""
    for row in rows:
        cell = (row[position] or "").strip() if position < len(row) else ""
        if cell.lower() not in MISSING | absent:
            return source.form.number(cell) is None
    return False


def _positions(source: TableFile, option: str, names: Sequence[str]) -> list[int]:
    """The positions of columns; raises Unplaced when one does not exist, or is named twice."""
    file, header = source.file, source.header
    for i, name in enumerate(names):
        if name not in header:
            raise _no_column(file, header, source.delimiter, option, name)
        if name in names[:i]:
            conflict = partial(Unplaced, ColumnConflict, option=option, file=file, column=name, role=option)
            raise conflict(problem=f"is named twice in `{option}`", case="twice")
    return [header.index(name) for name in names]


def _no_column(file: str, header: Sequence[str], delimiter: str | None, option: str, name: str) -> Unplaced:
    if 2 * sum(number(cell) is not None for cell in header) > len(header):
        return _row_of_numbers(file, header)
    advice = suggest(name, header, what="its columns")
    others = [d for d in DELIMITERS if delimiter not in (None, d) and d in header[0]]
    if len(header) == 1 and others:
        shown = "\\t" if others[0] == "\t" else others[0]
        advice = f'its cells seem to be separated by another character: set `delimiter = "{shown}"`'
    return Unplaced(NoColumn, option=option, file=file, column=name, advice=advice)


def _row_of_numbers(file: str, header: Sequence[str]) -> Unplaced:
    """For a first row that is an example."""
    problem = f"looks like data: {', '.join(header[:4])}{', …' if len(header) > 4 else ''}"
    names = [f"column_{number}" for number in range(1, len(header) + 1)]
    shown = [*names[:2], "…", names[-1]] if len(names) > MAX_NAMED else names
    quoted = ", ".join(name if name == "…" else f'"{name}"' for name in shown)
    ends = f"`{names[0]}` to `{names[-1]}`" if len(names) > 1 else f"`{names[0]}`"
    return Unplaced(BadHeader, option="file", file=file, problem=problem, case="numbers", names=ends, quoted=quoted)
