"""Predictions as a table in CSV, as competitions and spreadsheets take them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.rows import identities
from netspec.data.transforms.encoders import WindowEncoder
from netspec.runs.predictions.intervals import ENDS

if TYPE_CHECKING:
    from netspec.runs.predictions.predictions import Predictions


def predictions_csv(
    predictions: Predictions,
    *,
    id_column: str | None,
    label: str | None,
    probabilities: bool,
) -> str:
    """A row for each example: its name, and its prediction; beside numbers the ends of their intervals.

    Args:
        predictions: the predictions.
        id_column: the column with the names of the examples (see `identities`).
        label: the name of the column of the only output; None: as in the data of the run.
        probabilities: a column for each class with its probability, two for yes/no, instead of one for the most
            probable class; for yes/no with a `label` only the probability of yes, under that name.
    """
    if rows_of_times := predictions.forecast_rows():
        return _times_csv(predictions, rows_of_times)
    model = predictions.model
    preprocessing = model.preprocessing or Preprocessing()
    names = [example["input"] for example in predictions.examples]
    ids = predictions.identities or identities(names, predictions.table, preprocessing, id_column)
    rows = prediction_cells(predictions, label=label, probabilities=probabilities)
    columns = list(rows[0])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([id_column or ids.column, *columns])
    writer.writerows([name, *(row[column] for column in columns)] for name, row in zip(ids.names, rows, strict=True))
    return text.getvalue()


def _times_csv(predictions: Predictions, rows: Sequence[Mapping[str, Any]]) -> str:
    """A row for each time that is forecast, with the names of the columns in the table of the training."""
    encoder = (predictions.model.preprocessing or Preprocessing()).encoder
    names = {}
    if isinstance(encoder, WindowEncoder):
        names = {"series": encoder.group or "series", "time": encoder.time or "step"}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([names.get(key, key) for key in rows[0]])
    writer.writerows([_number(cell) if isinstance(cell, float) else cell for cell in row.values()] for row in rows)
    return text.getvalue()


def prediction_cells(predictions: Predictions, *, label: str | None, probabilities: bool) -> list[dict[str, str]]:
    """The cells of each example by column; arguments as for `predictions_csv`."""
    preprocessing = predictions.model.preprocessing or Preprocessing()
    labels, names = predictions.target_columns, preprocessing.class_names
    return [_cells(example["outputs"], labels, names, label, probabilities) for example in predictions.examples]


def _cells(
    outputs: Mapping[str, Mapping[str, Any]],
    labels: Mapping[str, Sequence[str]],
    class_names: Mapping[str, Sequence[str]],
    label: str | None,
    all_classes: bool,
) -> dict[str, str]:
    """The cells of an example by column."""
    cells: dict[str, str] = {}
    for output, prediction in outputs.items():
        names = [label] if label is not None and len(outputs) == 1 else labels.get(output) or [_usual(output)]
        true = prediction.get("true")
        prefix = "" if len(outputs) == 1 else f"{output} "
        if "tags" in prediction:
            cells |= {prefix + name: _number(value) for name, value in prediction["tags"].items()}
        elif "areas" in prediction:
            cells |= {prefix + name: _number(value) for name, value in prediction["areas"].items()}
        elif "values" in prediction:
            cells |= _numbers(names, prediction["values"], prediction.get("interval"), true)
            continue
        elif "text" in prediction:
            cells[names[0]] = prediction["text"]
        elif "classes" in prediction:
            cells[names[0]] = " ".join(prediction["classes"])
        elif not all_classes:
            cells[names[0]] = prediction["class"] if "class" in prediction else prediction["answer"]
        elif "probability" in prediction:
            pair = class_names.get(output, ())
            no, yes = pair if len(pair) == 2 else ("no", "yes")
            of_yes = prediction["probability"]
            shown = {prefix + no: 1 - of_yes, prefix + yes: of_yes} if label is None else {names[0]: of_yes}
            cells |= {name: _number(value) for name, value in shown.items()}
        else:
            cells |= {prefix + name: _number(value) for name, value in prediction["probabilities"].items()}
        cells |= {} if true is None else {f"{names[0]}_true": str(true)}
    return cells


def _usual(output: str) -> str:
    return "label" if output == "output" else output


def _numbers(
    names: Sequence[str], values: Any, interval: Mapping[str, Any] | None = None, true: Any = None
) -> dict[str, str]:
    """The numbers of an output, each under its name, or under that of the output and its position; with the ends of
    their intervals and the true numbers beside them."""
    flat = _flat(values)
    if len(names) != len(flat):
        names = [f"{names[0]}_{position}" for position in range(1, len(flat) + 1)]
    beside = {end: _flat(interval[end]) for end in ENDS} if interval is not None else {}
    beside |= {"true": _flat(true)} if true is not None else {}
    cells: dict[str, str] = {}
    for place, name in enumerate(names):
        cells |= {name: _number(flat[place]), **{f"{name}_{k}": _number(each[place]) for k, each in beside.items()}}
    return cells


def _flat(values: Any) -> list[float]:
    return [number for value in values for number in _flat(value)] if isinstance(values, list) else [values]


def _number(value: float) -> str:
    return f"{value:.7g}"
