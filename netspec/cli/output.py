"""How commands write: diagnostics in text or JSON, color only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from netspec.display import problems as text_problems
from netspec.display.text import line_width
from netspec.language.diagnostics import Diagnostic, json_line, to_json_line
from netspec.language.text import wrap_lines

_as_json = False


def use_json(on: bool) -> bool:
    """Whether diagnostics that leave a command by an exception are written as JSON too."""
    global _as_json
    _as_json = on
    return on


def is_json() -> bool:
    """Whether the command prints JSON."""
    return _as_json


def print_problems(problems: Iterable[Diagnostic]) -> None:
    """Diagnostics as text on the error stream, or as JSON lines on the output after `--json`."""
    if not _as_json:
        text_problems.print_problems(problems)
        return
    for diagnostic in problems:
        click.echo(to_json_line(diagnostic))


def print_once(*groups: Iterable[Diagnostic], except_: Iterable[Diagnostic] = ()) -> None:
    """The diagnostics of several stages, each once: the data may report again what the spec did. `except_`: those that
    are printed already."""
    found = {(d.code, d.message): d for group in groups for d in group}
    printed = {(d.code, d.message) for d in except_}
    print_problems(d for key, d in found.items() if key not in printed)


def print_json(value: Any) -> None:
    """One JSON object on one line, at once."""
    click.echo(json_line(value))
    sys.stdout.flush()


def print_report(report: object, record: Mapping[str, Any], as_json: bool) -> None:
    """What a command has done: the text of a report, its lines wrapped, or a record as JSON."""
    lines = str(report).splitlines()
    print_result(record if as_json else "\n".join(wrap_lines(line, line_width()) for line in lines))


@contextmanager
def usage_errors(if_exists: str) -> Iterator[None]:
    """What the Python API raises for arguments, as errors of the command; `if_exists` says what to do about a file that
    exists."""
    try:
        yield
    except FileExistsError as error:
        raise click.ClickException(f"{error}\n{if_exists}") from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def print_result(result: str | Mapping[str, Any]) -> None:
    """The result of a command: a text as it is, a record as JSON."""
    if isinstance(result, str):
        click.echo(result)
    else:
        print_json(result)
