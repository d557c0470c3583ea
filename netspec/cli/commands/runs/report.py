"""`netspec report`"""

from __future__ import annotations

from pathlib import Path

import click

from netspec.cli.commands.runs.runs import folder_option
from netspec.cli.files import write_text
from netspec.cli.options import device_option, json_option
from netspec.cli.output import print_result
from netspec.display.text import line_width
from netspec.language.files.paths import is_folder
from netspec.language.text import wrap_lines
from netspec.runs.catalog import find_run
from netspec.storage.run_files import distinct_names


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN…")
@click.option("-o", "--output", metavar="PAGE", help="The file, .html; by default RUN-report.html.")
@folder_option
@device_option
@json_option
def command(names: tuple[str, ...], output: str | None, folder: str, as_json: bool) -> int:
    """Write a page about a RUN: its network, its data, its curves, its results, and how to train the same again.

    The page is one file that loads nothing from elsewhere. Several RUNs, or a folder of runs with several seeds, are
    compared.

    \b
    Example:
        netspec report runs/digits-1
        netspec report digits-1 digits-2 -o digits.html
    """
    from netspec.analysis.pages.report import check_ending, report

    runs = [find_run(name, Path(folder)) for name in names]
    path = Path(output if output is not None else f"{runs[0].resolve().name}-report.html")
    try:
        check_ending(path)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    if problem := _cannot_write(path):
        raise click.UsageError(f"cannot write {path}: {problem}")
    page = report(runs)
    write_text(path, page.html)
    names_of = ", ".join(dict.fromkeys(distinct_names(runs)))
    print_result(
        {"report": str(path), "runs": [str(run) for run in runs], "bytes": len(page.html.encode())}
        if as_json
        else wrap_lines(f"{path}: {names_of}", line_width())
    )
    return 0


def _cannot_write(path: Path) -> str:
    """Why a page cannot be written there, as far as that is known before it is made; empty otherwise."""
    if is_folder(path):
        return "it is a folder"
    return "" if is_folder(path.parent) else f"there is no folder {path.parent}"
