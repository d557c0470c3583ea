"""Inputs to look at: those that a user gives, or some of the data that a network was trained on.

Input: a model, and examples in any form that `predict` takes, or the name of a split. Output: `Inputs`.
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
from netspec.data.transforms.token_names import Tokens, tokens_of
from netspec.display.problems import print_problems
from netspec.language.diagnostics import CompileError, fail
from netspec.runs.arguments import check_choice, check_type
from netspec.spec.experiment import SpecExperiment, prepare
from netspec.spec.model import Model
from netspec.spec.trained_data import SPLITS


@dataclass(frozen=True)
class Inputs:
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

    @property
    def single(self) -> Array:
        """The only input, raw and in double precision."""
        return np.asarray(next(iter(self.raw.values())), np.float64)

    @property
    def class_ids(self) -> Array | None:
        """The class id of each example for the first output (yes is 1); None where it has no classes."""
        values = np.asarray(next(iter(self.targets.values()), np.zeros(0)))
        are_ids = values.dtype.kind in "iu" or (len(values) and set(np.unique(values)) <= {0.0, 1.0})
        return values.reshape(-1).astype(int) if values.size == len(self) and are_ids else None

    def first(self, count: int) -> Inputs:
        """The first `count` of them, or all where they are fewer."""
        raw, targets = ({name: x[:count] for name, x in part.items()} for part in (self.raw, self.targets))
        last = None if self.last is None else self.last[:count]
        return Inputs(raw, tuple(x[:count] for x in self.ready), self.names[:count], last, targets)


def given_inputs(model: Model, x: Any) -> Inputs:
    """Inputs that a user gives, in any of the forms of `predict`; warnings about them are shown.

    Raises:
        CompileError: they cannot be read or have another shape; it is also a ValueError.
        TypeError: they have none of the forms.
    """
    if isinstance(x, Inputs):
        return x
    found = raw_inputs(x, model.inputs, model.preprocessing or Preprocessing())
    print_problems(found.warnings)
    arrays = {name: np.asarray(found.arrays[name]) for name in model.inputs}
    return Inputs(arrays, _ready(model, arrays), found.names, found.last)


def input_tokens(model: Model, name: str) -> Tokens | None:
    """What the ids of an input of a model stand for; None where nothing is known of them."""
    known = model.preprocessing or Preprocessing()
    return tokens_of(known.encoder, known.raw_names.get(name, name))


def split_inputs(
    model: Model,
    split: str = "test",
    *,
    first: int = 0,
    count: int | None = None,
    is_spread: bool = False,
    data: Any = None,
) -> Inputs:
    """The examples of a split, split as for the training.

    Args:
        model: a trained model.
        split: `train`, `val` or `test`.
        first: the index of the first of them.
        count: at most how many; None: all that follow.
        is_spread: they are taken evenly from all that follow, not the next ones.
        data: what the model was trained on, as for `netspec.train`; None: what its spec names.

    Raises:
        CompileError: the data cannot be read, or nothing is held out for the split.
        ValueError: the spec names no data, or the split has no example of this index.
    """
    check_choice("split", split, tuple(SPLITS))
    check_type("example", first, (int, np.integer), "the index of an example")
    if first < 0:
        raise ValueError(f"`example` is an index from 0 on, not {first}")
    splits = experiment_of(model, data).splits
    part = getattr(splits, split)
    if part is None:
        raise fail(
            NoSplit(
                split=split, advice="the data hold nothing out for it; use another split, or give an input to look at"
            )
        )
    if first >= len(part):
        raise ValueError(f"the {SPLITS[split]} split has {len(part):,} examples: from 0 to {len(part) - 1:,}")
    chosen = np.arange(first, len(part) if count is None or is_spread else min(first + count, len(part)))
    if is_spread and count is not None and count < len(chosen):
        chosen = np.linspace(first, len(part) - 1, count).round().astype(int)
    indices = splits.index_of(split)
    whole = splits.dataset.test if split == "test" and indices is None else splits.dataset.train
    assert whole is not None
    taken = whole.take(chosen if indices is None else indices[chosen])
    arrays = {name: read_all(taken.inputs[name]) for name in model.inputs}
    targets = {name: read_all(column) for name, column in taken.targets.items()}
    return Inputs(arrays, _ready(model, arrays), [f"{split} {i}" for i in chosen], targets=targets)


def training_inputs(model: Model, count: int, data: Any = None) -> Inputs | None:
    """At most `count` training examples, evenly spread; None where the spec names no data, or they cannot be read.

    Raises:
        CompileError: the data that are given cannot be used.
    """
    if data is None and model.compilation.data.source is None:
        return None
    try:
        return split_inputs(model, "train", count=count, is_spread=True, data=data)
    except CompileError:
        if data is not None:
            raise
        return None


def experiment_of(model: Model, data: Any = None) -> SpecExperiment:
    """The experiment that a model comes from, with its data coded as in its training; `data` as for `split_inputs`.
    A warning is shown where they are not those of its training.

    Raises:
        CompileError: the data cannot be read.
        ValueError: the spec names no data.
    """
    if data is None and model.compilation.data.source is None:
        raise ValueError(
            "the network was trained on arrays, which its spec does not name: "
            "give an input to look at, or in Python the data"
        )
    spec = model.compilation
    again = spec.again(facts=spec.given_facts)  # data that cannot be read are not a mistake of the model
    found = prepare(again, data, preprocessing=model.preprocessing)
    if model.trained_on is not None:
        print_problems(model.trained_on.changes(found))
    return found


def _ready(model: Model, arrays: Mapping[str, Array]) -> tuple[Array, ...]:
    """Inputs as the layers take them: token ids as integers, all others as float32."""
    found = zip(model.inputs.values(), model.normalized(*arrays.values()), strict=True)
    return tuple(np.asarray(x) if shape.is_tokens else np.asarray(x, np.float32) for shape, x in found)
