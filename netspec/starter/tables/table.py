"""What a table gives to learn from: its source as it is written in a spec, and what was seen in it.

Input: an open table, and the target. Output: `Found`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from netspec.data.formats.tables.table_layout import picture_shape
from netspec.data.sources.images.image_survey import common_size, survey_files
from netspec.data.transforms.columns import input_name
from netspec.language.corrections import suggest
from netspec.language.diagnostics import fail
from netspec.language.lazy import np
from netspec.language.values import to_source
from netspec.language.vocabulary import categories, words
from netspec.starter.draft import Found, Setting
from netspec.starter.errors import NothingToPredictFrom, TargetNeeded, TargetUnfit
from netspec.starter.tables.columns import Column, column_of, shown
from netspec.starter.tables.leaks import without_copies, without_leaks
from netspec.starter.tables.opening import OpenTable
from netspec.starter.tables.targets import TargetColumn, recommend, target_column

MAX_ONEHOT = 24
"""Categories with more values have an embedding."""

MAX_LISTED = 12
"""How many columns a sentence names."""

MAX_COLUMNS = 60
"""How many columns an error lists."""

KEYWORDS = frozenset(
    ("input", "output", "param", "def", "share", "use", "data", "train", "expect", "tune", "if", "else", "and", "or",
     "not", "true", "false", "none", "classes", "numbers", "features", "netspec", "auto", "ids", "median", "standard",
     "balanced", "first", "block", "level", "double")
)  # fmt: skip
"""What an input of a network is not called in a draft, beside the words of the language."""


def check_target(table: OpenTable, target: str | None) -> str:
    """The target as the file writes it.

    Raises:
        CompileError: there is none, or no such column (NS660), or a spec cannot name it (NS662).
    """
    names = [name for name in table.cells if name not in table.unnamed]
    shown = ", ".join(names[:MAX_COLUMNS]) + (", …" if len(names) > MAX_COLUMNS else "")
    if target is None:
        best = recommend({name: table.cells[name] for name in names}, table.form) if names else ""
        flag = f"--target {_quoted(best)}" if best else "--target"
        raise fail(TargetNeeded(file=table.file, flag=flag, advice=f"columns: {shown}"))
    if target.strip() not in table.cells:
        advice = suggest(target.strip(), names, what="its columns")
        listed = "" if advice.startswith("its columns") else f"\ncolumns: {shown}"
        raise fail(TargetNeeded(case="unknown", file=table.file, target=target, advice=advice + listed))
    if not is_writable(target.strip()):
        reason = "a spec cannot write a name with a quote or a line break: rename the column"
        raise fail(TargetUnfit(file=table.file, target=target, reason=reason))
    return target.strip()


def survey_table(table: OpenTable, path: str, target: str, folder: Path) -> Found:
    """What a table gives.

    Args:
        table: the table.
        path: the file as it is written in the spec.
        target: the column to predict.
        folder: that of the table.

    Raises:
        CompileError: the target cannot be predicted, or there is nothing to predict it from (NS662, NS664).
    """
    goal = target_column(table.file, target, table.cells[target], table.form)
    table = table.where([not goal.is_missing(cell) for cell in table.cells[target]]) if goal.missing else table
    columns = columns_of(table, target, folder)
    if picture_shape([column.name for column in columns]) is None:  # pixels at the edge may be constant
        columns = [*without_copies(without_leaks(columns, goal, table.cells[target]))]
    else:
        columns = [column.as_number() for column in columns]
    used = [column for column in columns if column.kind != "nothing"]
    if not used:
        reasons = "\n".join(f"`{column.name}` {column.reason}" for column in columns[:MAX_LISTED])
        advice = reasons or "the table has a single column"
        raise fail(NothingToPredictFrom(file=table.file, target=target, advice=advice))
    options = [to_source(path), f"target = {to_source(target)}", *(f"{k} = {v}" for k, v in table.options)]
    options += _options(columns, goal, folder)
    counted = f"{len(used)} column{'' if len(used) == 1 else 's'}"
    title = f"Predicts {shown(target)} from {counted} of {table.file}, {table.rows:,} rows."
    settings, training = _for_target(goal)
    normalized = any(column.kind in ("number", "date", "set", "category") for column in used)
    if normalized:
        settings = (*settings, Setting("normalize", "standard", "each feature to mean 0 and standard deviation 1"))
    findings = (*table.findings, *_findings(columns, goal))
    return Found(
        "table", f"{table.word}({', '.join(options)})", title, findings, settings, training, is_skewed=goal.is_skewed
    )


def columns_of(table: OpenTable, target: str, folder: Path) -> list[Column]:
    """All columns but the target."""
    columns = [
        column_of(name, cells, table.form, folder, is_named=name not in table.unnamed)
        for name, cells in table.cells.items()
        if name != target
    ]
    reason = "has a name with a quote or a line break, which a spec cannot write: rename it"
    return [column if is_writable(column.name) else column.as_nothing(reason) for column in columns]


def _options(columns: Sequence[Column], goal: TargetColumn, folder: Path) -> list[str]:
    """The options of the source beside the file and the target."""
    named: dict[str, list[str]] = {}
    for column in columns:
        named.setdefault(column.kind, []).append(column.name)
    left, used = named.pop("nothing", []), [column for column in columns if column.kind != "nothing"]
    options = []
    if left and all(map(is_writable, left)):
        options.append(f"drop = {names_text(left)}")
    elif left:
        options.append(f"columns = {names_text([column.name for column in used])}")
    per_column = []
    names = [column for column in used if column.kind == "category"]
    plain = [column.name for column in names if len(column.counts) <= MAX_ONEHOT]
    if plain:
        options.append(f"categories = {names_text(plain)}")
    taken: set[str] = set()
    for column in used:
        to = _input_of(column, taken)
        if column.kind == "category" and column.name not in plain:
            per_column.append((column.name, f"as = category(ids){to}"))
        elif column.kind == "date":
            form = column.formats[0].replace("%.f", ".%f")
            kind = "date" if len(column.formats) == 1 else f"date({to_source(form)})"
            per_column.append((column.name, f"as = {kind}"))
        elif column.kind == "set":
            per_column.append((column.name, f"as = set({to_source(column.separator)})"))
        elif column.kind == "text":
            per_column.append((column.name, f"as = text(length = {_text_length(column)}){to}"))
        elif column.kind == "image":
            paths = [folder / cell for cell in column.counts]
            size = common_size([head.size for head in survey_files(paths[:1000]).heads.values()] or [(64, 64)])
            per_column.append((column.name, f"as = image({size}){to}"))
    if goal.missing or goal.is_whole or not goal.is_classes:
        kind = "category" if goal.is_classes else "number"
        per_column.append((goal.name, f"as = {kind}{', missing = drop' if goal.missing else ''}"))
    marks = sorted({*goal.marks, *(mark for column in used for mark in column.marks)})
    if marks:
        options.append(f"absent = {names_text(marks)}")
    if any(column.missing for column in used if column.kind != "image"):
        options.append("missing = median")
    if any(column.missing for column in used if column.kind == "image"):
        per_column += [(c.name, "missing = drop") for c in used if c.kind == "image" and c.missing]
    if per_column:
        chain = " -> ".join(f"of({to_source(name)}, {what})" for name, what in per_column)
        options.append(f"per_column = {chain}")
    return options


def _input_of(column: Column, taken: set[str]) -> str:
    """The option that names the input of a column with one of its own, where its name cannot be that of an input."""
    if column.kind not in ("text", "image") and not (column.kind == "category" and len(column.counts) > MAX_ONEHOT):
        return ""
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


def _for_target(goal: TargetColumn) -> tuple[tuple[Setting, ...], tuple[Setting, ...]]:
    """The settings of `data` and of `train` that the target asks for."""
    metrics = Setting("metrics", "accuracy -> balanced_accuracy -> f1(macro)", "accuracy alone hides rare classes")
    if goal.has_rare:
        reason = "the rarest class counts as much as the most frequent one"
        return (Setting("class_weights", "balanced", reason),), (metrics,)
    if goal.is_uneven:
        return (), (metrics,)
    return (), ()


def _findings(columns: Sequence[Column], goal: TargetColumn) -> list[str]:
    """What was seen, as sentences."""
    found = [_target_text(goal)]
    used = [column for column in columns if column.kind != "nothing"]
    for kind, noun in (("number", "numbers"), ("category", "categories"), ("date", "dates"), ("set", "sets of tags"),
                       ("text", "texts"), ("image", "images")):  # fmt: skip
        names = [column.name for column in used if column.kind == kind]
        if names:
            found.append(f"{noun}: {_listed(names)}")
    for column in used:
        if column.kind == "category" and len(column.counts) > MAX_ONEHOT:
            found.append(
                f"{shown(column.name)} has {len(column.counts)} values: an embedding instead of as many inputs"
            )
        if column.kind == "date" and len(column.formats) > 1:
            found.append(f"{shown(column.name)} can be read in several ways: {column.formats[0]} is assumed")
        if column.marks:
            found.append(f"{shown(column.name)}: {', '.join(map(shown, column.marks))} mean a missing value")
    gaps = [column for column in used if column.missing]
    if gaps:
        names = [f"{shown(column.name)} ({column.missing:,})" for column in gaps[:MAX_LISTED]]
        more = f" and {len(gaps) - MAX_LISTED} more columns" if len(gaps) > MAX_LISTED else ""
        found.append(f"missing values, filled with the median of the training rows: {', '.join(names)}{more}")
    reasons: dict[str, list[str]] = {}
    for column in columns:
        if column.kind == "nothing":
            reasons.setdefault(column.reason, []).append(column.name)
    found += [f"left out: {_listed(names)} {reason}" for reason, names in reasons.items()]
    return found


def _target_text(goal: TargetColumn) -> str:
    name = shown(goal.name)
    missing = f"; {goal.missing:,} rows without it are left out" if goal.missing else ""
    if not goal.is_classes:
        tail = ", with a long tail: they are normalized, and a few large errors do not decide alone"
        return f"{name} is a number from {goal.low:,.6g} to {goal.high:,.6g}{tail if goal.is_skewed else ''}{missing}"
    some = ", ".join(f"{shown(one)} {count:,}" for one, count in [*goal.counts.items()][:6])
    more = f", {len(goal.counts) - 6} more" if len(goal.counts) > 6 else ""
    uneven = "; the classes are unevenly frequent" if goal.is_uneven else ""
    return f"{name} is one of {len(goal.counts)} classes: {some}{more}{uneven}{missing}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(map(shown, names[:MAX_LISTED])) + more


def _quoted(name: str) -> str:
    """A name as it is typed in a shell."""
    return shlex.quote(name)


def names_text(names: Sequence[str]) -> str:
    return to_source(names[0]) if len(names) == 1 else to_source([*names])


def is_writable(name: str) -> bool:
    """Whether a string of the language can have this text."""
    return '"' not in name and "\n" not in name and "\r" not in name
