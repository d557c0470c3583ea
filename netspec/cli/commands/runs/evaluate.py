"""`netspec eval`"""

from __future__ import annotations

from typing import Literal, get_args

import click

from netspec.cli.options import DATA_HELP, device_option, json_option
from netspec.cli.output import print_json, print_problems
from netspec.display.class_tables import table_text
from netspec.display.metric_text import metric_parts
from netspec.display.text import line_width, plural, wrapped
from netspec.storage.run_files import path_of_run

Split = Literal["train", "val", "test"]


@click.command()
@click.argument("run")
@click.option(
    "--split", type=click.Choice(get_args(Split)), default="test", show_default=True, help="The split to use."
)
@click.option(
    "--data",
    metavar="SOURCE",
    help=f"Other labeled data: a file or folder, read as the training data were, or a source: {DATA_HELP}",
)
@device_option
@json_option
def command(run: str, split: Split, data: str | None, as_json: bool) -> int:
    """Evaluate the best weights of a RUN folder: the loss and every metric on a split of its data, or on other data,
    which are evaluated whole unless they have a test split of their own. Behind the metrics of forecasts are those of
    forecasts without a network, such as the last value.

    \b
    Example:
        netspec eval runs/digits-1
        netspec eval runs/digits-1 --split train --json
        netspec eval runs/wine-1 --data new_wines.csv
    """
    from netspec.runs.evaluate_predict import evaluate_model
    from netspec.spec.saved import read_preprocessing

    path = path_of_run(run)
    found = evaluate_model(path, data, split)
    print_problems(found.warnings)
    if as_json:
        baselines = {"baselines": found.baselines} if found.baselines else {}
        print_json({"metrics": found.metrics, "split": split, "examples": found.examples, **baselines})
        return 0
    click.echo(f"{plural(found.examples, 'example')} of {found.what}")
    click.echo("\n".join(wrapped(metric_parts(found.metrics, found.baselines), line_width(), indent="")))
    for name, value in found.metrics.items():
        if isinstance(value, list):
            click.echo(table_text(name, value, read_preprocessing(path).class_names))
    return 0
