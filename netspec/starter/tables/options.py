"""What the columns of a table make the options of its data source.

Input: columns, and the target. Output: options as they are written in a spec.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netspec.data.sources.images.image_survey import common_size, survey_files
from netspec.data.transforms.columns import input_name
from netspec.language.lazy import np
from netspec.language.values import to_source
from netspec.language.vocabulary import categories, words
from netspec.starter.tables.columns import Column
from netspec.starter.tables.targets import TargetColumn

MAX_ONEHOT = 24
"""Categories with more values have an embedding."""

KEYWORDS = frozenset(
    ("input", "output", "param", "def", "share", "use", "data", "train", "expect", "tune", "if", "else", "and", "or",
     "not", "true", "false", "none", "classes", "numbers", "features", "netspec", "auto", "ids", "median", "standard",
     "balanced", "first", "block", "level", "double")
)  # fmt: skip
"""What an input of a network is not called in a draft, beside the words of the language."""


def options_of(columns: Sequence[Column], goal: TargetColumn, folder: Path, *, may_miss: bool) -> list[str]:
    """The options of the source beside the file and the target. `folder` is that of the table; `may_miss` is set when
    rows that were not looked at may have missing values."""
    left = [column.name for column in columns if column.kind == "nothing"]
    used = [column for column in columns if column.kind != "nothing"]
    options = []
    if left and all(map(is_writable, left)):
        options.append(f"drop = {names_text(left)}")
    elif left:
        options.append(f"columns = {names_text([column.name for column in used])}")
    if plain := [column.name for column in used if column.kind == "category" and not has_embedding(column)]:
        options.append(f"categories = {names_text(plain)}")
    if marks := sorted({*goal.marks, *(mark for column in used for mark in column.marks)}):
        options.append(f"absent = {names_text(marks)}")
    if may_miss or any(column.missing for column in used if column.kind != "image"):
        options.append("missing = median")
    taken: set[str] = set()
    single = [(column.name, _type_of(column, folder, taken)) for column in used]
    if goal.missing or goal.is_whole or not goal.is_classes:
        kind = "category" if goal.is_classes else "number"
        single.append((goal.name, f"as = {kind}{', missing = drop' if goal.missing else ''}"))
    if chain := " -> ".join(f"of({to_source(name)}, {what})" for name, what in single if what):
        options.append(f"per_column = {chain}")
    return options


def has_embedding(column: Column) -> bool:
    """Whether a column has too many names for an input for each."""
    return column.kind == "category" and len(column.counts) > MAX_ONEHOT


def _type_of(column: Column, folder: Path, taken: set[str]) -> str:
    """What `per_column` says of a column; empty where there is nothing to say."""
    if column.kind == "date":
        form = column.formats[0].replace("%.f", ".%f")
        return "as = date" if len(column.formats) == 1 else f"as = date({to_source(form)})"
    if column.kind == "set":
        return f"as = set({to_source(column.separator)})"
    if column.kind == "text":
        return f"as = text(length = {_text_length(column)}){_input_of(column, taken)}"
    if column.kind == "image":
        heads = survey_files([folder / cell for cell in column.counts][:1000]).heads.values()
        size = common_size([head.size for head in heads] or [(64, 64)])
        missing = ", missing = drop" if column.missing else ""
        return f"as = image({size}){missing}{_input_of(column, taken)}"
    return f"as = category(ids){_input_of(column, taken)}" if has_embedding(column) else ""


def _input_of(column: Column, taken: set[str]) -> str:
    """The option that gives the input of a column another name, where that of the column cannot be one."""
    usual = name = input_name(column.name)
    known = {*KEYWORDS, *(word for category in categories() for word in words(category))}
    if name in known or not name.isascii():
        name = f"{name}_column"
    number = 2
    while name in taken:
        name, number = f"{usual}_{number}", number + 1
    taken.add(name)
    return "" if name == usual else f", to = {to_source(name)}"


def _text_length(column: Column) -> int:
    """How many words of a text are read: as many as 95 of 100 have, at least 8."""
    lengths = [len(cell.split()) for cell in column.cells]
    return int(max(8, min(400, round(1.25 * float(np.percentile(lengths, 95))))))


def names_text(names: Sequence[str]) -> str:
    return to_source(names[0]) if len(names) == 1 else to_source([*names])


def is_writable(name: str) -> bool:
    """Whether a string of the language can have this text."""
    return '"' not in name and "\n" not in name and "\r" not in name
