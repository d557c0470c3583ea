"""`netspec convert`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from netspec.cli.commands.runs.export import IF_EXISTS, export_as_json, format_options
from netspec.cli.options import json_option
from netspec.cli.output import print_report, usage_errors
from netspec.interchange.formats import CODE, FORMATS, READERS, find_format, find_reader


@click.command()
@click.argument("file", metavar="FILE")
@click.argument("weights_file", metavar="[WEIGHTS]", required=False)
@click.option("-o", "--output", metavar="MODEL", required=True, help="The file to write; its ending says the format.")
@click.option("--from", "source", type=click.Choice(list(READERS)), help="The format of FILE (default: by its ending).")
@click.option("--to", "name", type=click.Choice(list(FORMATS)), help="The format to write (default: by the ending).")
@click.option("--input", metavar="SHAPE", help="The shape of the input, where FILE does not say it (MXNet).")
@format_options
@json_option
def command(
    file: str,
    weights_file: str | None,
    output: str,
    source: str | None,
    name: str | None,
    input: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Read a network of another program, with its weights, and write it in a third format: `import` and `export` in a
    row. WEIGHTS is a second file, where FILE's format keeps the weights apart.

    \b
    Example:
        netspec convert model.keras -o model.onnx
        netspec convert net.prototxt net.caffemodel -o model.py
    """
    options = {option: value for option, value in options.items() if value is not None}
    with usage_errors(IF_EXISTS):
        find_format(Path(output), name).checked(options)
        if options.get(CODE.name):
            raise ValueError(f"--{CODE.name} is for runs: nothing is known of the inputs of {file}")
        find_reader(file, source)
    from netspec.interchange.imports import convert

    with usage_errors(IF_EXISTS):
        done = convert(file, output, weights=weights_file, format=source, to=name, input=input, **options)
    print_report(done, export_as_json(done), as_json)
    return 0
