"""`netspec predict`"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from netspec.cli.files import write_bytes, write_text
from netspec.cli.options import device_option, json_option
from netspec.cli.output import print_json, print_problems
from netspec.cli.render.picture import FORMATS, picture_format
from netspec.cli.render.prediction_images import picture_of
from netspec.cli.render.prediction_masks import write_masks
from netspec.cli.render.predictions import prediction_lines
from netspec.display.text import line_width, plural
from netspec.language.files.paths import exists
from netspec.runs.predictions.csv_table import predictions_csv
from netspec.spec.trained_data import SPLITS
from netspec.storage.run_files import path_of_run


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("run")
@click.argument("inputs", nargs=-1)
@click.option(
    "--split",
    type=click.Choice([*SPLITS]),
    help="Instead of INPUTS: predict the examples of a split of the run's own data, with their true targets.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE|FOLDER",
    help="Write a CSV table with an id and a prediction per example; of images, a .png, .svg or .pdf picture; of masks "
    "a folder with a PNG of class ids per image, and one of its colors over the image.",
)
@click.option("--all", "every", is_flag=True, help="Print every prediction, not a summary of more than 20.")
@click.option(
    "--id",
    "id_column",
    metavar="NAME",
    help="With -o: the name of the first column, read from the table or numbered from 1.",
)
@click.option("--label", metavar="NAME", help="With -o: the column of the predictions (default: as in the data).")
@click.option(
    "--probabilities",
    is_flag=True,
    help="With -o: a column with the probability of every class (two for yes/no), instead of the predicted class.",
)
@click.option(
    "--interval",
    "level",
    metavar="LEVEL",
    help="Of numbers: intervals that contain a target with this probability, such as 90%.",
)
@click.option("--every-window", is_flag=True, help="Of series: forecast from every window, not from the last of each.")
@click.option(
    "--beams",
    type=click.IntRange(1, 1000),
    default=1,
    help="Of networks trained with ctc: search for the most probable text with this many beginnings (default: 1, the "
    "most probable character at each step).",
)
@click.option("--force", is_flag=True, help="With -o: overwrite an existing file.")
@device_option
@json_option
def command(
    run: str,
    inputs: tuple[str, ...],
    split: str | None,
    output: str | None,
    every: bool,
    id_column: str | None,
    label: str | None,
    probabilities: bool,
    level: str | None,
    every_window: bool,
    beams: int,
    force: bool,
    as_json: bool,
) -> int:
    """Predict with the best weights of a RUN folder. INPUTS are tables (.csv or .parquet, one example per row), .npy
    files, images or folders of images, rows such as 5.1,3.5,1.4,0.2, or text. They are encoded and normalized as in
    training; classes are printed by name.

    A network that was trained on windows over series forecasts from the last rows of each series in a table; the
    predictions have their times.

    With --split test (or val, train) the examples that the run itself held out are predicted, with the true targets
    beside them: with -o in the column NAME_true, with --json as `true`.

    Of more than 20 predictions a summary is printed: how often each class is predicted, or the mean and the range of
    the values.

    Numbers are predicted with their intervals where the run has them: trained with the loss `quantile`, `gaussian` or
    `poisson`, or with `interval = conformal(90%)`; with -o in the columns NAME_low and NAME_high. Another level is
    given with --interval.

    With -o the predictions are written as a table, in the format of Kaggle competitions: a column of ids (the column of
    the input table whose name ends in `id`, the file names, or 1, 2, 3, …) and a column of predictions. Where the
    network gives images, -o with a name that ends in .png, .svg or .pdf writes them as a picture. Where it gives masks,
    -o FOLDER writes for each image NAME.png, whose pixels are class ids, and NAME_overlay.png.

    \b
    Example:
        netspec predict runs/iris-1 5.1,3.5,1.4,0.2
        netspec predict runs/iris-1 --split test -o test.csv
        netspec predict runs/mnist_cnn-1 digit.png --json
        netspec predict runs/digits-1 test.csv -o submission.csv --id ImageId --label Label
        netspec predict runs/diabetes_intervals-1 patients.csv --interval 90% -o predictions.csv
        netspec predict runs/faces-1 left.png,right.png
        netspec predict runs/denoise-1 noisy.png -o clean.png
        netspec predict runs/unet_shapes-1 photos -o masks/
    """
    for text in inputs:
        if text.startswith("--"):  # rows such as -1,2 begin with a minus sign, so unknown options arrive here
            raise click.NoSuchOption(text)
    if bool(inputs) == (split is not None):
        raise click.UsageError("give INPUTS, or --split test for the examples that the run held out")
    _check_options(output, as_json, force, {"--id": id_column, "--label": label, "--probabilities": probabilities})
    from netspec.runs.evaluate_predict import predict_examples
    from netspec.runs.labeled_data import trained_on_these
    from netspec.runs.predictions.intervals import parsed_level
    from netspec.runs.predictions.of_split import predict_split

    wanted = None if level is None else parsed_level(level)
    path_of = path_of_run(run)
    options: dict[str, Any] = {"level": wanted, "beams": beams}
    if split is not None:
        predictions = predict_split(path_of, split, **options)
    else:
        predictions = predict_examples(path_of, inputs, every_window=every_window, **options)
    print_problems([*predictions.warnings, *trained_on_these(path_of, inputs, predictions)])
    if output is not None:
        path = Path(output)
        first = predictions.examples[0]["outputs"].values()
        if probabilities and not any("probabilities" in one or "tags" in one for one in first):
            raise click.UsageError("--probabilities is for classes, and this network predicts none")
        if path.suffix.lower() == ".csv":
            table = predictions_csv(predictions, id_column=id_column, label=label, probabilities=probabilities)
            write_text(path, table)
            click.echo(f"{plural(len(predictions), 'prediction')} {_are(len(predictions))} in {output}")
        elif not path.suffix:
            click.echo(f"{output}: {write_masks(predictions, path, force=force)}")
        else:
            content, shown = picture_of(predictions, picture_format(path))
            write_bytes(path, content)
            click.echo(f"{output}: {shown}")
    elif as_json:
        for example in predictions.examples:
            print_json({**example, "outputs": {name: _plain(one) for name, one in example["outputs"].items()}})
    else:
        for line in prediction_lines(predictions, line_width(), every=every):
            click.echo(line)
    return 0


def _plain(output: Mapping[str, Any]) -> Mapping[str, Any]:
    """An output of an example for JSON."""
    return {**output, "mask": output["mask"].tolist()} if "mask" in output else output


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _check_options(output: str | None, as_json: bool, force: bool, only_with_output: Mapping[str, object]) -> None:
    """Raises click.UsageError for options that exclude each other, or a file that would be overwritten."""
    if output is None:
        for name in [name for name, value in only_with_output.items() if value]:
            raise click.UsageError(f"{name} requires -o FILE, the table to write")
        return
    if as_json:
        raise click.UsageError("give --json or -o, not both")
    suffix = Path(output).suffix.lower()
    if suffix and suffix != ".csv" and suffix[1:] not in FORMATS:
        raise click.UsageError(f"-o takes a name that ends in .csv, or in .png, .svg or .pdf, not `{output}`")
    if suffix != ".csv" and any(only_with_output.values()):
        name = next(name for name, value in only_with_output.items() if value)
        raise click.UsageError(f"{name} is for tables, and {output} is {'a picture' if suffix else 'a folder'}")
    if suffix and exists(Path(output)) and not force:
        raise click.UsageError(f"{output} already exists; --force overwrites it")
