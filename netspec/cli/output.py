"""How commands write: diagnostics in text or JSON, color only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from netspec.language.diagnostics import Diagnostic, render, to_json_line


def wants_color(stream: Any) -> bool:
    """Color goes to terminals only, and not where NO_COLOR is set (no-color.org)."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR")


_as_json = False


def use_json(on: bool) -> bool:
    """Whether diagnostics that leave a command by an exception are written as JSON too."""
    global _as_json
    _as_json = on
    return on


def print_problems(problems: Iterable[Diagnostic]) -> None:
    """Diagnostics as text on the error stream, or as JSON lines on the output after `--json`."""
    for diagnostic in problems:
        if _as_json:
            click.echo(to_json_line(diagnostic))
        else:
            click.echo(render(diagnostic, color=wants_color(sys.stderr)) + "\n", err=True, color=True)


def print_once(*groups: Iterable[Diagnostic], except_: Iterable[Diagnostic] = ()) -> None:
    """The diagnostics of several stages, each once: the data may report again what the spec did. `except_`: those that
    are printed already."""
    found = {(d.code, d.message): d for group in groups for d in group}
    printed = {(d.code, d.message) for d in except_}
    print_problems(d for key, d in found.items() if key not in printed)


def print_json(value: Any) -> None:
    """One JSON object on one line, at once."""
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))
    sys.stdout.flush()


def print_result(result: str | Mapping[str, Any]) -> None:
    """The result of a command: a text as it is, a record as JSON."""
    if isinstance(result, str):
        click.echo(result)
    else:
        print_json(result)


def plural(count: int, noun: str) -> str:
    """`1 epoch`, `2 epochs`"""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def table_lines(rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Rows in columns, the first row underlined; the first `left` columns are aligned left, others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    align = [str.ljust] * left + [str.rjust] * (len(widths) - left)
    lines = ["  ".join(put(cell, n) for put, cell, n in zip(align, row, widths, strict=True)) for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
