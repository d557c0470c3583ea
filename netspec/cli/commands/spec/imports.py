"""`netspec import`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.options import json_option
from netspec.cli.output import print_problems, print_report, usage_errors
from netspec.interchange.formats import READERS, find_reader

if TYPE_CHECKING:
    from netspec.interchange.imports import Imported


IF_EXISTS = "--force overwrites it"


class _Command(click.Command):
    """A command whose help ends with the formats."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Formats"):
            formatter.write_dl([(f"{name} ({', '.join(f.readable)})", f.reads) for name, f in READERS.items()])


@click.command(cls=_Command)
@click.argument("file", metavar="FILE")
@click.argument("weights_file", metavar="[WEIGHTS]", required=False)
@click.option("-o", "--output", metavar="SPEC", help="The spec to write; - prints it (default: FILE's name, .net).")
@click.option("--weights", is_flag=True, help="Write the weights too, beside the spec, which then starts from them.")
@click.option("--from", "name", type=click.Choice(list(READERS)), help="The format (default: by the ending).")
@click.option("--input", metavar="SHAPE", help="The shape of the input, where FILE does not say it (MXNet).")
@click.option("--data", metavar="TABLE", help="The table, where FILE names only its columns (Ludwig).")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@json_option
def command(
    file: str,
    weights_file: str | None,
    output: str | None,
    weights: bool,
    name: str | None,
    input: str | None,
    data: str | None,
    force: bool,
    as_json: bool,
) -> int:
    """Read the network of another program as a spec, with its weights. WEIGHTS is a second file, where the format keeps
    them apart (`net.weights` of Darknet, a `.caffemodel`).

    What it computes is verified with that program, where it is installed, before anything is written.

    \b
    Example:
        netspec import model.onnx -o net.net
        netspec import model.keras --weights
        netspec import yolo.cfg yolo.weights --weights
        netspec import net-symbol.json net-0000.params --input 224x224x3 --weights
    """
    from netspec.interchange.imports import check_target, imported_from, written

    if output == "-" and weights:
        raise click.UsageError("`-o -` prints the spec alone: name a file to write its weights beside it")
    found = find_reader(file, name)
    path = Path(output) if output is not None else None
    more = {"input": input, "data": None if data is None else Path(data)}
    with usage_errors(IF_EXISTS):
        if path is not None and output != "-":
            check_target(path, has_weights=weights, force=force)
        foreign = found.read(file, None if weights_file is None else Path(weights_file), **more)
    imported = imported_from(foreign, found.title)
    print_problems(() if as_json else imported.warnings)
    if output == "-":
        click.echo(imported.text, nl=False)
        return 0
    path = path if path is not None else Path(f"{foreign.sketch.name}.net")
    with usage_errors(IF_EXISTS):
        done = written(imported, path, has_weights=weights, force=force)
    print_report(done, _as_json(done), as_json)
    return 0


def _as_json(done: Imported) -> dict[str, Any]:
    found = done.verification
    return {
        "files": [str(file) for file in done.files],
        "format": done.format,
        "parameters": done.model.cost.trainable + done.model.cost.frozen,
        "has_weights": done.has_weights,
        "verified_with": None if found is None else done.tool,
        "difference": None if found is None else found.difference,
        "warnings": [warning.as_json() for warning in done.warnings],
    }
