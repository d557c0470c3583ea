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
from netspec.language.files.paths import is_folder
from netspec.report.text import wants_color
from netspec.runs.catalog import meaning_of_run
from netspec.runs.diff import Change, Difference, compare
from netspec.spec.canonical import meaning_of

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
        meaning_of_run(Path(name)) if is_folder(Path(name)) else meaning_of(given.compilation(name))
        for name in (old, new)
    )
    difference = compare(before, after)
    if as_json:
        print_json(difference.as_json())
    else:
        click.echo("\n".join(difference_lines(difference, old, new)), color=wants_color(sys.stdout))
    return 0 if difference.is_empty else 1


@dataclass(frozen=True)
class _Row:
    """A line of a section."""

    kind: str
    name: str
    text: str
    place: str = ""


def difference_lines(found: Difference, old: str, new: str) -> Iterator[str]:
    """The changes by section with colors, and the counts that differ."""
    if found.is_empty:
        yield f"{old} and {new} mean the same: {_count(found.new.totals['parameters'])} parameters, {found.new.hash}"
        return
    yield f"{click.style(old, bold=True)} → {click.style(new, bold=True)}"
    sections = [(section, _rows(list(changes))) for section, changes in groupby(found.changes, lambda c: c.section)]
    rows = [row for _, lines in sections for row in lines]
    names = [*(row.name for row in rows), *found.params, *(TOTALS[name] for name in found.totals)]
    width = min(40, max(map(len, names)))
    texts = max((len(row.text) for row in rows if row.place), default=0)
    for section, lines in sections:
        yield f"\n{click.style(HEADINGS[section], bold=True)}"
        for row in lines:
            text = f"{row.text:<{min(texts, 48)}}  {click.style(row.place, dim=True)}" if row.place else row.text
            name = f"{row.name:<{width}}" if text else row.name
            sign = click.style(f"{SIGNS[row.kind]} {name}", fg=COLORS[row.kind])
            yield f"  {sign}  {text}".rstrip()
    if found.params:
        yield f"\n{click.style('params', bold=True)} (changes that they cause are above)"
        for name, (before, after) in found.params.items():
            yield f"    {name:<{width}}  {before} → {after}"
    if found.totals:
        yield ""
        yield from _total_lines(found, width)


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


def _total_lines(found: Difference, width: int) -> Iterator[str]:
    lines = []
    for name, (before, after) in found.totals.items():
        change = ""
        if isinstance(before, int) and isinstance(after, int):
            share = f", {100 * (after - before) / before:+.1f}%" if before else ""
            change = f"({after - before:+,}{share})"
        lines.append((TOTALS[name], _count(before), _count(after), change))
    widths = [max(len(line[i]) for line in lines) for i in (1, 2)]
    for name, before, after, change in lines:
        yield f"    {name:<{width}}  {before:>{widths[0]}} → {after:>{widths[1]}}  {change}"
