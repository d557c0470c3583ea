"""Predictions of a cross-validation: for each example that of the network which was not trained on it.

Input: the experiment and the trained network of each fold. Output: `OutOfFold`, and a table in CSV.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netspec.data.dataset.dataset import Dataset
from netspec.data.dataset.lazy_rows import Array
from netspec.data.predict.rows import RawInputs
from netspec.runs.evaluate_predict import BATCH, Decoder
from netspec.runs.predictions.csv_table import prediction_cells
from netspec.runs.predictions.predictions import Predictions
from netspec.spec.experiment import SpecExperiment
from netspec.spec.model import Model


@dataclass(frozen=True, repr=False)
class OutOfFold(Predictions):
    """Predictions of a cross-validation, in the order of the examples.

    `folds` has the fold of each example, by whose network it was predicted, and `index` its index among the training
    examples of the source. Examples of the test split, and with `by_time` the first ones, are in no fold. `ids` are the
    lines of rows in their table, or the indices, and `id_name` what they are of. `model` is that of the first fold.
    """

    folds: Any = None
    index: Any = None
    ids: Sequence[Any] = ()
    id_name: str = "example"


@dataclass(frozen=True)
class FoldPredictions:
    """What the network of a fold predicts for the examples of the fold."""

    fold: int
    index: Array
    predictions: Predictions
    dataset: Dataset

    @classmethod
    def of(cls, fold: int, experiment: SpecExperiment, model: Model) -> FoldPredictions:
        """Predict a block of examples at a time, as they may be read from files."""
        dataset, index = experiment.splits.dataset, experiment.splits.test_index
        assert index is not None
        parts = []
        for begin in range(0, len(index), BATCH):
            inputs = dataset.train.take(index[begin : begin + BATCH]).loaded().inputs
            parts.append(model.predictions(*(inputs[name] for name in model.inputs)))
        outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        raw = RawInputs({}, [dataset.where(int(row)) for row in index])
        return cls(fold, index, Decoder(model).predictions(raw, outputs), dataset)


def join_folds(parts: Sequence[FoldPredictions]) -> OutOfFold | None:
    """The predictions of all folds; None where networks differ in what they predict, such as vocabularies."""
    first = parts[0].predictions
    shapes = [{name: x.shape[1:] for name, x in part.predictions.outputs.items()} for part in parts]
    if any(shape != shapes[0] for shape in shapes):
        return None
    index = np.concatenate([part.index for part in parts])
    order = np.argsort(index, kind="stable")
    folds = np.concatenate([np.full(len(part.index), part.fold) for part in parts])
    examples = [example for part in parts for example in part.predictions.examples]
    outputs = {
        name: np.concatenate([part.predictions.outputs[name] for part in parts])[order] for name in first.outputs
    }
    dataset, index = parts[0].dataset, index[order]
    return OutOfFold(
        outputs,
        [examples[row] for row in order.tolist()],
        (),
        first.model,
        None,
        first.target_columns,
        folds=folds[order],
        index=index,
        ids=[row if dataset.rows is None else dataset.rows[row] for row in index.tolist()],
        id_name=dataset.noun,
    )


def out_of_fold_csv(found: OutOfFold) -> str:
    """A row for each example: its line or index, its fold, the prediction and, for classes, their probabilities."""
    rows = prediction_cells(found, label=None, probabilities=False)
    shown = next(iter(found.examples[0]["outputs"].values()))
    if any("probabilities" in one for one in found.examples[0]["outputs"].values()) or "tags" in shown:
        every = prediction_cells(found, label=None, probabilities=True)
        taken = {found.id_name, "fold", *rows[0]}
        rows = [
            row | {f"probability of {name}" if name in taken else name: cell for name, cell in more.items()}
            for row, more in zip(rows, every, strict=True)
        ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([found.id_name, "fold", *rows[0]])
    for one, fold, row in zip(found.ids, found.folds.tolist(), rows, strict=True):
        writer.writerow([one, fold, *row.values()])
    return text.getvalue()
