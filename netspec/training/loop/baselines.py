"""What forecasts without a network would have as metrics: what those of the network are compared with.

Input: forecasts by name, and the targets of a split. Output: the metrics of each, as `evaluate` computes those of the
network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import read_all
from netspec.training.experiment import Experiment
from netspec.training.feed.device_data import metric_sums
from netspec.training.feed.spreads import spreads_of
from netspec.training.loop.evaluate import compute_metrics
from netspec.training.losses.regression import Mse
from netspec.training.metrics.base import MetricValue
from netspec.training.recipe.recipe import Recipe


def held_out_baselines(recipe: Recipe, experiment: Experiment) -> dict[str, dict[str, MetricValue]]:
    """The metrics of forecasts without the network, on the split that the final metrics of a training are of."""
    part = next((part for part in ("test", "val") if getattr(experiment, part) is not None), None)
    return {} if part is None else baselines_of(recipe, experiment, part)


def baselines_of(recipe: Recipe, experiment: Experiment, part: str) -> dict[str, dict[str, MetricValue]]:
    """The metrics of forecasts without the network on a split (`train`, `val`, `test`), by the names of the forecasts;
    none where there are no such forecasts."""
    arrays, forecasts = getattr(experiment, part), experiment.baselines.get(part)
    return {} if arrays is None or not forecasts else baseline_metrics(recipe, arrays, forecasts, prefix=f"{part}_")


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
