"""The first batches of an iterable as a `Dataset`: what is known before the first step.

Input: `Passes` by split. Output: a data set that holds the examples that were looked at, with facts that follow from
them and that later batches are compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from math import prod
from typing import Any

from netspec.data.checks.network import pair_names
from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Target
from netspec.data.dataset.from_arrays import as_arrays, dataset_of, target_of
from netspec.data.dataset.lazy_rows import Column, in_memory
from netspec.data.dataset.passes import Passes, checksum, passes_of
from netspec.data.errors.prediction import cannot_predict
from netspec.data.errors.streaming import BatchUnlike
from netspec.language.diagnostics import fail
from netspec.language.lazy import np
from netspec.language.shape import Shape


def dataset_of_batches(passes: Mapping[str, Passes], examples: int = 1) -> Dataset:
    """A data set with the first batches for training, as many as have this number of examples.

    Raises:
        CompileError: they are not batches (NS665), or unlike each other (NS666).
        Unplaced: they do not hold numbers.
    """
    train, passes["train"].is_whole = look(passes["train"], examples)
    inputs = {key: Shape(array.shape[1:]) for key, array in train.inputs.items()}
    targets = {key: _target(passes["train"], key, in_memory(array)) for key, array in train.targets.items()}
    facts = Facts(inputs, targets, has_test="test" in passes, has_val="val" in passes)
    return Dataset("data", facts, train, passes=passes)


def given_dataset(value: Any, outputs: Sequence[str] = ()) -> Dataset | None:
    """Data as users pass them: iterables of batches, or what `dataset_of` takes; `outputs` are those that a spec names.

    Raises:
        CompileError, Unplaced: they are not what they should be.
    """
    passes = passes_of(value)
    if passes is None:
        return dataset_of(value)
    for one in passes.values():
        one.settle(one.size, None, outputs)
    return dataset_of_batches(passes)


def look(passes: Passes, examples: int, first: Arrays | None = None) -> tuple[Arrays, bool]:
    """The first batches of an iterable, and whether there are no more; they are like `first`, where that is given.

    Raises:
        CompileError: they are not batches (NS665), or unlike each other (NS666).
        Unplaced: they do not hold numbers.
    """
    found: list[Arrays] = []
    count = 0
    with closing(passes.open(0)) as batches:
        for number, batch in enumerate(batches, 1):
            if count >= examples:
                return _joined(found), False
            found.append(batch_arrays(passes, batch, f"batch {number}", found[0] if found else first))
            count += len(found[-1])
            if number == 1:
                passes.first_size, passes.looked = count, checksum(*passes.read(batch, "batch 1"))
    return _joined(found), True


def batch_arrays(passes: Passes, batch: object, where: str, first: Arrays | None) -> Arrays:
    """A batch as arrays, like the `first`.

    Raises:
        CompileError: it is not a batch (NS665), or unlike the first (NS666).
        Unplaced: it does not hold numbers.
    """
    x, y = passes.read(batch, where)
    lengths = {len(part) for one in (x, y) for part in (one.values() if isinstance(one, dict) else [one])
               if part is not None}  # fmt: skip
    if len(lengths) > 1:
        found = f"have {' and '.join(map(str, sorted(lengths)))} examples"
        raise fail(BatchUnlike(case="count", where=where, what="its parts", found=found))
    arrays = as_arrays(x, y)
    return arrays if first is None else _like(first, arrays, where)


def _like(first: Arrays, arrays: Arrays, where: str) -> Arrays:
    """The same arrays, with targets of the type of those in the first batch; raises CompileError (NS666)."""
    targets = dict(arrays.targets)
    for what, ours, theirs in (("input", first.inputs, arrays.inputs), ("target", first.targets, arrays.targets)):
        if ours.keys() != theirs.keys():
            names, expected = (", ".join(sorted(part)) or "none" for part in (theirs, ours))
            raise fail(
                BatchUnlike(case="names", where=where, what=f"its {what}s", found=f"are {names}", expected=expected)
            )
        for key, array in theirs.items():
            array = _as_first(ours[key], array) if what == "target" else array
            targets |= {key: array} if what == "target" else {}
            named = f"the {what}" if len(ours) == 1 else f"the {what} `{key}`"
            if what == "target" and array.dtype.kind == "f" != ours[key].dtype.kind:
                expected = "integers, which are class ids"
                raise fail(BatchUnlike(case="kind", where=where, what=named, found="is not whole", expected=expected))
            if array.shape[1:] != ours[key].shape[1:]:
                found, expected = (str(Shape(a.shape[1:] or (1,))) for a in (array, ours[key]))
                found = f"has examples of {found}"
                raise fail(BatchUnlike(case="shape", where=where, what=named, found=found, expected=expected))
    return Arrays(arrays.inputs, targets)


def _as_first(first: Column, array: Column) -> Column:
    """Targets of the type of the first ones, where that changes no number."""
    array = in_memory(array)
    if array.dtype.kind == first.dtype.kind or prod(array.shape[1:]) != prod(first.shape[1:]):
        return array
    if first.dtype.kind != "f" and array.dtype.kind not in "iu" and not (array % 1 == 0).all():
        return array
    return array.astype(first.dtype).reshape(len(array), *first.shape[1:])


def _joined(parts: list[Arrays]) -> Arrays:
    if len(parts) == 1:
        return parts[0]
    return Arrays(
        {key: np.concatenate([in_memory(part.inputs[key]) for part in parts]) for key in parts[0].inputs},
        {key: np.concatenate([in_memory(part.targets[key]) for part in parts]) for key in parts[0].targets},
    )


def _target(passes: Passes, key: str, array: object) -> Target:
    """What the targets are; labels that do not occur in the first batches may occur later."""
    assert isinstance(array, np.ndarray)
    target = target_of(array)
    if target.kind != "class":
        return target
    labels = target.labels if target.labels is not None and target.labels[0] < 0 else None
    names = passes.class_names(key)
    if names is not None and len(names) >= (target.classes or 0):
        return target.replace(classes=len(names), names=names, labels=labels)
    return target.replace(labels=labels)


def gathered_inputs(passes: Passes, inputs: Mapping[str, Shape]) -> Any:
    """The inputs of all batches of an iterable together: the predictions for them are as well.

    Raises:
        CompileError: they are not batches (NS665), or unlike each other.
    """
    parts = [passes.read(batch, f"batch {number}")[0] for number, batch in enumerate(passes.open(0), 1)]
    try:
        if not isinstance(parts[0], dict):
            return np.concatenate(parts)
        keys = pair_names(parts[0], inputs) or {key: key for key in parts[0]}
        return {name: np.concatenate([part[key] for part in parts]) for name, key in keys.items()}
    except (KeyError, ValueError):
        advice = "all batches have inputs of the same names and shapes"
        raise cannot_predict("the iterable", "its batches are unlike each other", advice) from None
