"""Examples to look at: those that a user gives, or some of the data that a network was trained on.

Input: a model, and examples in any form that `predict` takes, or the name of a split. Output: `Examples`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netspec.data.dataset.lazy_rows import Array, read_all
from netspec.data.errors.reading import NoSplit
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.python_inputs import raw_inputs
from netspec.language.diagnostics import fail
from netspec.runs.evaluate_predict import SPLITS
from netspec.spec.experiment import prepare
from netspec.spec.model import Model


@dataclass(frozen=True)
class Examples:
    """Some examples.

    Args:
        raw: their inputs as in the data, by name, examples first.
        ready: the same as the layers take them, in the order of the inputs of the network.
        names: what they are called in messages.
        last: of texts, the step of the last piece before the padding.
        targets: those of a split, by output: class ids, or numbers; none of other examples.
    """

    raw: Mapping[str, Array]
    ready: tuple[Array, ...]
    names: Sequence[str]
    last: Sequence[int] | None = None
    targets: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)


def given_examples(model: Model, x: Any) -> Examples:
    """Examples that a user gives, in any of the forms of `predict`.

    Raises:
        CompileError: they cannot be read or have another shape; it is also a ValueError.
        TypeError: they have none of the forms.
    """
    if isinstance(x, Examples):
        return x
    found = raw_inputs(x, model.inputs, model.preprocessing or Preprocessing())
    arrays = {name: np.asarray(found.arrays[name]) for name in model.inputs}
    return Examples(arrays, _ready(model, arrays), found.names, found.last)


def split_examples(model: Model, split: str = "test", *, first: int = 0, count: int | None = None) -> Examples:
    """Examples of a split of the data that the spec of a model names, as they were split for the training.

    Args:
        model: a trained model.
        split: `train`, `val` or `test`.
        first: the index of the first of them.
        count: at most how many; None: all that follow.

    Raises:
        CompileError: the spec names no data, they cannot be read, or nothing is held out for the split (NS423, …).
        ValueError: the split does not have so many examples.
    """
    splits = prepare(model.compilation, preprocessing=model.preprocessing).splits
    part = getattr(splits, split)
    if part is None:
        raise fail(NoSplit(split=split, advice="the data hold nothing out for it; use another split"))
    if first >= len(part):
        raise ValueError(f"the {SPLITS[split]} split has {len(part):,} examples: from 0 to {len(part) - 1:,}")
    chosen = np.arange(first, len(part) if count is None else min(first + count, len(part)))
    indices = {"train": splits.train_index, "val": splits.val_index, "test": splits.test_index}[split]
    whole = splits.dataset.test if split == "test" and indices is None else splits.dataset.train
    assert whole is not None
    taken = whole.take(chosen if indices is None else indices[chosen])
    arrays = {name: read_all(taken.inputs[name]) for name in model.inputs}
    targets = {name: read_all(column) for name, column in taken.targets.items()}
    return Examples(arrays, _ready(model, arrays), [f"{split} {i}" for i in chosen], targets=targets)


def _ready(model: Model, arrays: Mapping[str, Array]) -> tuple[Array, ...]:
    """Inputs as the layers take them: token ids as integers, all others as float32."""
    found = zip(model.inputs.values(), model.normalized(*arrays.values()), strict=True)
    return tuple(np.asarray(x) if shape.is_tokens else np.asarray(x, np.float32) for shape, x in found)
