"""`netspec fmt`"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netspec.cli.files import write_text
from netspec.cli.options import json_option
from netspec.cli.output import print_json, print_problems
from netspec.compiler.syntax.formatter import format_source
from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.spec.compilation import read_source


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--check", "only_check", is_flag=True, help="Only check; the exit status is 1 if a file is not formatted."
)
@json_option
def command(files: tuple[str, ...], only_check: bool, as_json: bool) -> int:
    """Format spec FILES in place; `-` reads standard input and writes standard output.

    A file with a syntax error is left unchanged.

    \b
    Example:
        netspec fmt specs/digits.net
        netspec fmt --check specs/*.net
    """
    status = 0
    for file in files:
        try:
            source = Source("<stdin>", sys.stdin.read()) if file == "-" else read_source(Path(file))
            text = format_source(source)
        except CompileError as error:
            print_problems(error.diagnostics)
            status = 1
            continue
        raw = source.text if file == "-" else Path(file).read_bytes().decode("utf-8")
        is_changed = text != raw
        if file == "-" and not only_check:
            click.echo(text, nl=False)
        elif is_changed and only_check:
            status = 1
        elif is_changed:
            write_text(Path(file), text)
        if as_json:
            print_json({"file": file, "changed": is_changed})
        elif is_changed and file != "-":
            click.echo(f"{file}: {'would be formatted' if only_check else 'formatted'}")
    return status
