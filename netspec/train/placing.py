"""Splits on their way to the device, and the sums over them that figures are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from netspec.train.heads import place_targets
from netspec.train.metrics import Answers
from netspec.train.recipe import OutputRecipe, Recipe

Tree: TypeAlias = Any
"""Nested dicts of arrays."""


class Split(Protocol):
    """Examples in memory (`netspec.data.base.Arrays`): arrays of equal length by the names of inputs and targets."""

    @property
    def inputs(self) -> Mapping[str, Any]: ...

    @property
    def targets(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Data:
    """A split on the device: `inputs` in the order of the net's, `targets` by output, rows first."""

    inputs: tuple[Any, ...]
    targets: dict[str, Any]
    examples: int

    @property
    def arrays(self) -> tuple[Tree, Tree]:
        return self.inputs, self.targets


def place(arrays: Split, recipe: Recipe, names: Sequence[str], *, rows: int | None = None) -> Data:
    """Put a split onto the device, filled up to `rows` by copies of its first row. `names` are those of the inputs."""
    inputs = tuple(_fill(narrow(arrays.inputs[name]), rows) for name in names)
    targets = {
        name: _fill(place_targets(arrays.targets[name], output.head, output.target), rows)
        for name, output in recipe.outputs.items()
    }
    return Data(jax.device_put(inputs), jax.device_put(targets), len(arrays.inputs[names[0]]))


def counted_steps(output: OutputRecipe, inputs: Sequence[Any], names: Sequence[str], rows: Any = None) -> Any:
    """What counts of a batch: batch, or batch x T for a sequence with padding; None when everything does.

    `rows` (batch) is false for those that only fill the batch up.
    """
    padding = output.head.padding
    if padding is None:
        return rows
    steps = inputs[names.index(padding.input)] != padding.id
    return steps if rows is None else steps & rows[:, None]


def loss_sums(output: OutputRecipe, logits: Any, targets: Any, weights: Any) -> tuple[Any, dict[str, Any]]:
    """The mean loss of a batch over what counts, and the sums from which the loss of a split is made.

    With padding every real step counts the same, as in PyTorch's `ignore_index`, whatever the lengths of the texts.
    """
    values = output.loss.values(logits, targets, output.head)
    if output.head.padding is None:
        each = values.reshape(values.shape[0], -1).mean(axis=1)
        total = each.sum() if weights is None else jnp.where(weights, each, 0).sum()
        return each.mean(), {"loss": total}
    each = values.reshape(*weights.shape, -1).mean(axis=-1)
    total, count = jnp.where(weights, each, 0).sum(), weights.sum()
    return total / jnp.maximum(count, 1), {"loss": total, "counted": count}


def metric_sums(output: OutputRecipe, logits: Any, targets: Any, weights: Any, *, training: bool) -> dict[str, Any]:
    """The sums that the metrics of an output need, each once; tables are not kept while training."""
    answers = Answers(logits.astype(jnp.float32), targets, output.scored, weights)
    found: dict[str, Any] = {}
    for metric in output.metrics:
        if not (training and metric.is_table):
            found.update(metric.sums(answers))
    return found


def narrow(array: Any) -> Any:
    """64-bit numbers as 32-bit ones, which is what devices compute in."""
    array = np.asarray(array)
    narrow = {np.dtype(np.float64): np.float32, np.dtype(np.int64): np.int32}
    return array.astype(narrow.get(array.dtype, array.dtype), copy=False)


def _fill(array: Any, rows: int | None) -> Any:
    if rows is None or rows <= len(array):
        return array
    return np.concatenate([array, np.repeat(array[:1], rows - len(array), axis=0)])
