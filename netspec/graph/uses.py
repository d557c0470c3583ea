"""Finds the files that `use` names: relative to the file that uses them, or in the library that netspec ships."""

from __future__ import annotations

import os
from pathlib import Path

from netspec.diagnostics import Problems, suggest
from netspec.graph.errors import CannotUse
from netspec.source import Source
from netspec.syntax import tree
from netspec.syntax.parser import parse_source

LIBRARY = Path(__file__).parents[1] / "std"


class UseReader:
    """Reads and parses used files, each once.

    Args:
        given: texts by file name that stand in for files, as in a run folder that brings them along.
    """

    def __init__(self, given: dict[str, str] | None = None) -> None:
        self.given = given or {}
        self.files: dict[str, tree.File] = {}
        self.texts: dict[str, str] = {}

    def __call__(self, use: tree.Use, source: Source, problems: Problems) -> tree.File | None:
        """The tree of the file that a `use` names, or None and a diagnostic."""
        found = self._library(use, problems) if use.path is None else self._relative(use, use.path, source, problems)
        if found is None:
            return None
        if found.identity not in self.files:
            self.files[found.identity] = parse_source(found, problems)
        return self.files[found.identity]

    def _library(self, use: tree.Use, problems: Problems) -> Source | None:
        name = ".".join(n.name for n in use.module)
        modules = {f"std.{path.stem}": path for path in LIBRARY.glob("*.net")}
        if name in modules:
            return Source(name, modules[name].read_text(encoding="utf-8"), modules[name])
        advice = suggest(name, modules, what="the library has") + '\nfor a file of your own write `use "blocks.net"`'
        span = use.module[0].span.to(use.module[-1].span)
        problems.add(CannotUse(span=span, target=f"`{name}`", reason="there is no such library", advice=advice))
        return None

    def _relative(self, use: tree.Use, path: tree.String, source: Source, problems: Problems) -> Source | None:
        written = path.value
        if written in self.given:
            return Source(written, self.given[written])
        target = Path(os.path.normpath(source.folder / written))
        try:
            found = Source(str(target), target.read_text(encoding="utf-8-sig"), target)
        except FileNotFoundError:
            folder = target.parent
            near = [p.name for p in folder.glob("*.net")] if folder.is_dir() else []
            advice = suggest(Path(written).name, near, what="files there", limit=12) or f"looked in {folder}"
            problems.add(
                CannotUse(span=path.span, target=f'"{written}"', reason="there is no such file", advice=advice)
            )
            return None
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
            advice = "check the name"
            problems.add(CannotUse(span=path.span, target=f'"{written}"', reason=reason, advice=advice))
            return None
        self.texts[written] = found.text
        return found
