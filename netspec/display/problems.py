"""Diagnostics where people see them: on the error stream, or as displays of a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from netspec.display.kernel import notebook_display
from netspec.display.text import line_width, wants_color
from netspec.language.diagnostics import Diagnostic, Diagnostics, render


def print_problems(problems: Iterable[Diagnostic]) -> None:
    """Diagnostics as text on the error stream, in a notebook below the cell."""
    shown = Diagnostics(problems)
    if shown and (display := notebook_display()) is not None:
        display.display(shown)
        return
    for diagnostic in shown:
        text = render(diagnostic, color=wants_color(sys.stderr), width=line_width())
        click.echo(text + "\n", err=True, color=True)


def each_once(*groups: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics of several stages, each once: the data may report again what the spec did."""
    return list({(d.code, d.message): d for group in groups for d in group}.values())
