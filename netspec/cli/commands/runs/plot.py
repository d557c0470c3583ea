"""`netspec plot`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from netspec.cli.commands.runs.runs import folder_option
from netspec.cli.files import write_bytes
from netspec.cli.options import json_option
from netspec.cli.output import print_result
from netspec.cli.render.picture import vector_format
from netspec.cli.render.run_curves import curves_text
from netspec.display.charts.history import RunHistory, history_csv, history_svg
from netspec.display.pictures import Picture
from netspec.display.text import line_width
from netspec.language.files.paths import exists
from netspec.language.text import wrap_lines
from netspec.runs.catalog import find_run, histories


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN… [METRIC…]")
@click.option("-o", "--output", metavar="FILE", help="Write a picture (.svg, .png, .pdf, .html) or the numbers (.csv).")
@folder_option
@json_option
def command(names: tuple[str, ...], output: str | None, folder: str, as_json: bool) -> int:
    """Plot the loss and the metrics of runs over their epochs: in the terminal, or with -o as a picture or a table.

    METRICs are named without `val_` for training and validation together. In the picture training examples are
    dashed, validation examples solid, and a diamond is at the epoch of the best weights. A .csv has a row for each
    epoch, and every metric where none is named.

    \b
    Example:
        netspec plot runs/digits-1
        netspec plot digits-1 digits-2 loss accuracy -o curves.svg
        netspec plot digits-1 -o history.csv
    """
    path = Path(output) if output is not None else None
    is_table = path is not None and path.suffix.lower() == ".csv"
    form = vector_format(path) if path is not None and not is_table else None
    runs, metrics = _told_apart(names, Path(folder))
    if path is None and not as_json:
        click.echo("\n".join(curves_text(runs, metrics, line_width())))
        return 0
    content = history_csv(runs, metrics).encode() if is_table else b""
    if not is_table:
        picture = Picture(history_svg(runs, metrics))
        content = picture.content(form) if form is not None else b""
    if path is not None:
        write_bytes(path, content)
    if as_json:
        values = {run.name: {name: run.values(name) for name in metrics or run.metrics} for run in runs}
        print_result({"table" if is_table else "picture": output, "runs": values})
    else:
        print_result(wrap_lines(f"{output}: {', '.join(run.name for run in runs)}", line_width()))
    return 0


def _told_apart(names: Sequence[str], folder: Path) -> tuple[list[RunHistory], list[str]]:
    """The runs, which come first, and the names of metrics."""
    is_run = [exists(Path(name)) or exists(folder / name) for name in names]
    count = is_run.index(False) if False in is_run else len(names)
    runs = [find_run(name, folder) for name in names[: max(count, 1)]]
    return histories(runs), list(names[max(count, 1) :])
