"""The spec of a trial as a text that reads as if a person had written it: the spec with other values in place.

Comments, blocks and the order of lines stay; the section `tune` is left out, since its outcome is in the file. File
names are made relative to the folder that the file is written to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.formatter import format_source
from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import Problems
from netspec.language.source import Source
from netspec.language.vocabulary import words
from netspec.search.checks import at_point
from netspec.spec.compilation import Compilation

Edit = tuple[int, int, str]
"""A part of a text, and what takes its place."""


def spec_of_trial(
    compilation: Compilation, overrides: Mapping[str, str], folder: Path, remarks: tuple[str, ...] = ()
) -> str:
    """The text of a spec with the values of a trial and those of the command line in place.

    Args:
        compilation: the spec of the search.
        overrides: what the trial sets.
        folder: where the text will be, for names of files.
        remarks: lines of a comment above it.
    """
    source = compilation.source
    file = parse_source(source, Problems())
    point = at_point(compilation, overrides)
    given = [name for name in {**compilation.overrides, **overrides} if not name.startswith("tune.")]
    params = {name: point.overrides[name] for name in given if "." not in name}
    sections = [s for s in file.statements if isinstance(s, tree.Section)]
    edits = [_whole_lines(source.text, s) for s in sections if s.name.name == "tune"]
    edits += [*_params(file, params), *_settings(file, point, given, folder)]
    edits += _files(file, source.folder, folder, edits)
    text = source.text
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    if compilation.input is not None:
        text = f"input {compilation.input}\n\n{text}"
    above = "".join(f"# {line}\n" for line in remarks)
    formatted = format_source(Source(source.name, re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"))
    return f"{above}\n{formatted}" if above else formatted


def _params(file: tree.File, params: Mapping[str, str]) -> Iterator[Edit]:
    for statement in file.statements:
        if isinstance(statement, tree.Param) and statement.name.name in params:
            span = statement.value.span
            yield span.start, span.end, params[statement.name.name]


def _settings(file: tree.File, point: Compilation, given: list[str], folder: Path) -> Iterator[Edit]:
    """The settings that differ from what is written, each on its line."""
    keys = dict.fromkeys(tuple(name.split(".")[:2]) for name in given if "." in name)
    sections = {s.name.name: s for s in file.statements if isinstance(s, tree.Section)}
    missing: dict[str, list[str]] = {}
    for name, key in keys:
        text = setting_source(point, name, key)
        if (name, key) == ("data", "source"):
            text = re.sub(r'"([^"]*)"', lambda found: f'"{_moved(found[1], point.given_from, folder)}"', text)
        entries = sections[name].entries if name in sections else ()
        entry = next((e for e in entries if isinstance(e, tree.Assign) and e.name.name == key), None)
        if entry is not None:
            yield entry.value.span.start, entry.value.span.end, text
        else:
            missing.setdefault(name, []).append(f"    {key} = {text}\n")
    for name, lines in missing.items():
        if name in sections:
            brace = sections[name].span.end - 1
            before = file.source.text[:brace].rstrip(" \t")
            yield len(before), brace, "".join(lines) if before.endswith("\n") else f"\n{''.join(lines)}"
        else:
            end = len(file.source.text)
            yield end, end, f"\n\n{name} {{\n{''.join(lines)}}}\n"


def setting_source(point: Compilation, section: str, key: str) -> str:
    """The value of a setting as it is typed."""
    option = next(o for o in words("section")[section].options() if o.name == key)
    value = getattr(point.section(section), option.field)
    written = option.kind.to_source(value)
    return re.sub(r"(?<![\w.])(0\.000\d+|[\d.]+e-\d+)(?!\w)", lambda found: _scientific(float(found[0])), written)


def _scientific(value: float) -> str:
    """`1.866e-4` for a small number."""
    digits, _, power = f"{value:.9e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"


def _whole_lines(text: str, section: tree.Section) -> Edit:
    """A section with its last line, and the comment right above it."""
    begin = text.rfind("\n", 0, section.span.start) + 1
    while (above := text[: max(begin - 1, 0)].rpartition("\n")[2]).lstrip().startswith("#"):
        begin -= len(above) + 1
    end = text.find("\n", section.span.end)
    return begin, len(text) if end < 0 else end + 1, ""


def _files(file: tree.File, home: Path, folder: Path, replaced: Sequence[Edit]) -> Iterator[Edit]:
    """Names of files that are relative to the folder of the spec, where they stay in the text."""
    nodes: list[tree.Node] = [s for s in file.statements if isinstance(s, tree.Use | tree.Section)]
    while nodes:
        node = nodes.pop()
        nodes += node.children()
        is_replaced = any(start <= node.span.start < end for start, end, _ in replaced)
        if isinstance(node, tree.String) and not is_replaced:
            yield node.span.start, node.span.end, f'"{_moved(node.value, home, folder)}"'


def _moved(name: str, home: Path, folder: Path) -> str:
    """A text that may be the name of a file, relative to another folder; with wildcards in its last part."""
    if not name or "\0" in name or Path(name).is_absolute() or home.resolve() == folder.resolve():
        return name
    place = home / name
    known = place.parent if re.search(r"[*?]", place.name) else place
    return Path(os.path.relpath(place.resolve(), folder.resolve())).as_posix() if known.exists() else name
