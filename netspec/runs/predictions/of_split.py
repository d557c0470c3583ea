"""The predictions for a split of the data that a run was trained on, with the true targets beside them.

Input: a run folder. Output: `Predictions`, whose outputs have what is `true` of each example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import Column, read_all
from netspec.data.errors.reading import NoSplit
from netspec.data.predict.rows import Identities, RawInputs
from netspec.data.prepare_batches import BatchSplit
from netspec.data.splits.split import Splits
from netspec.language.diagnostics import fail
from netspec.runs.evaluate_predict import BATCH, Decoder, prepared_run
from netspec.runs.predictions.predictions import Predictions
from netspec.runs.repeated.ensemble import is_folds_run, load_models
from netspec.spec.trained_data import trained_data


def predict_split(run: Path, split: str, *, level: float | None = None, beams: int = 1) -> Predictions:
    """The predictions for `train`, `val` or `test`, in the order of the split.

    Args:
        run: the folder of a run; of a cross-validation that of one of its networks.
        split: the split.
        level: as for `Decoder`.
        beams: as for `Decoder`.

    Raises:
        CompileError: there is no such run or split, or the data cannot be read.
    """
    if is_folds_run(run):
        advice = f"a cross-validation has one for each fold: predict with one of its networks, such as `{run}/fold-1`"
        raise fail(NoSplit(split=split, advice=advice))
    model, prepared = load_models(run), prepared_run(run)
    arrays = getattr(prepared.splits, split)
    if arrays is None or isinstance(arrays, BatchSplit):
        raise fail(NoSplit(split=split, advice="the data hold nothing out for it; use another `--split`"))
    raw_arrays, names = _examples(prepared.splits, split, len(arrays))
    parts = []
    for begin in range(0, len(names), BATCH):
        inputs = raw_arrays.take(np.arange(begin, min(begin + BATCH, len(names)))).loaded().inputs
        parts.append(model.predictions(*(inputs[name] for name in model.inputs)))
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    decoder = Decoder(model, level, beams)
    found = decoder.predictions(RawInputs({}, names, [*trained_data(run).changes(prepared)]), outputs)
    for name in outputs:
        key = name if name in arrays.targets else next(iter(arrays.targets))
        _add_classes(found.examples, name, arrays.targets[key], decoder.names.get(name, ()))
        if key in raw_arrays.targets:
            _add_numbers(found.examples, name, read_all(raw_arrays.targets[key]))
    return replace(found, identities=_identities(prepared.splits, split, len(names)))


def _identities(splits: Splits, split: str, count: int) -> Identities:
    """The lines of the examples in their table, or their numbers in the data."""
    dataset = splits.dataset
    index = splits.index_of(split)
    rows = dataset.rows if index is not None else dataset.test_rows
    places = range(count) if index is None else index.tolist()
    return Identities(dataset.noun, [str(place if rows is None else rows[place]) for place in places])


def _examples(splits: Splits, split: str, count: int) -> tuple[Arrays, list[str]]:
    """The examples of a split as the source has them, not normalized, and their names."""
    index = splits.index_of(split)
    names = [splits.where(row, split) for row in range(count)]
    if index is not None:
        return splits.dataset.train.take(index), names
    assert splits.dataset.test is not None
    return splits.dataset.test, names


def _add_classes(examples: Sequence[Mapping[str, Any]], output: str, targets: Column, names: Sequence[str]) -> None:
    """Add the name of the true class to what is shown of an output that predicts one; masks and sequences have none."""
    first = examples[0]["outputs"][output]
    if not {"class", "answer"} & {*first}:
        return
    known = names or [*first["probabilities"]]
    for example, target in zip(examples, np.asarray(read_all(targets)).reshape(len(examples), -1), strict=True):
        if len(target) == 1:
            example["outputs"][output]["true"] = known[int(target[0])]


def _add_numbers(examples: Sequence[Mapping[str, Any]], output: str, targets: Any) -> None:
    """Add the true numbers to what is shown of an output that predicts as many."""
    for example, target in zip(examples, targets, strict=True):
        shown = example["outputs"][output]
        if "values" in shown and np.size(target) == np.size(shown["values"]):
            shown["true"] = np.reshape(target, np.shape(shown["values"])).tolist()
