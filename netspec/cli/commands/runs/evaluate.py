"""`netspec eval`"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import click

from netspec.cli.options import DATA_HELP, device_option, json_option
from netspec.cli.output import print_result
from netspec.report.class_tables import table_text
from netspec.report.metric_text import metrics_text

Split = Literal["train", "val", "test"]


@click.command()
@click.argument("run")
@click.option(
    "--split", type=click.Choice(get_args(Split)), default="test", show_default=True, help="The split to use."
)
@click.option("--data", metavar="SOURCE", help=f"Another data source: {DATA_HELP}")
@device_option
@json_option
def command(run: str, split: Split, data: str | None, as_json: bool) -> int:
    """Evaluate the best weights of a RUN folder: the loss and every metric on a split of its data.

    \b
    Example:
        netspec eval runs/digits-1
        netspec eval runs/digits-1 --split train --json
    """
    from netspec.api import evaluate
    from netspec.spec.saved import read_preprocessing

    metrics = evaluate(run, data, split=split)
    print_result({"metrics": metrics} if as_json else metrics_text(metrics))
    for name, value in metrics.items():
        if isinstance(value, list) and not as_json:
            click.echo(table_text(name, value, read_preprocessing(Path(run)).class_names))
    return 0
