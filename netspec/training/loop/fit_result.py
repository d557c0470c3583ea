"""What a training gives: weights, metrics, and the record of every epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
from flax import nnx

from netspec.data.prepare_batches import BatchSplit
from netspec.language.diagnostics import Diagnostic
from netspec.storage.tree_paths import Weights
from netspec.training.feed.batch_feed import BatchFeed
from netspec.training.step.engine import Engine


class History(tuple[Mapping[str, Any], ...]):
    """One record for each epoch, in order; and by the name of a metric its values over the epochs.

    `history["val_loss"]` is a list for a plot, `history.columns` a dict of all of them for a data frame. A value that
    is not finite, or was not measured, is NaN there.
    """

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        columns = self.columns
        if key not in columns:
            raise KeyError(f"no metric `{key}`: there are {', '.join(columns)}")
        return columns[key]

    @property
    def columns(self) -> dict[str, list[float]]:
        """`epoch`, `loss`, each metric (`accuracy`, `val_accuracy`, …) and `seconds`, as lists of equal length."""
        rows = [
            {"epoch": row["epoch"], "loss": row["loss"], **row["metrics"], "seconds": row["seconds"]} for row in self
        ]
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: [math.nan if row.get(name) is None else row[name] for row in rows] for name in names}


@dataclass(frozen=True)
class FitResult:
    """A trained network. `weights` are the best or the last ones, as `keep` says; `metrics` are theirs, with those on
    the test split.

    `history` has one record for each epoch, and by name the values of each metric; `best_epoch` counts from 1 and is
    None when the last weights are taken. `interrupted`: a signal ended the run early (`signal` is its name): it can
    be resumed; `run` is the folder.
    `baselines` has by name the metrics of forecasts without a network on the same split: of the last value, or of the
    most frequent class and the mean of the training split.
    `thresholds` has the probabilities above which yes/no outputs predict yes, by output, where they are not 0.5.
    """

    engine: Engine = field(repr=False)
    weights: Weights = field(repr=False)
    history: History
    metrics: Mapping[str, Any]
    seconds: float
    best_epoch: int | None
    interrupted: bool
    run: Path | None
    signal: str | None = None
    warnings: tuple[Diagnostic, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        return len(self.history)

    @property
    def margins(self) -> Mapping[str, tuple[float, ...]]:
        """By output how far the ends of calibrated intervals are moved apart, for each target."""
        return self.engine.recipe.margins

    @property
    def module(self) -> nnx.Module:
        """A live module with the weights."""
        return self.engine.plain_module(*self.weights)


def start_record(training: Any, warnings: Sequence[Diagnostic], *, is_resumed: bool) -> dict[str, Any]:
    """What callbacks are told before the first step of a `Training` (loop.py)."""
    engine, recipe, data, experiment = training.engine, training.recipe, training.data, training.engine.experiment
    held_out, is_given = {"validation": experiment.val, "test": experiment.test}, isinstance(data, BatchFeed)
    return {
        "event": "start",
        "run": str(training.run.path) if training.run else None,
        "epochs": recipe.epochs,
        "epoch": training.progress.epoch + 1,
        "is_resumed": is_resumed,
        "steps": data.steps if is_given else engine.steps_per_epoch,
        "examples": None if is_given else data.examples,
        "held_out": {
            name: None if isinstance(part, BatchSplit) else len(part)
            for name, part in held_out.items()
            if part is not None
        },
        "parameters": sum(x.size for x in jax.tree.leaves(training.state["params"])),
        "trainable": engine.trainable(training.state["params"]),
        "target_scales": recipe.target_scales,
        "device": engine.placement.description,
        "warnings": warnings,
    }
