"""`netspec fmt`"""

from __future__ import annotations

from pathlib import Path

import click

from netspec.cli.files import read_spec, write_text
from netspec.cli.options import json_option
from netspec.cli.output import print_json, print_problems
from netspec.compiler.syntax.formatter import format_source
from netspec.language.diagnostics import CompileError


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
            source = read_spec(file)
            text = format_source(source)
        except CompileError as error:
            print_problems(error.diagnostics)
            status = 1
            continue
        raw = source.text if file == "-" else Path(file).read_bytes().decode("utf-8")
        is_changed = text != raw
        is_printed = file == "-" and not only_check
        if is_changed and only_check:
            status = 1
        elif is_changed and file != "-":
            write_text(Path(file), text)
        if as_json:
            print_json({"file": file, "changed": is_changed, **({"text": text} if is_printed else {})})
        elif is_printed:
            click.echo(text, nl=False)
        elif is_changed and file != "-":
            click.echo(f"{file}: {'would be formatted' if only_check else 'formatted'}")
    return status
