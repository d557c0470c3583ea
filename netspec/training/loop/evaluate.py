"""Evaluation and inference: metrics over a whole split, and predictions for new inputs.

Input: an engine, weights, and arrays. Output: metrics by name (`accuracy`, `rmse`, …), exact over the split: sums
of batches are added in double precision on the host. The last batch is padded, and the padding does not count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from math import ceil
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.data.dataset.dataset import Arrays
from netspec.data.prepare_batches import BatchSplit
from netspec.storage.tree_paths import Tree, Weights
from netspec.training.control.conformal import calibrated_margins, find_bounds
from netspec.training.control.threshold import BestThreshold, best_threshold
from netspec.training.feed.batch_feed import BatchFeed
from netspec.training.feed.device_data import Data, counted_steps, narrow, output_sums
from netspec.training.feed.prefetch import Stream, is_stream
from netspec.training.feed.spreads import spreads_of
from netspec.training.losses.distributions import Distribution
from netspec.training.metrics.base import Metric, MetricValue, Totals
from netspec.training.recipe.outputs import OutputRecipe
from netspec.training.recipe.recipe import Recipe
from netspec.training.step.engine import Engine

MAX_STREAMED_AHEAD = 2
"""Batches of streamed data that are dispatched to the device before one of them is waited for."""

MAX_BLOCK = 4096
"""Examples of a split that are in memory together, where what is computed of them is combined on the host."""

MIN_BATCH = 256
"""Inference needs little memory, so batches are at least this large."""


@dataclass(frozen=True)
class EvalSet:
    """A split ready for evaluation: on the device or streamed, in batches of `size`; with the spread of the targets,
    which is known after the evaluation where an iterable gives the batches."""

    data: Data | Stream | BatchFeed
    size: int
    known_spreads: Mapping[str, Any]

    @property
    def spreads(self) -> Mapping[str, Any]:
        return self.data.spreads if isinstance(self.data, BatchFeed) else self.known_spreads


def put_eval_set(engine: Engine, arrays: Arrays) -> EvalSet:
    """Transfer a split to the device for evaluation, in batches of a size that needs little padding."""
    if isinstance(arrays, BatchSplit):
        return EvalSet(engine.feed(arrays), arrays.passes.first_size, {})
    examples = len(arrays.inputs[engine.input_names[0]])
    batches = ceil(examples / max(_min_batch(engine.recipe), engine.recipe.batch))
    size = ceil(examples / batches)
    data = engine.feed(arrays) if is_stream(arrays) else engine.put_split(arrays, rows=batches * size)
    return EvalSet(data, size, spreads_of(engine.recipe, arrays))


def _min_batch(recipe: Recipe) -> int:
    """The number of examples from which on batches are computed. Where every pixel has a prediction, the features
    beside it take as much memory in inference as in training."""
    return recipe.batch if any(output.is_mask for output in recipe.outputs.values()) else MIN_BATCH


def measure(
    engine: Engine, weights: Weights, eval_set: EvalSet, *, prefix: str = "", tables: bool = False
) -> dict[str, MetricValue]:
    """The loss and every metric over a split; names begin with `prefix`; tables only with `tables`."""
    sums, scores = _scored(engine, weights, eval_set)
    examples, spreads = eval_set.data.examples, eval_set.spreads
    return compute_metrics(engine.recipe, sums, examples, spreads, scores, prefix=prefix, tables=tables)


def choose_thresholds(engine: Engine, weights: Weights, eval_set: EvalSet) -> dict[str, float]:
    """The thresholds of the yes/no outputs with the best metric over a split, where the recipe says to choose them."""
    setting, outputs = engine.recipe.threshold, engine.recipe.outputs
    if not isinstance(setting, BestThreshold):
        return {}
    assert isinstance(setting.metric, Metric)
    scores = {k: v for k, v in _scored(engine, weights, eval_set)[1].items() if outputs[k].is_yes_or_no}
    return {
        name: best_threshold(setting.metric, np.asarray(jax.nn.sigmoid(logits.reshape(-1))), labels.reshape(-1))
        for name, (logits, labels) in scores.items()
    }


def decide(engine: Engine, weights: Weights, eval_set: EvalSet) -> dict[str, float]:
    """Give the recipe of the engine the thresholds and the widths of intervals that follow from the validation split;
    the thresholds that were chosen."""
    chosen = choose_thresholds(engine, weights, eval_set)
    margins = calibrate_intervals(engine, weights, eval_set)
    if chosen or margins:
        engine.recipe = engine.recipe.with_thresholds(chosen).with_margins(margins)
    return chosen


def calibrate_intervals(engine: Engine, weights: Weights, eval_set: EvalSet) -> dict[str, tuple[float, ...]]:
    """By how much the ends of the intervals are moved apart, of the outputs with calibrated ones, in the units of the
    targets; from a split that was not trained on.

    Raises:
        CompileError: the split has too few examples (NS654).
    """
    outputs = {name: output for name, output in engine.recipe.outputs.items() if output.are_calibrated}
    scores = _scored(engine, weights, eval_set)[1] if outputs else {}
    return {name: _margins(output, *scores[name]) for name, output in outputs.items()}


def _margins(output: OutputRecipe, logits: Any, targets: Any) -> tuple[float, ...]:
    loss, std = output.loss, output.std
    logits = np.asarray(logits, np.float64).reshape(len(logits), *output.head.logits_shape)
    targets = np.asarray(targets, np.float64).reshape(len(logits), *output.head.shape)
    numbers = loss.parameters(logits) if isinstance(loss, Distribution) else logits
    low, high = find_bounds(loss, numbers, output.level, np.zeros(output.head.units)) or (numbers, numbers)
    assert output.level is not None
    return calibrated_margins(low * std, high * std, targets * std, output.level)


def _scored(engine: Engine, weights: Weights, eval_set: EvalSet) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sums over a split, and the scores and labels of the outputs that are needed one by one."""
    data, pending, batches, counts = eval_set.data, deque[Any](), list[Any](), list[int]()
    for arrays, begin, end, size in _batches(eval_set):
        pending.append(engine.score_program(*weights, arrays, np.int32(begin), np.int32(end), size))
        counts.append(min(size, end - begin))
        if not isinstance(data, Data) and len(pending) > MAX_STREAMED_AHEAD:
            batches.append(engine.placement.get(pending.popleft()))
    batches += engine.placement.get(list(pending))

    def total(*parts: Any) -> Any:
        is_whole = np.issubdtype(parts[0].dtype, np.integer)
        return np.sum(np.stack(parts), axis=0, dtype=np.int64 if is_whole else np.float64)

    sums = jax.tree.map(total, *(sums for sums, _ in batches))
    scores = {
        name: tuple(np.concatenate([b[1][name][i][:n] for b, n in zip(batches, counts, strict=True)]) for i in (0, 1))
        for name in batches[0][1]
    }
    return sums, scores


def _batches(eval_set: EvalSet) -> Iterator[tuple[tuple[Tree, Tree], int, int, int]]:
    """Arrays, where in them a batch begins, where those of them that count end, and the size of the batch. What is
    streamed comes batch by batch, padded as `put_split` pads a split."""
    data, size = eval_set.data, eval_set.size
    if isinstance(data, BatchFeed):
        with closing(data.batches(0, size=size)) as taken:
            yield from ((batch.arrays, 0, batch.examples, batch.size) for batch in taken)
        return
    begins = range(0, data.examples, size)
    if isinstance(data, Data):
        yield from ((data.arrays, begin, data.examples, size) for begin in begins)
        return
    rows = [np.arange(begin, begin + size) for begin in begins]
    with closing(data.batches([np.where(row < data.examples, row, 0) for row in rows])) as batches:
        for begin, batch in zip(begins, batches, strict=True):
            yield batch, 0, min(size, data.examples - begin), size


def evaluate(engine: Engine, weights: Weights, arrays: Arrays, *, prefix: str = "") -> dict[str, MetricValue]:
    """The loss, every metric and every table over a split."""
    return measure(engine, weights, put_eval_set(engine, arrays), prefix=prefix, tables=True)


def compute_metrics(
    recipe: Recipe,
    sums: Mapping[str, Any],
    examples: int,
    spreads: Mapping[str, Any],
    scores: Mapping[str, tuple[Any, ...]] | None = None,
    *,
    prefix: str = "",
    tables: bool = False,
) -> dict[str, MetricValue]:
    """Metrics from the sums over `examples`. Without `scores`, as in training, those that need them or take long are
    left out."""
    metrics: dict[str, MetricValue] = {f"{prefix}loss": 0.0}
    if "penalty" in sums:
        metrics[f"{prefix}penalty"] = float(sums["penalty"]) / examples
    for name, output in recipe.outputs.items():
        own = sums[name]
        # How many predictions the sums are over: the examples, or the time steps that are not padding, or the pixels.
        counted = max(1, int(own["counted"])) if "counted" in own else examples
        loss = float(own["loss"]) / ((float(own["weight"]) or 1.0) if "weight" in own else counted)
        metrics[f"{prefix}loss"] += output.weight * loss
        if recipe.takes_names:
            metrics[prefix + recipe.metric_name(name, "loss")] = loss
        ranks, labels = (scores or {}).get(name, (None, None))
        positions = output.head.positions if output.is_mask else output.head.shape[0] if output.head.padding else 1
        totals = Totals(
            sums=own,
            examples=examples,
            decisions=counted * output.decisions // positions,
            numbers=counted * output.head.count // positions,
            chooses=output.chooses,
            spread=spreads.get(name),
            scores=ranks,
            labels=labels,
        )
        for metric in output.metrics:
            is_missing = (metric.takes_scores and ranks is None) or (metric.takes_long and scores is None)
            is_missing |= metric.needs == "intervals" and output.are_calibrated and output.margins is None
            if is_missing or (metric.is_table and not tables):
                continue
            for key, column in recipe.reported(name, metric, prefix.removesuffix("_") or "train").items():
                own_totals = totals if column is None else totals.column(column, len(output.columns))
                metrics[prefix + key] = metric.value(own_totals)
    return metrics


def predict(engine: Engine, weights: Weights, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The predictions of a network: arrays by output, heads applied, rows in the order of the inputs.

    Args:
        engine: the network.
        weights: its weights.
        inputs: arrays by the names of the inputs, rows first.
    """
    columns = tuple(narrow(inputs[name]) for name in engine.input_names)
    parts = [
        {name: np.asarray(value)[:count] for name, value in engine.inference_program(*weights, rows).items()}
        for rows, count in _blocks(columns, min(MIN_BATCH, _min_batch(engine.recipe)))
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in engine.recipe.outputs}


def predict_split(engine: Engine, weights: Weights, arrays: Arrays) -> dict[str, Any]:
    """The predictions for a split, of which some examples at a time are in memory."""
    blocks_of = (np.arange(begin, min(begin + MAX_BLOCK, len(arrays))) for begin in range(0, len(arrays), MAX_BLOCK))
    parts = [predict(engine, weights, arrays.take(rows).loaded().inputs) for rows in blocks_of]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def measure_outputs(
    engine: Engine, outputs: Mapping[str, Any], arrays: Arrays, *, prefix: str = ""
) -> dict[str, MetricValue]:
    """The loss, every metric and every table over a split, from predictions of the network that are given: heads
    applied, numbers normalized as targets are."""
    recipe, names = engine.recipe, engine.input_names
    logits = {name: output.head.logits_of(np.asarray(outputs[name])) for name, output in recipe.outputs.items()}
    sums: dict[str, Any] = {}
    ranks: dict[str, list[tuple[Any, Any]]] = {name: [] for name in recipe.scored}
    for begin in range(0, len(arrays), MAX_BLOCK):
        rows = np.arange(begin, min(begin + MAX_BLOCK, len(arrays)))
        data = engine.put_split(arrays.take(rows).loaded())
        for name, output in recipe.outputs.items():
            given = jnp.asarray(logits[name][rows].reshape(-1, *output.head.logits_shape), jnp.float32)
            weights = counted_steps(output, data.inputs, names, jnp.ones(len(rows), bool))
            _, found = output_sums(output, given, data.targets[name], weights, training=False)
            found = jax.tree.map(np.asarray, found)
            sums[name] = jax.tree.map(np.add, sums[name], found) if name in sums else found
            if name in ranks:
                ranks[name].append((np.asarray(given).reshape(len(rows), -1), np.asarray(data.targets[name])))
    scores = {
        name: tuple(np.concatenate(column) for column in zip(*parts, strict=True)) for name, parts in ranks.items()
    }
    return compute_metrics(recipe, sums, len(arrays), spreads_of(recipe, arrays), scores, prefix=prefix, tables=True)


def _blocks(columns: tuple[Any, ...], most: int) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Batches, padded to a power of two so that few sizes are compiled, and how many of their rows count."""
    examples = len(columns[0])
    size = min(most, 1 << max(0, examples - 1).bit_length())
    for begin in range(0, max(1, examples), size):
        rows = [column[begin : begin + size] for column in columns]
        count = len(rows[0])
        missing = size - count
        filled = [np.concatenate([r, np.zeros((missing, *r.shape[1:]), r.dtype)]) if missing else r for r in rows]
        yield tuple(filled), count
