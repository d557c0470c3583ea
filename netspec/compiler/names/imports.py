"""Files that `use` names: finds them, and brings their definitions.

They are looked for relative to the file that uses them, or in the library that netspec ships.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from netspec.compiler.errors.names import CannotUse, DefinedTwice, NotInFile, UnusedName
from netspec.compiler.names.scope import Name, Scope
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import check_edition, parse_source
from netspec.language.corrections import corrections, suggest
from netspec.language.diagnostics import Note, Problems
from netspec.language.files.paths import is_folder
from netspec.language.files.regular_file import Refused
from netspec.language.source import Source, Span

LIBRARY = Path(__file__).parents[2] / "std"


class UseReader:
    """Reads and parses used files, each once.

    A file is kept under its path relative to the folder of the main file, so that files of the same name in several
    folders are distinct.

    Args:
        given: texts by such paths that are used instead of files, as in a run folder.
    """

    def __init__(self, given: dict[str, str] | None = None) -> None:
        self.given = given or {}
        self.files: dict[str, tree.File] = {}
        self.texts: dict[str, str] = {}
        self.keys: dict[str, str] = {}

    def __call__(self, use: tree.Use, source: Source, problems: Problems) -> tree.File | None:
        """The tree of the file that a `use` names, or None and a diagnostic."""
        used = self._library(use, problems) if use.path is None else self._relative(use.path, source, problems)
        if used is None:
            return None
        if used.identity not in self.files:
            file = self.files[used.identity] = parse_source(used, problems)
            check_edition(file, problems)
        return self.files[used.identity]

    def key(self, source: Source) -> str:
        """The path of a file that was read, relative to the folder of the main file."""
        return self.keys.get(source.identity, Path(source.name).name)

    def _keep(self, source: Source, key: str) -> Source:
        self.keys[source.identity] = key
        self.texts[key] = source.text
        return source

    def _library(self, use: tree.Use, problems: Problems) -> Source | None:
        name = module_name(use)
        if name in self.given:
            return self._keep(Source(name, self.given[name]), name)
        modules = {f"std.{path.stem}": path for path in LIBRARY.glob("*.net")}
        if name in modules:
            return self._keep(Source(name, modules[name].read_text(encoding="utf-8"), modules[name]), name)
        span = use.module[0].span.to(use.module[-1].span)
        problems.add(
            CannotUse(
                span=span,
                case="library",
                target=f"`{name}`",
                reason="no such library",
                advice=suggest(name, modules, what="the library has"),
                fixes=corrections(span, [path.removeprefix("std.") for path in modules], prefix="std."),
            )
        )
        return None

    def _relative(self, path: tree.String, source: Source, problems: Problems) -> Source | None:
        key = Path(os.path.normpath(Path(self.key(source)).parent / path.value)).as_posix()
        if key in self.given:
            return self._keep(Source(key, self.given[key]), key)
        target = Path(os.path.normpath(source.folder / path.value))
        try:
            return self._keep(Source.read(target), key)
        except (OSError, UnicodeDecodeError) as error:
            case, reason, advice = _why_not(error, target, path.value, source)
            problems.add(CannotUse(span=path.span, case=case, target=f'"{path.value}"', reason=reason, advice=advice))
            return None


def _why_not(error: Exception, target: Path, written: str, source: Source) -> tuple[str, str, str]:
    """Why a file cannot be read, as the case of `CannotUse` and in words, and what to type instead."""
    if isinstance(error, UnicodeDecodeError):
        return "not text", "it is not a text file in UTF-8", ""
    if isinstance(error, Refused) and is_folder(target):
        files = [f"{written.rstrip('/')}/{p.name}" for p in target.glob("*.net")]
        return "folder", "it is a folder", suggest(written, files, what="files in it")
    if isinstance(error, Refused):
        return "", str(error.strerror), error.advice
    if not isinstance(error, FileNotFoundError):
        return "unreadable", str(getattr(error, "strerror", None) or error).lower(), ""
    folder = target.parent
    near = [p.name for p in folder.glob("*.net") if p != source.path] if is_folder(folder) else []
    if f"{target.name}.net" in near:
        return "", "no such file", f'did you mean "{written}.net"?'
    return "", "no such file", suggest(target.name, near, what="files there") or f"looked in {folder}"


def module_name(use: tree.Use) -> str:
    """`std.resnet`"""
    return ".".join(n.name for n in use.module)


def shown(use: tree.Use) -> str:
    """What a `use` names, as it is written."""
    return use.path.span.text if use.path is not None else f"`{module_name(use)}`"


def bring_names(use: tree.Use, other: Scope, scope: Scope, problems: Problems) -> dict[Name, Span]:
    """Put the definitions of a used file into a scope; what was imported, and where it is named (nothing after a
    conflict, since it is not known which of them is meant).

    What the used file would define without its mistakes is imported as `missing` and not reported again.
    """
    offered = {name: symbol for name, symbol in other.names.items() if symbol.is_definition or symbol.is_missing}
    for name in other.file.broken - offered.keys():
        offered[name] = missing_name(name, use.span, other)
    brought: dict[Name, Span] = {}
    has_conflict = False
    for name, span in [(n.name, n.span) for n in use.names] or [(name, use.span) for name in offered]:
        symbol = offered.get(name)
        if symbol is None:
            problems.add(_not_in_file(use, name, span, other))
            symbol = missing_name(name, span, scope)
        present = scope.names.setdefault(name, symbol)
        if present is not symbol and not (present.is_missing or symbol.is_missing):
            notes, case = (Note(present.span, "first defined here"),), "import" if use.names else "whole file"
            problems.add(DefinedTwice(span=span, notes=notes, case=case, name=name, use=use.span.text))
            has_conflict = True
        else:
            brought[symbol] = span
    scope.lacks_names = scope.lacks_names or (other.lacks_names and not use.names)
    return {} if has_conflict else brought


def bring_missing(use: tree.Use, scope: Scope) -> None:
    """Import the names of a file that could not be read as `missing`."""
    scope.lacks_names = scope.lacks_names or not use.names
    for name in use.names:
        scope.names.setdefault(name.name, missing_name(name.name, name.span, scope))


def missing_name(name: str, span: Span, scope: Scope) -> Name:
    """Stands for a name that could not be imported; its uses are not reported."""
    return Name(name, "missing", span, scope, uses=1)


def _not_in_file(use: tree.Use, name: str, span: Span, other: Scope) -> NotInFile:
    offered = [n for n, symbol in other.names.items() if symbol.is_definition]
    there = other.names.get(name)
    return NotInFile(
        span=span,
        case="other" if there is not None else "" if offered else "empty",
        target=shown(use),
        name=name,
        noun=there.noun if there is not None else "",
        advice=suggest(name, offered, what="it defines"),
        fixes=corrections(span, offered) if there is None else (),
    )


def warn_unused_uses(brought: Sequence[tuple[tree.Use, dict[Name, Span]]], used: set[Name], problems: Problems) -> None:
    """Warn of names in a `use` that the file does not use, and of a `use` without names of which nothing is used."""
    for use, names in brought:
        if not use.names and names and not any(n in used or n.is_missing for n in names):
            problems.add(UnusedName(span=use.span, case="file", name=shown(use)))
        for name, span in names.items() if use.names else ():
            if name not in used and not name.is_missing:
                case = "list" if len(use.names) > 1 else "import"
                problems.add(UnusedName(span=span, case=case, name=name.name))
