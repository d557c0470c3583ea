"""`netspec diff`"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import click

from netspec.cli.options import SpecOptions, json_option, spec_options
from netspec.cli.output import print_json
from netspec.display.text import line_width, wants_color
from netspec.language.files.paths import is_folder
from netspec.language.text import cells, wrap
from netspec.runs.diff import Change, Difference, compare
from netspec.spec.canonical import Meaning, meaning_of
from netspec.storage.run_files import path_of_run

SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": "="}
COLORS = {"added": "green", "removed": "red", "changed": "yellow", "renamed": "cyan"}
HEADINGS = {
    "input": "inputs", "layer": "layers", "output": "outputs", "data": "data", "train": "train",
    "expect": "expectations",
}  # fmt: skip
TOTALS = {"parameters": "parameters", "frozen": "frozen", "state": "state", "macs": "multiply-adds"}


@click.command()
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@spec_options
@json_option
def command(old: str, new: str, given: SpecOptions, as_json: bool) -> int:
    """Show the differences between two networks; A and B are spec files or run folders.

    Only the meaning is compared: layers, their options and connections, settings, data; not formatting, comments or
    names of params. `-D`, `--input` and `--data` apply to spec files, not to runs. The exit status is 0 if both mean
    the same and 1 otherwise.

    \b
    Example:
        netspec diff old.net new.net
        netspec diff runs/digits-1 specs/digits.net
        netspec diff runs/digits-1 runs/digits-2 --json
    """
    before, after = (
        _of_run(path) if is_folder(path := path_of_run(name)) else meaning_of(given.compilation(name))
        for name in (old, new)
    )
    difference = compare(before, after)
    if as_json:
        print_json(difference.as_json())
    else:
        click.echo("\n".join(difference_lines(difference, old, new, line_width())), color=wants_color(sys.stdout))
    return 0 if difference.is_empty else 1


def _of_run(path: Path) -> Meaning:
    from netspec.runs.catalog import meaning_of_run  # imports JAX, which no spec needs to be compared

    return meaning_of_run(path)


@dataclass(frozen=True)
class _Row:
    """A line of a section."""

    kind: str
    name: str
    text: str
    place: str = ""


def difference_lines(found: Difference, old: str, new: str, room: int = 80) -> Iterator[str]:
    """The changes by section with colors, and the counts that differ, in lines of at most `room` columns."""
    if found.is_empty:
        same = f"mean the same: {_count(found.new.totals['parameters'])} parameters, {found.new.hash}"
        yield from wrap(f"{old} and {new} {same}", room)
        return
    yield from (click.style(line, bold=True) for line in wrap(f"{old} → {new}", room, "  "))
    sections = [(section, _rows(list(changes))) for section, changes in groupby(found.changes, lambda c: c.section)]
    rows = [row for _, lines in sections for row in lines]
    names = [*(row.name for row in rows), *found.params, *(TOTALS[name] for name in found.totals)]
    width = min(max(16, room // 3), max(map(len, names)))
    texts = max((len(row.text) for row in rows if row.place), default=0)
    for section, lines in sections:
        yield f"\n{click.style(HEADINGS[section], bold=True)}"
        for row in lines:
            yield from _row_lines(row, width, min(texts, 48), room)
    if found.params:
        yield f"\n{click.style('params', bold=True)} (changes that they cause are above)"
        for name, (before, after) in found.params.items():
            yield from wrap(f"    {name:<{width}}  {before} → {after}", room, " " * 6)
    if found.totals:
        yield ""
        yield from _total_lines(found, width, room)


def _row_lines(row: _Row, width: int, texts: int, room: int) -> Iterator[str]:
    """The lines of a change: its text begins beside the name where there is room for it, and the place follows it."""
    name = click.style(f"{SIGNS[row.kind]} {row.name:<{width if row.text or row.place else 0}}", fg=COLORS[row.kind])
    left = max(width, cells(row.name)) + 6
    text = f"{row.text:<{texts}}  {row.place}" if row.place else row.text
    if left + cells(text) <= room:
        place = click.style(row.place, dim=True)
        yield f"  {name}  {row.text:<{texts}}  {place}" if row.place else f"  {name}  {row.text}".rstrip()
        return
    indent = " " * (width + 6)
    if left > width + 6 or max(map(cells, row.text.split()), default=0) > room - len(indent):
        indent = " " * 6
    lines = [line[len(indent) :] for line in wrap(indent + row.text, room, indent)]
    if len(indent) > 6:
        yield f"  {name}  {lines.pop(0)}"
    else:
        yield f"  {name}".rstrip()
    yield from (f"{indent}{line}" for line in lines)
    if row.place:
        yield indent + click.style(row.place, dim=True)


def _rows(changes: list[Change]) -> list[_Row]:
    """The lines of a section; the same change of more than two layers is one line, in place of the first of them."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.kind, _text(change) if change.section == "layer" else change.name), []).append(change)
    alike = {id(change): group for group in groups.values() if len(group) > 2 for change in group}
    rows = []
    for change in changes:
        group = alike.get(id(change))
        if group is None:
            text = change.text if change.kind == "renamed" else _text(change)
            rows.append(_Row(change.kind, change.name, text, change.place))
        elif group[0] is change:
            rows.append(_group_row(group))
    return rows


def _text(change: Change) -> str:
    """The text after the name of a change; the same for changes that may share a line."""
    if change.kind == "renamed":
        return ""
    return change.after or change.before or "" if change.kind in ("added", "removed") else change.text


def _group_row(group: list[Change]) -> _Row:
    first, count = group[0], len(group)
    if first.kind == "renamed":
        return _Row("renamed", f"{count} layers", f"under other names: {first.was} is {first.name} now, …")
    return _Row(first.kind, _pattern([change.name for change in group]), f"{_text(first)}, {count} times")


def _pattern(names: list[str]) -> str:
    """`stage2/block*/conv`: the names with `*` where their numbers differ; the first and … where more does."""
    parts = [re.split(r"(\d+)", name) for name in names]
    if len({len(p) for p in parts}) == 1 and len({tuple(p[::2]) for p in parts}) == 1:
        return "".join(column[0] if len(set(column)) == 1 else "*" for column in zip(*parts, strict=True))
    return f"{names[0]}, …"


def _count(number: int | str) -> str:
    """A number with separators, or a formula."""
    return f"{number:,}" if isinstance(number, int) else number


def _total_lines(found: Difference, width: int, room: int) -> Iterator[str]:
    lines = []
    for name, (before, after) in found.totals.items():
        change = ""
        if isinstance(before, int) and isinstance(after, int):
            share = f", {100 * (after - before) / before:+.1f}%" if before else ""
            change = f"({after - before:+,}{share})"
        lines.append((TOTALS[name], _count(before), _count(after), change))
    widths = [max(len(line[i]) for line in lines) for i in (1, 2)]
    for name, before, after, change in lines:
        yield from wrap(f"    {name:<{width}}  {before:>{widths[0]}} → {after:>{widths[1]}}  {change}", room, " " * 6)
