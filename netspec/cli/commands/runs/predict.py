"""`netspec predict`"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from netspec.cli.files import write_text
from netspec.cli.options import device_option, json_option
from netspec.cli.output import print_json, print_problems
from netspec.cli.render.predictions_csv import predictions_csv


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("run")
@click.argument("inputs", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", help="Write a CSV table with an id and a prediction per example.")
@click.option(
    "--id",
    "id_column",
    metavar="NAME",
    help="With -o: the name of the first column, read from the table or numbered from 1.",
)
@click.option("--label", metavar="NAME", help="With -o: the column of the predictions (default: as in the data).")
@click.option(
    "--probabilities", is_flag=True, help="With -o: the probability of every class, instead of the most probable class."
)
@click.option("--force", is_flag=True, help="With -o: overwrite an existing file.")
@device_option
@json_option
def command(
    run: str,
    inputs: tuple[str, ...],
    output: str | None,
    id_column: str | None,
    label: str | None,
    probabilities: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Predict with the best weights of a RUN folder. INPUTS are tables (.csv or .parquet, one example per row), .npy
    files, images or folders of images, rows such as 5.1,3.5,1.4,0.2, or text. They are encoded and normalized as in
    training; classes are printed by name.

    With -o the predictions are written as a table, in the format of Kaggle competitions: a column of ids (the column of
    the input table whose name ends in `id`, the file names, or 1, 2, 3, …) and a column of predictions.

    \b
    Example:
        netspec predict runs/iris-1 5.1,3.5,1.4,0.2
        netspec predict runs/mnist_cnn-1 digit.png --json
        netspec predict runs/digits-1 test.csv -o submission.csv --id ImageId --label Label
    """
    for text in inputs:
        if text.startswith("--"):  # rows such as -1,2 begin with a minus sign, so unknown options arrive here
            raise click.NoSuchOption(text)
    _check_options(output, as_json, force, {"--id": id_column, "--label": label, "--probabilities": probabilities})
    from netspec.api import predict

    predictions = predict(run, inputs)
    print_problems(predictions.warnings)
    if output is not None:
        table = predictions_csv(predictions, id_column=id_column, label=label, probabilities=probabilities)
        write_text(Path(output), table)
        click.echo(f"{len(predictions):,} predictions are in {output}")
        return 0
    for example in predictions.examples:
        if as_json:
            print_json(example)
        else:
            click.echo(f"{example['input']}: " + "; ".join(_text(n, p) for n, p in example["outputs"].items()))
    return 0


def _check_options(output: str | None, as_json: bool, force: bool, only_with_output: Mapping[str, object]) -> None:
    """Raises click.UsageError for options that exclude each other, or a file that would be overwritten."""
    if output is None:
        for name in [name for name, value in only_with_output.items() if value]:
            raise click.UsageError(f"{name} requires -o FILE, the table to write")
        return
    if as_json:
        raise click.UsageError("give --json or -o, not both")
    if Path(output).suffix.lower() != ".csv":
        raise click.UsageError(f"-o takes a name that ends in .csv, not `{output}`")
    if Path(output).exists() and not force:
        raise click.UsageError(f"{output} already exists; --force overwrites it")


def _text(name: str, prediction: dict[str, Any]) -> str:
    prefix = "" if name == "output" else f"{name} "
    if "classes" in prediction:
        return prefix + " ".join(prediction["classes"])
    if "class" in prediction:
        ranked = sorted(prediction["probabilities"].items(), key=lambda item: -item[1])[:3]
        return prefix + f"{prediction['class']} (" + ", ".join(f"{n} {100 * p:.1f}%" for n, p in ranked) + ")"
    if "probability" in prediction:
        return prefix + f"{prediction['answer']} ({prediction['yes']} {100 * prediction['probability']:.1f}%)"
    return prefix + _numbers(prediction["values"])


def _numbers(values: Any) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_numbers(v) for v in values) + "]"
    return f"{values:.6g}"
