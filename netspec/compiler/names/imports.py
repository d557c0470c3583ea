"""Files that `use` names: finds them, and brings their definitions.

They are looked for relative to the file that uses them, or in the library that netspec ships.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from netspec.compiler.errors.names import CannotUse, Cycle, DefinedTwice, NotInFile, UnusedName
from netspec.compiler.names.scope import Name, Scope
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.edition import check_edition
from netspec.compiler.syntax.parser import parse_source
from netspec.language.corrections import corrections
from netspec.language.diagnostics import Note, Problems, suggest
from netspec.language.source import Source, Span

LIBRARY = Path(__file__).parents[2] / "std"


class UseReader:
    """Reads and parses used files, each once.

    A file is kept under its path as seen from the folder of the main file, so that files of the same name in several
    folders stay apart.

    Args:
        given: texts by such paths that stand in for files, as in a run folder that brings them along.
    """

    def __init__(self, given: dict[str, str] | None = None) -> None:
        self.given = given or {}
        self.files: dict[str, tree.File] = {}
        self.texts: dict[str, str] = {}
        self.keys: dict[str, str] = {}

    def __call__(self, use: tree.Use, source: Source, problems: Problems) -> tree.File | None:
        """The tree of the file that a `use` names, or None and a diagnostic."""
        found = self._library(use, problems) if use.path is None else self._relative(use.path, source, problems)
        if found is None:
            return None
        if found.identity not in self.files:
            file = self.files[found.identity] = parse_source(found, problems)
            check_edition(file, problems)
        return self.files[found.identity]

    def key(self, source: Source) -> str:
        """The path of a file that was read, as seen from the folder of the main file."""
        return self.keys.get(source.identity, Path(source.name).name)

    def _keep(self, found: Source, key: str) -> Source:
        self.keys[found.identity] = key
        self.texts[key] = found.text
        return found

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
            found = Source(str(target), target.read_text(encoding="utf-8-sig"), target)
        except (OSError, UnicodeDecodeError) as error:
            case, reason, advice = _why_not(error, target, path.value, source)
            problems.add(CannotUse(span=path.span, case=case, target=f'"{path.value}"', reason=reason, advice=advice))
            return None
        return self._keep(found, key)


def _why_not(error: Exception, target: Path, written: str, source: Source) -> tuple[str, str, str]:
    """Why a file cannot be read, as the case of `CannotUse` and in words, and what to type instead."""
    if isinstance(error, UnicodeDecodeError):
        return "not text", "it is not a text file in UTF-8", ""
    if isinstance(error, IsADirectoryError):
        files = [f"{written.rstrip('/')}/{p.name}" for p in target.glob("*.net")]
        return "folder", "it is a folder", suggest(written, files, what="files in it", limit=12)
    if not isinstance(error, FileNotFoundError):
        return "unreadable", str(getattr(error, "strerror", None) or error).lower(), ""
    folder = target.parent
    near = [p.name for p in folder.glob("*.net") if p != source.path] if folder.is_dir() else []
    if f"{target.name}.net" in near:
        return "", "no such file", f'did you mean "{written}.net"?'
    return "", "no such file", suggest(target.name, near, what="files there", limit=12) or f"looked in {folder}"


def module_name(use: tree.Use) -> str:
    """`std.resnet`"""
    return ".".join(n.name for n in use.module)


def shown(use: tree.Use) -> str:
    """What a `use` names, as it is written."""
    return use.path.span.text if use.path is not None else f"`{module_name(use)}`"


# ---------------------------------------------------------------- bringing names


def bring_names(use: tree.Use, other: Scope, scope: Scope, problems: Problems) -> dict[Name, Span]:
    """Put the definitions of a used file into a scope; what was brought, and where it is named (nothing after a
    conflict, for which of them is meant is not known).

    What the used file would define, had a statement no mistake, is brought as `missing` and not reported again.
    """
    offered = {name: symbol for name, symbol in other.names.items() if symbol.is_definition or symbol.is_missing}
    for name in other.file.broken - offered.keys():
        offered[name] = missing_name(name, use.span, other)
    brought: dict[Name, Span] = {}
    has_conflict = False
    for name, span in [(n.name, n.span) for n in use.names] or [(name, use.span) for name in offered]:
        found = offered.get(name)
        if found is None:
            problems.add(_not_in_file(use, name, span, other))
            found = missing_name(name, span, scope)
        present = scope.names.setdefault(name, found)
        if present is not found and not (present.is_missing or found.is_missing):
            problems.add(_conflict(use, name, span, present))
            has_conflict = True
        else:
            brought[found] = span
    scope.lacks_names = scope.lacks_names or (other.lacks_names and not use.names)
    return {} if has_conflict else brought


def bring_missing(use: tree.Use, scope: Scope) -> None:
    """Pass over in silence what a file that could not be used would have brought."""
    scope.lacks_names = scope.lacks_names or not use.names
    for name in use.names:
        scope.names.setdefault(name.name, missing_name(name.name, name.span, scope))


def missing_name(name: str, span: Span, scope: Scope) -> Name:
    """Stands for a name that could not be brought; every use of it is passed over in silence."""
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


def _conflict(use: tree.Use, name: str, span: Span, present: Name) -> DefinedTwice:
    note = Note(present.span, "first defined here")
    case = "import" if use.names else "whole file"
    return DefinedTwice(span=span, notes=(note,), case=case, name=name, use=use.span.text)


# ---------------------------------------------------------------- what is wrong among files


def files_in_a_circle(names: Sequence[str], uses: Sequence[Span]) -> Cycle:
    """The diagnostic for files that use each other; `uses` are the statements, of which the last closes the circle."""
    path = " -> ".join(f'"{name}"' for name in names)
    steps = list(zip(uses, names, names[1:], strict=False))[:-1]
    notes = tuple(Note(span, f'"{a}" uses "{b}"') for span, a, b in steps)
    return Cycle(span=uses[-1], notes=notes, case="file", path=path)


def warn_unused_uses(brought: Sequence[tuple[tree.Use, dict[Name, Span]]], used: set[Name], problems: Problems) -> None:
    """Warn of names in a `use` that the file does not use, and of a `use` without names of which nothing is used."""
    for use, names in brought:
        if not use.names and names and not any(n in used or n.is_missing for n in names):
            problems.add(UnusedName(span=use.span, case="file", name=shown(use)))
        for name, span in names.items() if use.names else ():
            if name not in used and not name.is_missing:
                case = "list" if len(use.names) > 1 else "import"
                problems.add(UnusedName(span=span, case=case, name=name.name))
