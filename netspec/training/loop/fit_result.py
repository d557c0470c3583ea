"""What a training gives: weights, metrics, and the record of every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flax import nnx

from netspec.language.diagnostics import Diagnostic
from netspec.storage.tree_paths import Weights
from netspec.training.step.engine import Engine


@dataclass(frozen=True)
class FitResult:
    """A trained network. `weights` are the best or the last ones, as `keep` says; `metrics` are theirs, with those on
    the test split.

    `history` has one record for each epoch; `best_epoch` counts from 1 and is None when the last weights are taken.
    `interrupted`: a signal ended the run early (`signal` is its name): it can be resumed; `run` is the folder.
    `thresholds` has the probabilities above which yes/no outputs predict yes, by output, where they are not 0.5.
    """

    engine: Engine = field(repr=False)
    weights: Weights = field(repr=False)
    history: tuple[Mapping[str, Any], ...]
    metrics: Mapping[str, Any]
    seconds: float
    best_epoch: int | None
    interrupted: bool
    run: Path | None
    signal: str | None = None
    warnings: tuple[Diagnostic, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        return len(self.history)

    @property
    def module(self) -> nnx.Module:
        """A live module with the weights."""
        return self.engine.plain_module(*self.weights)
