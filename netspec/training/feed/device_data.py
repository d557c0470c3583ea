"""Splits on their way to the device, and the sums over them that metrics are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import read_all
from netspec.storage.tree_paths import Tree
from netspec.training.control.conformal import find_bounds
from netspec.training.feed.placement import Placement
from netspec.training.feed.targets import are_ids
from netspec.training.losses import JointLoss
from netspec.training.losses.distributions import Distribution
from netspec.training.metrics.base import Described, Predictions
from netspec.training.recipe.outputs import OutputRecipe
from netspec.training.recipe.recipe import Recipe


@dataclass(frozen=True)
class Data:
    """A split on the device: `inputs` in the order of the network's, `targets` by output, rows first."""

    inputs: tuple[Any, ...]
    targets: dict[str, Any]
    examples: int

    @property
    def arrays(self) -> tuple[Tree, Tree]:
        return self.inputs, self.targets


def put_split(
    arrays: Arrays, recipe: Recipe, names: Sequence[str], placement: Placement, *, rows: int | None = None
) -> Data:
    """Transfer a split, padded to `rows` with copies of its first row; `names` are those of the inputs."""
    inputs, targets = placement.put(as_placed(arrays, recipe, names, rows))
    return Data(inputs, targets, len(arrays.inputs[names[0]]))


def as_placed(arrays: Arrays, recipe: Recipe, names: Sequence[str], rows: int | None) -> tuple[Tree, Tree]:
    """Examples as they are transferred: the inputs, and the targets by output; padded as `put_split` pads a split."""
    inputs = tuple(_fill(narrow(read_all(arrays.inputs[name])), rows) for name in names)
    targets = {
        name: _fill(output.place_targets(read_all(arrays.targets[name])), rows)
        for name, output in recipe.outputs.items()
    }
    return inputs, targets


def counted_steps(output: OutputRecipe, inputs: Sequence[Any], names: Sequence[str], rows: Any = None) -> Any:
    """What counts of a batch: batch, or batch x T for a sequence with padding; None when everything does.

    `rows` (batch) is false for those that only fill the batch up.
    """
    padding = output.head.padding
    if padding is None:
        return rows
    steps = padding.real(inputs[names.index(padding.input)])
    return steps if rows is None else steps & rows[:, None]


def output_sums(
    output: OutputRecipe, logits: Any, targets: Any, weights: Any, *, training: bool
) -> tuple[Any, dict[str, Any]]:
    """The mean loss of a batch for an output, and the sums that its loss and its metrics over a split need."""
    if output.is_mask:
        targets, weights = without_ignored(targets, weights)
    loss, sums = loss_sums(output, logits, targets, weights)
    constants = jax.lax.stop_gradient(logits) if training else logits
    sums |= metric_sums(output, constants, targets, weights, training=training)
    if training and output.is_mask:  # an epoch may have more pixels than 32 bits count
        sums = jax.tree.map(lambda x: x.astype(jnp.float32), sums)
    return loss, sums


def without_ignored(targets: Any, rows: Any) -> tuple[Any, Any]:
    """Masks with class 0 at the pixels that are ignored, and which pixels count (batch x height x width).

    Masks are ids, or numbers with a last axis of units. `rows` (batch) is false for examples that do not count; None
    when all do.
    """
    counted = targets >= 0 if jnp.issubdtype(targets.dtype, jnp.integer) else (targets >= 0).all(axis=-1)
    targets = jnp.maximum(targets, 0)
    return targets, counted if rows is None else counted & rows[:, None, None]


def example_target(output: OutputRecipe) -> Any:
    """The target of one example as the loss takes it: 1 x its shape, all zeros."""
    return output.place_targets(np.zeros((1, max(1, output.target.size))))


def zero_sums_of(output: OutputRecipe) -> dict[str, Any]:
    """The sums of an output over a training epoch before its first step."""

    def of_one() -> Any:
        logits, target = jnp.zeros((1, *output.head.logits_shape)), jnp.asarray(example_target(output))
        weights = None if output.head.padding is None else jnp.ones((1, output.head.shape[0]), bool)
        return output_sums(output, logits, target, weights, training=True)[1]

    zeros: dict[str, Any] = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(of_one))
    return zeros


def loss_sums(output: OutputRecipe, logits: Any, targets: Any, weights: Any) -> tuple[Any, dict[str, Any]]:
    """The mean loss of a batch over what counts, and the sums from which the loss of a split is made.

    With padding every real step counts the same, as in PyTorch's `ignore_index`, whatever the lengths of the texts.
    With weights of classes it is the mean over these weights, as in PyTorch's `weight`.
    """
    steps = {"counted": weights.sum()} if output.counts_positions else {}
    if isinstance(output.loss, JointLoss):
        values, counts = output.loss.joint(logits, targets, output.scored, weights)
        return _weighted_mean(values * counts, counts, steps)
    if output.class_weights is not None:
        values, counts = output.loss.weighted(logits, targets, output.scored, output.class_weights)
        values = values.reshape(*counts.shape, -1).mean(axis=-1)
        if weights is not None:
            is_counted = weights.reshape(*weights.shape, *[1] * (counts.ndim - weights.ndim))
            values, counts = jnp.where(is_counted, values, 0), jnp.where(is_counted, counts, 0)
        return _weighted_mean(values, counts, steps)
    values = output.loss.values(logits, targets, output.scored)
    if not output.counts_positions:
        each = values.reshape(values.shape[0], -1).mean(axis=1)
        total = each.sum() if weights is None else jnp.where(weights, each, 0).sum()
        return each.mean(), {"loss": total}
    each = values.reshape(*weights.shape, -1).mean(axis=-1)
    total, count = jnp.where(weights, each, 0).sum(), weights.sum()
    return total / jnp.maximum(count, 1), {"loss": total, "counted": count}


def _weighted_mean(values: Any, counts: Any, steps: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The mean of values that are weighted already, and the sums for that of a split."""
    total, count = values.sum(), counts.sum().astype(jnp.float32)
    return total / jnp.where(count > 0, count, 1), {"loss": total, "weight": count, **steps}


def metric_sums(output: OutputRecipe, logits: Any, targets: Any, weights: Any, *, training: bool) -> dict[str, Any]:
    """The sums that the metrics of an output need, each once; tables are not kept while training.

    Where examples were mixed, so that targets are a share for each class, the class with the largest one counts.
    """
    if are_ids(output.head, output.target) and jnp.issubdtype(targets.dtype, jnp.floating):
        targets = jnp.argmax(targets, axis=-1).astype(jnp.int32)
    numbers = logits.astype(jnp.float32)
    described = describe_targets(output, numbers, targets)
    if isinstance(output.loss, Distribution) and output.head.parts > 1:
        numbers = output.loss.point(output.loss.parameters(numbers))
    predictions = _in_units(
        output,
        Predictions(
            numbers, targets, output.scored, weights,
            by_column=bool(output.columns), threshold=output.threshold, described=described,
        ),
    )  # fmt: skip
    found: dict[str, Any] = {}
    for metric in output.metrics:
        if not (training and (metric.is_table or metric.takes_long)):
            found.update(metric.sums(predictions))
    return found


def describe_targets(output: OutputRecipe, logits: Any, targets: Any) -> Described | None:
    """What is predicted of the distributions of a batch; None where nothing is."""
    loss, std = output.loss, jnp.asarray(1.0 if output.scale is None else output.scale.std, jnp.float32)
    parameters = loss.parameters(logits) if isinstance(loss, Distribution) else None
    if parameters is None and output.level is None:
        return None
    margins = None if output.margins is None else jnp.asarray(output.margins, jnp.float32) / std
    bounds = find_bounds(loss, logits if parameters is None else parameters, output.level, margins)
    return Described(loss, targets, parameters, bounds, std)


def _in_units(output: OutputRecipe, predictions: Predictions) -> Predictions:
    """The same in the units of the targets. The differences are those of normalized numbers times their scale: numbers
    such as 1.7e12 + 3 have lost the 3 in 32 bits."""
    if output.scale is None:
        return predictions
    mean, std = (jnp.asarray(numbers, jnp.float32) for numbers in (output.scale.mean, output.scale.std))
    logits, targets = (x * std + mean for x in (predictions.logits, predictions.targets))
    return predictions.replace(logits=logits, targets=targets, difference=predictions.errors * std)


def narrow(array: Any) -> Any:
    """64-bit numbers as 32-bit ones, which is what devices compute in."""
    array = np.asarray(array)
    narrow = {np.dtype(np.float64): np.float32, np.dtype(np.int64): np.int32}
    return array.astype(narrow.get(array.dtype, array.dtype), copy=False)


def _fill(array: Any, rows: int | None) -> Any:
    """An array with at least `rows` rows: its own, and copies of the first one."""
    if rows is None or rows <= len(array):
        return array
    return np.concatenate([array, np.repeat(array[:1], rows - len(array), axis=0)])
