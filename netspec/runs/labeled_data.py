"""Labeled data that a run is evaluated on: read and coded as those of its training were, and evaluated whole.

Input: what a user names: a file, a source, arrays. Output: a `Dataset`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from netspec.data.checks.network import Expected, check_inputs, with_channels
from netspec.data.dataset.dataset import BLANK, Arrays, Dataset, Facts, Source, Target
from netspec.data.errors.network import InputUnlikeData
from netspec.data.errors.prediction import SourceNeeded, TrainedOnThese, UnknownLabel
from netspec.data.errors.sources import NoTarget
from netspec.data.load import read_dataset
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.python_inputs import dates_as_texts, frame_of, is_frame
from netspec.data.sources.tables.words import Csv, TableSource
from netspec.data.transforms.encoders import Encoder, RowEncoder, TextEncoder
from netspec.language.corrections import suggest
from netspec.language.diagnostics import Diagnostic, Unplaced, fail
from netspec.language.lazy import lazy
from netspec.language.vocabulary import words
from netspec.runs.repeated.ensemble import is_folds_run
from netspec.spec.checks import load_data
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import as_dataset, with_overrides
from netspec.spec.network_ends import input_shapes
from netspec.spec.trained_data import trained_data

if TYPE_CHECKING:
    import polars as pl

    from netspec.runs.predictions.predictions import Predictions
else:
    pl = lazy("polars")

FRAME = "the data frame"
"""What a data frame is called in messages."""


@dataclass(frozen=True)
class Labeled:
    """Data with a test split, which `is_whole` when it is all of them, and what is strange about them."""

    dataset: Dataset
    is_whole: bool
    warnings: Sequence[Diagnostic]


def labeled_data(spec: Compilation, data: Any, preprocessing: Preprocessing | None) -> Labeled:
    """The data to evaluate a model of a spec on, with the classes and the columns of the run; without a test split of
    their own they are all of them the test split.

    Args:
        spec: that of the run.
        data: the path of a file or folder, which is read as the source of the run says; the text of a source, such as
            `csv("new.csv", target = "kind")`; or arrays as for `netspec.train`.
        preprocessing: that of the run.

    Raises:
        CompileError: they cannot be read, or have a class that the run does not know.
        TypeError: they are of another kind.
    """
    encoder = preprocessing.encoder if preprocessing is not None else None
    warnings: Sequence[Diagnostic] = ()
    rows = _table_of(data, spec.data.source, encoder)
    if isinstance(data, str | Path):
        dataset, warnings = _read(spec, str(data), encoder)
    elif rows is not None:
        assert isinstance(spec.data.source, TableSource) and isinstance(encoder, RowEncoder)
        dataset, warnings = _read_frame(spec, rows, spec.data.source, encoder)
    else:
        found = as_dataset(data, spec)
        assert found is not None
        dataset = found
    _check_inputs(spec, dataset)
    dataset = _as_of_run(dataset, spec.facts)
    return Labeled(_whole(dataset), is_whole=dataset.test is None and "test" not in dataset.passes, warnings=warnings)


def _read(spec: Compilation, text: str, encoder: Encoder | None) -> tuple[Dataset, Sequence[Diagnostic]]:
    named = re.match(r"\s*(\w+)\s*(\(|$)", text)
    if named and (named[2] == "(" or named[1] in words("source")):
        written = with_overrides(spec, {"data.source": text}, None)
        dataset = load_data(written, encoder=encoder, is_other=True)
        assert written.data.source is not None
        return dataset, written.data.source.coded_as(encoder).warnings(written.data_folder)
    source = spec.data.source
    other = source.at(str(Path(text).absolute())) if source is not None else None
    if other is None:
        raise fail(SourceNeeded(name=text, case="arrays" if source is None else source.word))
    dataset, warnings = _read_other(spec, other, encoder)
    known = [TrainedOnThese(name=dataset.name)] if _is_trained_on(spec, Path(text)) else []
    return dataset, [*known, *warnings]


def _read_other(spec: Compilation, other: Source, encoder: Encoder | None) -> tuple[Dataset, Sequence[Diagnostic]]:
    """The examples of another source than that of the run, coded as its own were, and what is strange about them."""
    other = other.coded_as(encoder)
    try:
        return read_dataset(spec.data.replace(source=other), Path()), other.warnings(Path())
    except Unplaced as bad:
        raise fail(bad.diagnostic()) from None


def _table_of(data: Any, source: Source | None, encoder: Encoder | None) -> pl.DataFrame | None:
    """The rows of a data frame with the target columns in it, or beside it as the second of a pair, for a run that was
    trained on a table; None for other data."""
    if not isinstance(source, TableSource) or not isinstance(encoder, RowEncoder):
        return None
    if is_frame(data):
        return frame_of(data)
    if not isinstance(data, tuple | list) or len(data) != 2 or not is_frame(data[0]):
        return None
    frame, targets = frame_of(data[0]), data[1]
    if is_frame(targets):
        return frame.hstack(frame_of(targets))
    return frame.with_columns(pl.Series(source.target[0], np.asarray(targets).tolist(), strict=False))


def _read_frame(
    spec: Compilation, frame: pl.DataFrame, source: TableSource, encoder: RowEncoder
) -> tuple[Dataset, Sequence[Diagnostic]]:
    """A data frame, as if it were a file like that of the training: with all that is checked and said there. Columns
    are found by name, and texts are in UTF-8, whatever the file of the training has."""
    frame = dates_as_texts(frame, frame.columns, encoder)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FRAME
        other = source.replace(file=str(path), test=None)
        if isinstance(other, Csv):
            frame.write_csv(path, separator=other.delimiter, decimal_comma=other.decimal == ",")
            other = other.replace(header="first", names=None, encoding="utf-8")
        else:
            frame.write_parquet(path)
        return _read_other(spec, other, encoder)


def _is_trained_on(spec: Compilation, path: Path) -> bool:
    """Whether the source of a run names this file or folder, other than for its test split."""
    source = spec.data.source
    options = [] if source is None else [o.field for o in source.options() if o.name != "test"]
    names = [name for field in options if isinstance(name := getattr(source, field), str)]
    return any((spec.data_folder / name).resolve() == path.resolve() for name in names)


def trained_on_these(run: Path, inputs: Sequence[str], predictions: Predictions) -> list[Diagnostic]:
    """The warning that a file which is predicted is the one that a run was trained on. A forecast from its last rows,
    and a continued text, are of what comes after it."""
    spec, preprocessing = predictions.model.compilation, predictions.model.preprocessing
    is_text = preprocessing is not None and isinstance(preprocessing.encoder, TextEncoder)
    known = [name for name in inputs if _is_trained_on(spec, Path(name))]
    is_new = is_text or predictions.forecasts is not None or (spec.facts is not None and spec.facts.is_complete)
    if not known or is_new or is_folds_run(run):
        return []
    counts = dict(trained_data(run).counts)
    if spec.facts is not None and spec.facts.has_test:  # the test is in another file
        counts.pop("test", None)
    shown: dict[str, Any] = {
        "count": f"{counts.get('train', 0):,}",
        "total": f"{sum(counts.values()):,}",
        "run": str(run),
    }
    return [TrainedOnThese(name=name, case="predict", **shown) for name in known if counts.get("train")]


def _check_inputs(spec: Compilation, dataset: Dataset) -> None:
    """Raises CompileError for examples that the network of the run does not take: before their classes are compared,
    which are then those of another task; and for examples without targets."""
    if not dataset.facts.targets and spec.data.target is None:
        raise fail(NoTarget(source=dataset.name, case="evaluation"))
    shapes = input_shapes(spec.optimized)
    for wrong in check_inputs(with_channels(dataset.facts, shapes), Expected(shapes, {}, {}, None)):
        if isinstance(wrong, InputUnlikeData):
            raise fail(structs.replace(wrong, case="run"))


def _as_of_run(dataset: Dataset, of_run: Facts | None) -> Dataset:
    """The data with the targets that the run was trained on: its classes, or numbers.

    Raises:
        CompileError: an example has a class that the run does not know.
    """
    for name, target in dataset.facts.targets.items():
        known = of_run.targets.get(name) if of_run is not None else None
        if known is None or known == target:
            continue
        if known.kind == "numbers" and target.kind in ("class", "binary") and target.names is None:
            dataset = _with_targets(dataset, name, {}, known)
        elif known.kind == target.kind == "class" and known.names is not None and target.names is not None:
            dataset = _with_targets(dataset, name, _places(dataset, target.names, known.names), known)
        elif known.kind == target.kind == "class" and (target.classes or 0) <= (known.classes or 0):
            dataset = _with_targets(dataset, name, {}, known)
    return dataset


def _places(dataset: Dataset, found: tuple[str, ...], known: tuple[str, ...]) -> dict[int, int]:
    """The class ids of the run for those of the data."""
    place = {name: number for number, name in enumerate(known)}
    for name in found:
        if name not in place:
            advice = suggest(name, [one for one in known if one != BLANK], what="its classes")
            raise fail(UnknownLabel(name=dataset.name, label_name=name, advice=advice))
    return {number: place[name] for number, name in enumerate(found)}


def _with_targets(dataset: Dataset, name: str, places: Mapping[int, int], target: Target) -> Dataset:
    """The data with other class ids for a target, or with numbers instead of ids."""

    def change(arrays: Arrays) -> Arrays:
        values = np.asarray(arrays.targets[name])
        if target.kind == "numbers":
            values = values.astype(np.float32).reshape(len(values), -1)
        elif places:
            values = np.array([places[number] for number in range(len(places))], values.dtype)[values]
        return replace(arrays, targets={**arrays.targets, name: values})

    facts = dataset.facts.replace(targets={**dataset.facts.targets, name: target})
    return dataset.with_arrays(change, facts=facts)


def _whole(dataset: Dataset) -> Dataset:
    """Examples without a test split as one themselves; what would be trained on is filled up to three, so that a
    validation split may be taken from it."""
    if dataset.test is not None or "test" in dataset.passes:
        return dataset
    if dataset.passes:
        facts = dataset.facts.replace(has_test=True)
        return replace(dataset, facts=facts, passes=dict.fromkeys(("train", "val", "test"), dataset.passes["train"]))
    filled = np.arange(max(3, len(dataset.train))) % len(dataset.train)
    train = dataset.train.take(filled)
    rows: Sequence[Any] | None = dataset.rows
    facts = dataset.facts.replace(has_test=True, in_time=False)  # nothing is trained on: no split can leak
    return replace(
        dataset,
        train=train,
        rows=[rows[i] for i in filled.tolist()] if rows is not None else None,
        test=dataset.train,
        facts=facts,
        test_name=dataset.name,
        test_rows=dataset.rows,
        order=None,
        baselines={},
        test_order=dataset.order,
        test_baselines=dataset.baselines,
    )
