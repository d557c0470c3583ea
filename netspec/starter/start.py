"""From data to the draft of a spec: looks at the data, drafts, and checks the draft as `netspec check` does.

Input: a path. Output: `Draft`, or what is wrong with the data.
"""

from __future__ import annotations

import os
from pathlib import Path

from netspec.data.dataset.dataset import Facts
from netspec.data.formats.files import TEXT_ENDINGS, open_file
from netspec.language.corrections import suggest
from netspec.language.diagnostics import CompileError, Unplaced, fail
from netspec.language.files.paths import exists, is_folder
from netspec.language.source import Source
from netspec.language.vocabulary import words
from netspec.spec.compilation import Compilation
from netspec.spec.diagnose import diagnose_all
from netspec.starter.compose import compose
from netspec.starter.draft import Draft, Found, Goal
from netspec.starter.errors import TargetNeeded, UnknownData
from netspec.starter.files.files import survey_array, survey_named, survey_text
from netspec.starter.files.folders import survey_folder
from netspec.starter.networks import recipe_for
from netspec.starter.tables.opening import HEAD_BYTES, PARQUET, find_delimiter, open_table
from netspec.starter.tables.options import is_writable
from netspec.starter.tables.series import survey_series
from netspec.starter.tables.table import check_target, columns_of, survey_table
from netspec.starter.tables.targets import target_column

TABLES = (".csv", ".tsv", ".tab", *PARQUET)

NAMED = ("iris", "wine", "breast_cancer", "diabetes", "digits", "mnist", "fashion_mnist", "cifar10", "moons", "spirals")
"""Data sets with examples to learn from, which are words of the language."""


def draft_spec(data: Path, target: str | None, goal: Goal, spec: Path) -> Draft:
    """The draft of a spec.

    Args:
        data: a file or a folder, from the current folder, or the name of a data set.
        target: the column to predict, of a table.
        goal: what matters most.
        spec: the file that the draft is for; names of files in it start from its folder.

    Raises:
        CompileError: the data cannot be read, or nothing can be learned from them.
    """
    try:
        found = _survey(data, target, spec.parent)
    except Unplaced as bad:
        raise CompileError([one.diagnostic() for one in bad.all]) from None
    facts = _facts(found, spec)
    recipe = recipe_for(found, facts, goal)
    text = compose(found, facts, recipe, goal, spec)
    problems = diagnose_all(Compilation(Source(str(spec), text, spec)))
    if any(problem.is_error for problem in problems):
        raise CompileError(problems)
    remarks = [problem.message for problem in problems]
    return Draft(text, (*found.findings, *remarks))


def _survey(data: Path, target: str | None, folder: Path) -> Found:
    if not exists(data):
        if str(data) in NAMED and target is None:
            return survey_named(str(data))
        reason = "there is no such file or folder"
        raise fail(UnknownData(path=str(data), reason=reason, advice=_near(data)))
    written = _written(data, folder)
    ending = data.suffix.lower()
    if is_folder(data):
        _check_needless(data, target, "a folder")
        return survey_folder(data, written)
    if ending in TABLES or (ending in TEXT_ENDINGS and _is_table(data, target)):
        return _survey_rows(data, target, written)
    if ending == ".npz":
        _check_needless(data, target, "an archive of arrays")
        return survey_array(data, written)
    if ending in TEXT_ENDINGS:
        _check_needless(data, target, "a text")
        return survey_text(data, written)
    reason = f"files that end in `{ending}` are not read" if ending else "its name has no ending that says what it is"
    advice = "give a .csv, .tsv, .parquet, .npz, .txt or .md file, or a folder"
    raise fail(UnknownData(path=str(data), reason=reason, advice=advice))


def _survey_rows(data: Path, target: str | None, written: str) -> Found:
    """What a table gives: a series where its rows follow each other in time, otherwise an example for each row."""
    table = open_table(data)
    name = check_target(table, target)
    goal = target_column(table.file, name, table.cells[name], table.form)
    if goal.missing:
        table = table.where([not goal.is_missing(cell) for cell in table.cells[name]])
    columns = columns_of(table, name, data.parent)
    return survey_series(table, written, goal, columns) or survey_table(table, written, goal, columns, data.parent)


def _facts(found: Found, spec: Path) -> Facts:
    """What is known of the data of a draft, read as the spec reads them."""
    kept = [s for s in found.settings if s.name in ("val", "test")]
    settings = "\n".join(f"{s.name} = {s.value}" for s in kept)
    text = f"dense(1)\n\ndata {{\nsource = {found.source}\n{settings}\n}}\n"
    compilation = Compilation(Source(str(spec), text, spec))
    facts = compilation.facts
    if facts is None:
        compilation.problems.raise_errors()
    assert facts is not None
    return facts


def _written(data: Path, folder: Path) -> str:
    """A path as a spec in a folder names it."""
    written = (data if data.is_absolute() else Path(os.path.relpath(data, folder))).as_posix()
    if not is_writable(written):
        reason = "a spec cannot write a path with a quote or a line break"
        raise fail(UnknownData(path=str(data), reason=reason, advice="rename it"))
    return written


def _is_table(path: Path, target: str | None) -> bool:
    """Whether a text file has rows of cells."""
    with open_file(path, "text", "file") as stream:
        head = stream.read(HEAD_BYTES).decode("utf-8", "replace")
    first = head.partition("\n")[0]
    return (target is not None or "\t" in first) and find_delimiter(head) in first


def _check_needless(data: Path, target: str | None, what: str) -> None:
    if target is not None:
        raise fail(TargetNeeded(case="needless", file=data.name, what=what))


def _near(data: Path) -> str:
    there = [p.name for p in data.parent.iterdir() if not p.name.startswith(".")] if is_folder(data.parent) else []
    return suggest(data.name, [*there, *(name for name in NAMED if name in words("source"))], what="files there")
