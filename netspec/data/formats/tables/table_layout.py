"""Which columns of a table are features, categories and targets.

Input: a header, and what the source asks for (`Wanted`). Output: `Layout`, which a reader follows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import partial
from itertools import pairwise
from math import isqrt
from typing import TYPE_CHECKING, Literal, TypeAlias

from netspec.data.errors.files import BadHeader, NoColumn, NoExamples
from netspec.data.errors.sources import ColumnConflict
from netspec.data.errors.tables import FirstRowIsData
from netspec.data.formats.tables.cells import MISSING, number
from netspec.language.corrections import suggest
from netspec.language.diagnostics import Unplaced
from netspec.language.record import Frozen
from netspec.language.values import to_source

if TYPE_CHECKING:
    from netspec.data.formats.tables.table_files import TableFile

AUTO = "auto"
"""Means the columns that contain text."""

MAX_NAMED = 40
"""How many names of columns a hint writes out."""

LIKE_ID = re.compile(
    r"(.*[_\W])?(?i:id|uuid|guid|index)|.*[a-z](Id|ID)|(?i:unnamed: 0|row_?(number|nr))|__index_level_0__"
)
"""Names of columns that identify the rows."""

DELIMITERS = (";", "\t", "|", ",")

Rows: TypeAlias = Sequence[Sequence[str | None]]

OnMissing = Literal["error", "drop", "keep"]
"""What to do with a row in which a value is missing."""


class Wanted(Frozen):
    """What is wanted of a table. `columns` are the features (None: all that are not targets); `categories` those of
    them whose cells are names (`AUTO`: those that contain text); `absent` are words, in lower case, that mean a missing
    value in addition to the usual ones. `kinds` and `on_missing` are of single columns, features or targets;
    `leaves_out_ids` leaves out columns that identify the rows. `texts` are those of them that the option `text` names.
    `divided_by` is the column that folds are divided by; it is not a feature where it `is_apart`."""

    targets: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] | str = ()
    missing: OnMissing = "error"
    absent: frozenset[str] = frozenset()
    kinds: tuple[tuple[str, str], ...] = ()
    on_missing: tuple[tuple[str, OnMissing], ...] = ()
    leaves_out_ids: bool = False
    texts: tuple[str, ...] = ()
    divided_by: str | None = None
    is_apart: bool = False


class Layout(Frozen):
    """A header and positions in it. `features` are all features in their order, `numbers` and `names` (all whose cells
    are read as texts) the two kinds of them; `ids` are those features whose names are like those of identifiers, and
    `division` is the column that folds are divided by."""

    header: tuple[str, ...]
    features: tuple[int, ...]
    numbers: tuple[int, ...]
    names: tuple[int, ...]
    targets: tuple[int, ...]
    ids: tuple[int, ...]
    wanted: Wanted
    division: int | None = None

    @property
    def missing(self) -> OnMissing:
        return self.wanted.missing

    @property
    def absent(self) -> frozenset[str]:
        return self.wanted.absent

    def on_missing(self, name: str) -> OnMissing:
        """What to do with rows in which a column has no value."""
        return dict(self.wanted.on_missing).get(name, self.wanted.missing)

    def kind(self, name: str) -> str:
        """What a column is whose cells are read as texts."""
        return dict(self.wanted.kinds).get(name, "category")

    def without(self, names: Collection[str]) -> Layout:
        """The same without some features."""
        kept = {p for p in self.features if self.header[p] not in names}
        keys = ("features", "numbers", "names", "ids")
        return self.replace(**{key: tuple(p for p in getattr(self, key) if p in kept) for key in keys})


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
    division = find("folds", () if wanted.divided_by is None else (wanted.divided_by,))
    without = {*dropped, *targets, *(division if wanted.is_apart else ())}
    features = named if named is not None else [p for p in range(len(header)) if p not in without]
    texts_said = {*find("text", wanted.texts)}
    per_column = {*find("per_column", [*{**dict(wanted.kinds), **dict(wanted.on_missing)}])}
    kinds = {header.index(name): kind for name, kind in wanted.kinds}
    categories = {*find("categories", () if wanted.categories == AUTO else wanted.categories)}
    roles = {"target": {*targets}, "columns": {*(named or ())}, "drop": dropped, "text": texts_said}
    roles["per_column"] = per_column - texts_said
    _check_conflicts(file, header, roles, categories)
    if wanted.categories == AUTO:
        rows = source.head()
        categories = {position for position in features if _is_text(source, rows, position, wanted.absent)}
    texts = (categories | {p for p, kind in kinds.items() if kind != "number"}) - {
        p for p, kind in kinds.items() if kind == "number"
    }
    ids = named is None and wanted.leaves_out_ids
    said = {*per_column, *(() if wanted.categories == AUTO else categories)}
    nameless = [p for p in features if p in source.unnamed and p not in said] if named is None else []
    if nameless and nameless != [0]:
        raise no_name(source, wanted, nameless)
    if not features:
        raise Unplaced(NoExamples, option="file", what=file, missing="column but the target", case="features")
    return Layout(
        tuple(header),
        tuple(features),
        tuple(position for position in features if position not in texts),
        tuple(position for position in features if position in texts),
        tuple(targets),
        tuple(p for p in features if ids and p not in said and LIKE_ID.fullmatch(header[p])),
        wanted,
        division[0] if division else None,
    )


def _check_names(file: str, header: Sequence[str]) -> None:
    """Raises Unplaced unless every column has a unique name."""
    if not any(header):
        raise Unplaced(NoExamples, option="file", what=file, missing="header", case="header")
    bad_header = partial(Unplaced, BadHeader, option="file", file=file)
    if len({*header}) < len(header) and all(number(cell) is not None for cell in header):
        raise _row_of_numbers(file, header)
    if len({*header}) < len(header):
        second = next(i for i, name in enumerate(header) if name in header[:i])
        first = header.index(header[second])
        raise bad_header(problem=f"has `{header[second]}` twice, as columns {first + 1} and {second + 1}")


def no_name(source: TableFile, wanted: Wanted, positions: Sequence[int]) -> Unplaced:
    """The error about columns that have no name and are not left out."""
    names = [*wanted.drop, *(source.header[position] for position in positions)]
    bad_header = partial(Unplaced, BadHeader, option="file", file=source.file, case="no name")
    drop = to_source(names if len(names) > 1 else names[0])
    return bad_header(problem=f"has no name for column {positions[0] + 1}", names=drop)


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
        ("per_column", "drop"),
        ("text", "target"),
        ("text", "drop"),
        ("text", "categories"),
    ):
        if both := roles[role] & roles[other]:
            problem, case = f"is in `{role}` and in `{other}`", "target" if other == "target" else ""
            raise conflict(option=role, column=header[min(both)], problem=problem, role=role, case=case)
    if roles["columns"] and (outside := categories - roles["columns"]):
        problem = "is in `categories` and not in `columns`"
        raise conflict(
            option="categories", column=header[min(outside)], problem=problem, case="outside", role="categories"
        )
    if roles["columns"] and (outside := roles["text"] - roles["columns"]):
        problem = "is in `text` and not in `columns`"
        raise conflict(option="text", column=header[min(outside)], problem=problem, case="outside", role="text")
    if roles["columns"] and (outside := roles["per_column"] - roles["columns"] - roles["target"]):
        problem = "is in `per_column` and not in `columns`"
        raise conflict(option="per_column", column=header[min(outside)], problem=problem, role="per_column")


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
            raise _no_column(source, option, name)
        if name in names[:i]:
            conflict = partial(Unplaced, ColumnConflict, option=option, file=file, column=name, role=option)
            raise conflict(problem=f"is named twice in `{option}`", case="twice")
    return [header.index(name) for name in names]


def _no_column(source: TableFile, option: str, name: str) -> Unplaced:
    file, header = source.file, source.header
    if source.has_header and 2 * sum(number(cell) is not None for cell in header) > len(header):
        return _row_of_numbers(file, header, option, name)
    missing = partial(Unplaced, NoColumn, option=option, file=file, column=name)
    if not source.has_header and name.isdecimal() and int(name) < len(header):
        return missing(case="no header", advice=f'columns count from 1: write `{option} = "{header[int(name)]}"`')
    advice = suggest(name, header, what="its columns")
    if advice.startswith("its columns"):  # in their order
        advice = f"its columns: {', '.join(header[:MAX_NAMED])}{', …' if len(header) > MAX_NAMED else ''}"
    if signs := _other_signs(source):
        advice = f"its cells seem to be written in another way: set {signs}"
    return missing(case="" if source.has_header else "no header", advice=advice)


def _other_signs(source: TableFile) -> str:
    """The delimiter that a file with a single column seems to have, and the decimal sign that goes with it."""
    header = source.header
    delimiter = next((d for d in DELIMITERS if source.delimiter not in (None, d) and d in header[0]), None)
    if len(header) > 1 or delimiter is None:
        return ""
    rows = [(source.delimiter or ",").join(cell or "" for cell in row).split(delimiter) for row in source.head()]
    has_commas = any(re.fullmatch(r"-?[\d.]*\d,\d+", cell.strip()) for row in rows for cell in row)
    has_points = any(re.fullmatch(r"-?\d{1,3}(\.\d{3})+(,\d+)?", cell.strip()) for row in rows for cell in row)
    shown = "\\t" if delimiter == "\t" else delimiter
    decimal = (', decimal = ","' + (', thousands = "."' if has_points else "")) if has_commas else ""
    return f'`delimiter = "{shown}"{decimal}`'


def _row_of_numbers(file: str, header: Sequence[str], option: str = "", name: str = "") -> Unplaced:
    """For a first row that is an example; `name` is what an option calls a column, which may be its index."""
    row, names = _described(header)
    index = int(name) if name.isdecimal() and int(name) < len(header) else len(header) - 1
    target = f', target = "column_{index + 1}"' if option == "target" else ""
    looks = partial(Unplaced, BadHeader, option="file", file=file, case="numbers", names=names, target=target)
    return looks(problem=f"looks like data: {row}")


def first_row_remarks(header: Sequence[str], file: str) -> list[Unplaced]:
    """A warning about names of columns that are numbers; those that count, and years, may well be names."""
    numbers = [value for value in map(number, header) if value is not None]
    steps = {after - before for before, after in pairwise(numbers)}
    if 2 * len(numbers) < len(header) or steps in ({1.0}, {-1.0}) or numbers in ([0.0], [1.0]):
        return []
    row, names = _described(header)
    return [Unplaced(FirstRowIsData, option="file", file=file, row=row, names=names)]


def _described(header: Sequence[str]) -> tuple[str, str]:
    """A first row, and the names that its columns have without a header."""
    names = f"`column_1` to `column_{len(header)}`" if len(header) > 1 else "`column_1`"
    return f"{', '.join(header[:4])}{', …' if len(header) > 4 else ''}", names


def picture_shape(features: Sequence[str]) -> tuple[int, ...] | None:
    """The shape that names such as `pixel0` … `pixel783`, or `1x1` … `28x28`, give to a row: a square gray image."""
    side = isqrt(len(features))
    if side < 2 or side * side != len(features):
        return None
    numbered = [re.fullmatch(r"pixel[ _]?(\d+)", name, re.IGNORECASE) for name in features]
    if all(numbered):
        numbers = [int(match[1]) for match in numbered if match is not None]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return side, side, 1
    first = 1 if features[0] == "1x1" else 0
    positions = [f"{row + first}x{column + first}" for row in range(side) for column in range(side)]
    return (side, side, 1) if [*features] == positions else None
