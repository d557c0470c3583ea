"""How commands write: diagnostics in text or JSON, color only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import click

from netspec.language.diagnostics import Diagnostic, render, to_json_line


def wants_color(stream: Any) -> bool:
    """Color goes to terminals only, and not where NO_COLOR is set (no-color.org)."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR")


_as_json = False


def use_json(on: bool) -> None:
    """Whether diagnostics that leave a command by an exception are written as JSON too."""
    global _as_json
    _as_json = on


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


def count_text(errors: int, warnings: int) -> str:
    """`2 errors and 1 warning`"""
    parts = [f"{n} {word}{'s' if n != 1 else ''}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    return " and ".join(parts) or "no mistakes"
