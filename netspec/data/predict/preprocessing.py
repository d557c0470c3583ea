"""What travels with the weights of a run: how raw inputs become those of the network, and answers get their names.

Comes in: the splits that were trained on. Goes out: `Coding`, which is plain data in the run folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netspec.data.dataset.lazy_rows import Rows
from netspec.data.errors.prediction import OtherCoding
from netspec.data.splits.split import Splits
from netspec.data.transforms.encoders import Encoder, RowEncoder, encoder_from_json, encoder_json
from netspec.data.transforms.normalization import Normalization
from netspec.language.diagnostics import fail


@dataclass(frozen=True)
class Coding:
    """How a run codes inputs and answers.

    `normalization` has the figures that inputs are filled in and scaled with, `columns` the names of their features,
    `ranges` the smallest and the largest number that training saw, `class_names` the names of the classes of an output.
    `encoder` makes inputs of rows, pictures or text; `raw_names` are the names it gives to the inputs of the network.
    `outputs` are answers in the scale of a normalized input, to be brought back from it.
    """

    normalization: Mapping[str, Normalization] = field(default_factory=dict)
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    ranges: Mapping[str, list[float]] = field(default_factory=dict)
    class_names: Mapping[str, list[str]] = field(default_factory=dict)
    encoder: Encoder | None = None
    raw_names: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Normalization] = field(default_factory=dict)

    @classmethod
    def of(cls, splits: Splits) -> Coding:
        dataset = splits.dataset
        return cls(
            splits.normalization,
            {name: list(columns) for name, columns in dataset.columns.items()},
            _ranges(splits),
            {name: list(t.names) for name, t in splits.facts.targets.items() if t.names is not None},
            dataset.encoder,
            dataset.raw_names,
            splits.own_targets,
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "normalisation": {name: n.as_json() for name, n in self.normalization.items()},
            "columns": {name: list(columns) for name, columns in self.columns.items()},
            "ranges": dict(self.ranges),
            "class_names": dict(self.class_names),
            "encoder": encoder_json(self.encoder) if self.encoder is not None else None,
            "raw_names": dict(self.raw_names),
            "outputs": {name: n.as_json() for name, n in self.outputs.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Coding:
        encoder = value.get("encoder")
        return cls(
            {name: Normalization.from_json(item) for name, item in value["normalisation"].items()},
            value["columns"],
            value["ranges"],
            value["class_names"],
            encoder_from_json(encoder) if encoder is not None else None,
            value.get("raw_names", {}),
            {name: Normalization.from_json(item) for name, item in value.get("outputs", {}).items()},
        )


def check_coding(found: Coding, coding: Coding) -> None:
    """Raises CompileError unless data are coded as those of a run were: the same classes, categories and words."""
    for name, names in coding.class_names.items():
        theirs = found.class_names.get(name, names)
        if theirs != names:
            raise fail(OtherCoding(what="classes", found=_listed(theirs), expected=_listed(names)))
    if isinstance(found.encoder, RowEncoder) and isinstance(coding.encoder, RowEncoder):
        _check_columns(found.encoder, coding.encoder)


def _check_columns(found: RowEncoder, coding: RowEncoder) -> None:
    ours, theirs = ([column.name for column in encoder.columns] for encoder in (coding, found))
    if ours != theirs:
        raise fail(OtherCoding(what="features", found=_listed(theirs), expected=_listed(ours)))
    for ours_column, their_column in zip(coding.columns, found.columns, strict=True):
        if ours_column.values != their_column.values:
            names = [_listed(column.values or ("numbers",)) for column in (their_column, ours_column)]
            raise fail(OtherCoding(what=f"values of `{ours_column.name}`", found=names[0], expected=names[1]))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f", … ({len(names)})" if len(names) > 8 else "")


def _ranges(splits: Splits) -> dict[str, list[float]]:
    """The smallest and the largest number of each input in training, as they were before normalizing; those that are
    missing do not count."""
    raw = splits.dataset.train.inputs
    return {
        name: [*(array.bounds or map(float, (array.min_max[0].min(), array.min_max[1].max())))]
        if isinstance(array, Rows)
        else [float(np.nanmin(array)), float(np.nanmax(array))]
        for name, array in raw.items()
    }
