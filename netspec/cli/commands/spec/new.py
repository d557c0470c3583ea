"""`netspec new`"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from netspec.cli.files import write_text
from netspec.cli.options import json_option
from netspec.cli.output import print_json, print_result
from netspec.display.text import line_width
from netspec.language.diagnostics import fail
from netspec.language.files.paths import exists
from netspec.language.text import wrap
from netspec.starter.draft import GOALS, Draft, Goal
from netspec.starter.errors import SpecExists
from netspec.starter.start import draft_spec


@click.command()
@click.argument("data", metavar="DATA")
@click.option("--target", metavar="COLUMN", help="The column to predict, of a table.")
@click.option("--goal", type=click.Choice(GOALS), default="accuracy", help="What matters most.", show_default=True)
@click.option(
    "-o", "--output", metavar="SPEC.NET", help="The file to write (default: named after DATA); `-` prints it."
)
@json_option
def command(data: str, target: str | None, goal: str, output: str | None, as_json: bool) -> int:
    """Look at DATA, and write a complete spec with comments, which trains as it stands.

    DATA is a table (.csv, .tsv, .parquet), a folder with a folder of images, texts or sounds for each class, a folder
    of images and masks, arrays (.npz), a text (.txt) for a language model, or the name of a data set, such as `iris`. A
    table whose rows follow each other in time gives a forecast. No file is overwritten.

    \b
    Example:
        netspec new homes.csv --target price
        netspec new homes.csv --target price --goal small -o small.net
        netspec new photos
        netspec new digits -o -
    """
    path = Path(output if output not in (None, "-") else f"{_stem(data)}.net")
    if output != "-" and exists(path):
        raise fail(SpecExists(path=str(path), other=_free_name(path)))
    draft = draft_spec(Path(data), target, cast("Goal", goal), path)
    if output == "-":
        print_result(
            {"file": None, "spec": draft.text, "findings": [*draft.findings]} if as_json else draft.text.rstrip()
        )
        return 0
    write_text(path, draft.text)
    if as_json:
        print_json({"file": str(path), "spec": draft.text, "findings": [*draft.findings]})
    else:
        click.echo("\n".join(_lines(draft, path)))
    return 0


def _lines(draft: Draft, path: Path) -> list[str]:
    """What was seen, and what comes next."""
    lines = [line for finding in draft.findings for line in wrap(f"- {finding}", line_width(), "  ")]
    return [*lines, f"wrote {path}; `netspec train {path}` trains it"]


def _stem(data: str) -> str:
    """The name of a spec for data."""
    return Path(data).resolve().stem if data not in ("", "/") else "new"


def _free_name(path: Path) -> str:
    """A name beside a file that exists."""
    number = 2
    while exists(path.with_name(f"{path.stem}_{number}{path.suffix}")):
        number += 1
    return str(path.with_name(f"{path.stem}_{number}{path.suffix}"))
