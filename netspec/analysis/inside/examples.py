"""The examples of a split, as the network is given them: for pictures of what it makes of its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netspec.data.dataset.dataset import Target
from netspec.data.dataset.lazy_rows import Array
from netspec.data.splits.split import Splits
from netspec.runs.evaluate_predict import BATCH, SPLITS, batches
from netspec.runs.model import Model
from netspec.spec.experiment import SpecExperiment, prepare

MAX_EXAMPLES = 2000


@dataclass(frozen=True)
class Examples:
    """Raw inputs by name, and the targets of the first output: `classes` are ids, None where they are not classes."""

    inputs: Mapping[str, Array]
    target: Array | None
    classes: Array | None
    names: tuple[str, ...] = ()

    @property
    def single(self) -> Array:
        """The only input, in double precision."""
        return np.asarray(next(iter(self.inputs.values())), np.float64)


def experiment_of(model: Model, data: Any = None) -> SpecExperiment:
    """The experiment that a model comes from, with its data coded as in its training.

    Args:
        model: a trained model.
        data: what it was trained on, as for `netspec.train`; None: what the spec names.

    Raises:
        ValueError: the spec names no data, and none are given.
        CompileError: they cannot be read.
    """
    if data is None and model.compilation.data.source is None:
        raise ValueError(
            "the network was trained on arrays, which its spec does not name: in Python, give them as `data = (x, y)`"
        )
    return prepare(model.compilation, data, {}, preprocessing=model.preprocessing)


def examples_of(model: Model, split: str = "test", count: int = MAX_EXAMPLES, data: Any = None) -> Examples:
    """At most so many examples of a split, evenly spread over it; arguments and errors are those of `experiment_of`.

    Raises:
        ValueError: there is no such split.
    """
    splits = experiment_of(model, data).splits
    if getattr(splits, split, None) is None:
        raise ValueError(f"the data have no {SPLITS.get(split, split)} split")
    return _chosen(splits, split, count)


def _chosen(splits: Splits, split: str, count: int) -> Examples:
    """Examples as they are before they are normalized, which a model does itself."""
    index, whole = getattr(splits, f"{split}_index"), splits.dataset.train
    if split == "test" and index is None and splits.dataset.test is not None:
        whole = splits.dataset.test
    index = np.arange(len(whole)) if index is None else index
    chosen = index[np.linspace(0, len(index) - 1, min(count, len(index))).round().astype(int)]
    part = whole.take(chosen)
    name, target = next(iter(splits.facts.targets.items()), ("", Target("numbers")))
    values = np.asarray(part.targets[name]) if name in part.targets else None
    is_class = values is not None and target.kind in ("class", "binary") and values.size == len(chosen)
    classes = values.reshape(-1).astype(int) if is_class and values is not None else None
    inputs = {key: np.asarray(column) for key, column in part.inputs.items()}
    return Examples(inputs, values, classes, target.names or ())


def results_of(model: Model, layer: str, examples: Examples) -> Array:
    """What a layer gives for examples, as numbers of shape (examples, numbers).

    Raises:
        ValueError: there is no such layer.
    """
    arrays = [examples.inputs[name] for name in model.inputs]
    parts = [
        np.asarray(model.layer_results([layer], *batch)[layer], np.float32)[:count]
        for batch, count in batches(arrays, BATCH)
    ]
    found: Array = np.concatenate(parts)
    return found.reshape(len(found), -1)
