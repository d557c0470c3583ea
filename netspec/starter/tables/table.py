"""What a table gives to learn from: its source as it is written in a spec, and what was seen in it.

Input: an open table, its target and its columns. Output: `Found`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from netspec.data.formats.tables.table_layout import picture_shape
from netspec.language.corrections import suggest
from netspec.language.diagnostics import fail
from netspec.language.values import to_source
from netspec.starter.draft import Found, Setting
from netspec.starter.errors import NothingToPredictFrom, TargetNeeded, TargetUnfit
from netspec.starter.tables.columns import Column, column_of, shown
from netspec.starter.tables.leaks import without_copies, without_leaks
from netspec.starter.tables.opening import OpenTable
from netspec.starter.tables.options import has_embedding, is_writable, options_of
from netspec.starter.tables.targets import TargetColumn, recommend

MAX_LISTED = 12
"""How many columns a sentence names."""

MAX_COLUMNS = 60
"""How many columns an error lists."""


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


def survey_table(table: OpenTable, path: str, goal: TargetColumn, columns: Sequence[Column], folder: Path) -> Found:
    """What a table gives whose rows are examples of their own.

    Args:
        table: the rows that have a target.
        path: the file as it is written in the spec.
        goal: the target.
        columns: the other columns.
        folder: that of the table.

    Raises:
        CompileError: there is nothing to predict the target from (NS664).
    """
    if picture_shape([column.name for column in columns]) is None:  # pixels at the edge may be constant
        columns = [*without_copies(without_leaks(columns, goal, table))]
    else:
        columns = [column.as_number() for column in columns]
    used = [column for column in columns if column.kind != "nothing"]
    if not used:
        reasons = "\n".join(f"`{column.name}` {column.reason}" for column in columns[:MAX_LISTED])
        advice = reasons or "the table has a single column"
        raise fail(NothingToPredictFrom(file=table.file, target=goal.name, advice=advice))
    options = [to_source(path), f"target = {to_source(goal.name)}", *(f"{k} = {v}" for k, v in table.options)]
    options += options_of(columns, goal, folder, may_miss=table.is_sample)
    counted = f"{len(used)} column{'' if len(used) == 1 else 's'}"
    title = f"Predicts {shown(goal.name)} from {counted} of {table.file}, {table.file_rows:,} rows."
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
        if has_embedding(column):
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
