"""`netspec predict`"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from netspec.cli.commands.training.train import choose_device, device_option
from netspec.cli.files import write_text
from netspec.cli.options import json_option
from netspec.cli.output import print_json, print_problems
from netspec.cli.render.predictions_csv import predictions_csv


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("run")
@click.argument("inputs", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", help="Write a table in CSV: what each example is called, the answer.")
@click.option(
    "--id", "id_column", metavar="NAME", help="With -o: the first column, taken from the table or counted from 1."
)
@click.option("--label", metavar="NAME", help="With -o: the column of the answer; by default that of the data.")
@click.option("--probabilities", is_flag=True, help="With -o: a column for each class, not only the most probable one.")
@click.option("--force", is_flag=True, help="With -o: write over a file that is there.")
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
    device: str | None,
    as_json: bool,
) -> int:
    """Predict with the best weights of a RUN folder for INPUTS: tables (.csv, .parquet; an example a row), .npy files,
    images or folders of them, rows such as 5.1,3.5,1.4,0.2, or text. Inputs are coded and normalised as in training;
    classes come with their names.

    With -o the answers become a table, as competitions want it: a column with what the examples are called (the column
    of the table whose name ends in `id`, the names of files, or 1, 2, 3, …), and one with the answers.

    \b
    Example:
        netspec predict runs/iris-1 5.1,3.5,1.4,0.2
        netspec predict runs/mnist_cnn-1 digit.png --json
        netspec predict runs/digits-1 test.csv -o submission.csv --id ImageId --label Label
    """
    for text in inputs:
        if text.startswith("--"):  # rows such as -1,2 begin with a minus sign, so that unknown options come here
            raise click.NoSuchOption(text)
    _check_options(output, as_json, force, {"--id": id_column, "--label": label, "--probabilities": probabilities})
    choose_device(device)
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
    """Raises click.UsageError for options that do not go together, or a file that would be written over."""
    if output is None:
        for name in [name for name, value in only_with_output.items() if value]:
            raise click.UsageError(f"{name} goes with -o FILE, the table that is written")
        return
    if as_json:
        raise click.UsageError("give --json or -o, not both")
    if Path(output).suffix.lower() != ".csv":
        raise click.UsageError(f"-o takes a name that ends in .csv, not `{output}`")
    if Path(output).exists() and not force:
        raise click.UsageError(f"{output} is there already; --force writes over it")


def _text(name: str, answer: dict[str, Any]) -> str:
    prefix = "" if name == "output" else f"{name} "
    if "classes" in answer:
        return prefix + " ".join(answer["classes"])
    if "class" in answer:
        ranked = sorted(answer["probabilities"].items(), key=lambda item: -item[1])[:3]
        return prefix + f"{answer['class']} (" + ", ".join(f"{n} {100 * p:.1f}%" for n, p in ranked) + ")"
    if "probability" in answer:
        return prefix + f"{answer['answer']} ({answer['yes']} {100 * answer['probability']:.1f}%)"
    return prefix + _numbers(answer["values"])


def _numbers(values: Any) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_numbers(v) for v in values) + "]"
    return f"{values:.6g}"
