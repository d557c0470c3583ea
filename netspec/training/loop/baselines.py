"""What forecasts without a network would have as metrics: what those of the network are compared with.

Input: forecasts by name, and the targets of a split. Output: the metrics of each, as `evaluate` computes those of the
network. Where the data have no forecasts, it is what a network has that looks at no input: the most frequent class, or
the mean, of the training split; as `DummyClassifier` and `DummyRegressor` of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import Array, Column, is_streamed, read_all
from netspec.data.prepare_batches import BatchSplit
from netspec.training.experiment import Experiment
from netspec.training.feed.device_data import metric_sums
from netspec.training.feed.spreads import spreads_of
from netspec.training.loop.evaluate import compute_metrics
from netspec.training.losses.regression import Mse
from netspec.training.metrics.base import MetricValue
from netspec.training.recipe.outputs import OutputRecipe
from netspec.training.recipe.recipe import Recipe

MEAN = "mean"
MAX_NUMBERS = 10_000_000
"""Of the targets of a split: with more, such as images, this would take time."""


def held_out_baselines(recipe: Recipe, experiment: Experiment) -> dict[str, dict[str, MetricValue]]:
    """The metrics of forecasts without the network, on the split that the final metrics of a training are of."""
    part = next((part for part in ("test", "val") if getattr(experiment, part) is not None), None)
    return {} if part is None else baselines_of(recipe, experiment, part)


def baselines_of(recipe: Recipe, experiment: Experiment, part: str) -> dict[str, dict[str, MetricValue]]:
    """The metrics of forecasts without the network on a split (`train`, `val`, `test`), by the names of the forecasts;
    where there are none, those of always the most frequent class and of the mean."""
    arrays, forecasts = getattr(experiment, part), experiment.baselines.get(part)
    if arrays is None or isinstance(arrays, BatchSplit):
        return {}
    if forecasts:
        return baseline_metrics(recipe, arrays, forecasts, prefix=f"{part}_")
    if isinstance(experiment.train, BatchSplit):
        return {}
    return constant_baselines(recipe, experiment.train, arrays, part)


def constant_baselines(recipe: Recipe, train: Arrays, arrays: Arrays, part: str) -> dict[str, dict[str, MetricValue]]:
    """What predictions that are the same for every example have as `accuracy`, `mae`, `rmse`, `mse` and `r2`.

    Args:
        recipe: says which metrics there are. Outputs with a prediction at each step or pixel have no such baseline.
        train: the split whose most frequent class, or mean, is predicted.
        arrays: the split that is measured.
        part: its name.
    """
    found: dict[str, dict[str, MetricValue]] = {}
    for name, output in recipe.outputs.items():
        columns = [split.targets[name] for split in (train, arrays)]
        if output.counts_positions or any(is_streamed(c) or np.size(c) > MAX_NUMBERS for c in columns):
            continue
        plain = {metric.word: metric for metric in output.metrics if not metric.is_table}
        if (learned := class_ids_of(output, columns[0])) is not None:
            seen = class_ids_of(output, columns[1])
            if "accuracy" in plain and plain["accuracy"].metric_name == "accuracy":
                most = int(np.bincount(learned).argmax())
                label = f"always {_class_names(output, most + 1)[most]}"
                value = float(np.mean(seen == most))
                found.setdefault(label, {})[f"{part}_{recipe.metric_name(name, 'accuracy')}"] = value
        elif output.target.kind == "numbers" and output.loss.output_kind in ("predictions", "distribution"):
            for key, value in _of_mean(recipe, name, columns, part).items():
                found.setdefault(MEAN, {})[key] = value
    return found


def _class_names(output: OutputRecipe, count: int) -> Sequence[str]:
    """The names of the classes of an output; their numbers where they have none."""
    return output.target.names or [str(number) for number in range(count)]


def class_ids_of(output: OutputRecipe, column: Column) -> Array | None:
    """The class of each example of a split, 0 and 1 for no and yes; None where a prediction is not one class."""
    if output.decisions != 1 or not (output.chooses or output.is_yes_or_no):
        return None
    targets = np.asarray(output.place_targets(read_all(column)))
    if targets.dtype.kind in "iu":
        return targets.reshape(-1)
    targets = targets.reshape(len(targets), -1)
    ids: Array = targets.argmax(axis=1) if output.chooses else (targets[:, 0] > 0.5).astype(np.int64)
    return ids


def _of_mean(recipe: Recipe, name: str, columns: Sequence[Column], part: str) -> dict[str, MetricValue]:
    """The metrics of the mean of each number over the first of two splits, on the second one."""
    output = recipe.outputs[name]
    learned, seen = (np.asarray(read_all(column), np.float64).reshape(len(column), -1) for column in columns)
    if seen.shape[1] != output.head.count:
        return {}
    std = np.resize(output.std, seen.shape[1])
    errors = (learned.mean(axis=0) - seen) * std
    spread = ((seen - seen.mean(axis=0)) ** 2).sum(axis=0) * std**2
    found: dict[str, MetricValue] = {}
    for metric in output.metrics:
        if metric.word not in ("mae", "mse", "rmse", "r2"):
            continue
        for key, column in recipe.reported(name, metric, part).items():
            own, whole = (errors, spread) if column is None else (errors[:, [column]], spread[[column]])
            squares = float(np.mean(own**2))
            if metric.word == "r2":
                with np.errstate(divide="ignore", invalid="ignore"):
                    ratios = np.where(whole > 0, (own**2).sum(axis=0) / whole, 1.0)
                value = 1 - float(np.mean(ratios))
            else:
                value = {"mae": float(np.mean(np.abs(own))), "mse": squares, "rmse": squares**0.5}[metric.word]
            found[f"{part}_{key}"] = value
    return found


def class_balance(recipe: Recipe, train: Arrays) -> dict[str, dict[str, float]]:
    """By output and class the fraction of the training examples, in the order of the classes."""
    found: dict[str, dict[str, float]] = {}
    for name, output in recipe.outputs.items():
        column = train.targets[name]
        if output.counts_positions or is_streamed(column) or np.size(column) > MAX_NUMBERS:
            continue
        if (ids := class_ids_of(output, column)) is not None and len(ids):
            counts = np.bincount(ids, minlength=max(2, output.head.units)) / len(ids)
            names = _class_names(output, len(counts))
            found[name] = {label: float(share) for label, share in zip(names, counts, strict=False)}
    return found


def record_of(recipe: Recipe, train: Arrays | BatchSplit, baselines: Mapping[str, Any]) -> dict[str, Any]:
    """What the record of a finished training has of it: `baselines`, and the `balance` of classes."""
    balance = {} if isinstance(train, BatchSplit) else class_balance(recipe, train)
    return {**({"baselines": baselines} if baselines else {}), **({"balance": balance} if balance else {})}


def baseline_metrics(
    recipe: Recipe, arrays: Arrays, forecasts: Mapping[str, Any], *, prefix: str
) -> dict[str, dict[str, MetricValue]]:
    """The metrics of each forecast by its name.

    Args:
        recipe: with one output of numbers, whose metrics are computed.
        arrays: the split, with targets as they are trained on.
        forecasts: by name, numbers in the units of the targets: examples x numbers of a target.
        prefix: of the names of metrics, such as `test_`.
    """
    if len(recipe.outputs) != 1 or not forecasts:
        return {}
    ((name, output),) = recipe.outputs.items()
    if output.target.kind != "numbers" or output.scored.activation != "linear" or output.head.padding is not None:
        return {}
    own = tuple(metric for metric in output.metrics if metric.needs == "numbers")
    output = output.replace(loss=Mse(), head=output.head.replace(parts=1), metrics=own, level=None)
    recipe = recipe.replace(outputs={name: output})
    targets = jnp.asarray(output.place_targets(read_all(arrays.targets[name])))
    spreads = spreads_of(recipe, arrays)
    found: dict[str, dict[str, MetricValue]] = {}
    for label, values in forecasts.items():
        numbers = np.asarray(values, np.float64).reshape(len(values), -1, output.head.units)
        if output.scale is not None:
            numbers = (numbers - np.array(output.scale.mean)) / np.array(output.scale.std)
        logits = jnp.asarray(output.place_targets(numbers))
        sums = metric_sums(output, logits, targets, None, training=False)
        sums = {key: np.asarray(total, np.float64) for key, total in sums.items()} | {"loss": 0.0}
        metrics = compute_metrics(recipe, {name: sums}, len(values), spreads, prefix=prefix)
        found[label] = {key: value for key, value in metrics.items() if not key.endswith("loss")}
    return found
