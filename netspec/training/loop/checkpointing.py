"""When checkpoints are written, what is in them beside the state, and what a run is resumed from.

A run that is killed at any moment continues from its last checkpoint with the same numbers: the order of an epoch
follows from the seed and the epoch, everything else that matters is in the state.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.data.errors.streaming import OtherOrder
from netspec.data.prepare_batches import BatchSplit
from netspec.language.diagnostics import Diagnostic, fail
from netspec.language.record import Frozen
from netspec.storage import errors
from netspec.storage.checkpoints.file_store import FileStore
from netspec.storage.checkpoints.folder_store import say_to_all
from netspec.storage.checkpoints.orbax_store import OrbaxStore
from netspec.storage.checkpoints.store import CheckpointStore, MemoryStore
from netspec.storage.records import typed
from netspec.storage.run_folder import EpochRecord, Run
from netspec.storage.tree_paths import Tree, Weights
from netspec.training.feed.data_checksum import fingerprint
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.nonfinite import explain_weights, not_finite
from netspec.training.loop.run_state import Progress
from netspec.training.schedules import build_schedule
from netspec.training.step.engine import Engine, State

SAVE_SECONDS = 10.0
"""A checkpoint is written when this much time has passed, and at the end."""
MAX_SAVE_FRACTION = 0.05
"""Checkpoints that take long are written less often, so that they take at most this fraction of the time."""
COMPARED_STEPS = 64
"""At how many steps two schedule curves are compared."""


class Checkpointing(TrainingCallback):
    """Writes a checkpoint when it is time, and the best weights beside it; without a run folder, keeps one in memory.

    Args:
        engine: whose state it is.
        run: the folder, or None.
        save_seconds: the least time between two checkpoints; 0 writes one at every look and after every epoch.
    """

    def __init__(self, engine: Engine, run: Run | None, save_seconds: float) -> None:
        self.engine, self.run, self.save_seconds = engine, run, save_seconds
        self.store = self._make_store()
        self._averages: Tree | None = None
        self.saved_at = time.perf_counter()
        experiment = engine.experiment
        self.has_batches, self.always_repeats = isinstance(experiment.train, BatchSplit), True
        self.data_checksum = fingerprint(experiment.train, experiment.val, experiment.test) if run else ""

    def _make_store(self) -> CheckpointStore:
        placement, copy = self.engine.placement, self.engine.copy
        if self.run is None:
            return MemoryStore(copy)
        kind = OrbaxStore if placement.is_sharded else FileStore
        return kind(self.run.checkpoints, copy, self._publish, check_record, is_writer=placement.is_writer)

    # ------------------------------------------------------------ writing

    def on_tick(self, training: Any) -> None:
        if not self.has_batches and self._is_due():
            self.save(training)

    def on_epoch_end(self, training: Any, record: dict[str, Any]) -> None:
        if self.run:
            self.run.add_record(record)
        # In the middle of an epoch of an iterable nothing is saved, as it cannot be continued there.
        if training.is_ending or training.must_save or self.has_batches or self._is_due():
            self.save(training)

    def _is_due(self) -> bool:
        """Whether it is time; with `save_seconds` 0 it always is. Nobody waits for the disk. Of several processes the
        first one, which writes more than the others, decides for all.

        Raises:
            CompileError: the last checkpoint could not be written (NS490).
        """
        if not self.save_seconds:
            return True
        wait = max(self.save_seconds, self.store.seconds / MAX_SAVE_FRACTION)
        is_due = not self.store.is_busy() and time.perf_counter() - self.saved_at >= wait
        return bool(say_to_all("it is due" if is_due else "")[0])

    def save(self, training: Any) -> None:
        """Begin to write a checkpoint, and the weights to keep beside it, unless a number in them is not finite.

        Raises:
            CompileError: a weight is not finite (NS460), or the checkpoint before cannot be written (NS490).
        """
        if training.step > 0 and not_finite(self.engine, training.state):
            training.give_up(explain_weights(training.state, training.position(training.step - 1)))
        progress: Progress = training.progress
        is_best = progress.best_step == training.step
        best = None if training.best is None or is_best else tuple(training.best)
        weights = training.weights
        self._averages = None if weights.params is training.state["params"] else weights.params
        if self._averages is not None and best is None and self.engine.placement.is_sharded:
            best = tuple(weights)  # to be read from the checkpoint, as no process can compute them alone
        record = {**progress.as_json(), **training.elapsed(), **self.identity(), **self._batches()}
        self.store.save(training.step, training.state, best, record)
        self.saved_at, training.must_save = time.perf_counter(), False

    def _batches(self) -> dict[str, Any]:
        """What is known of an iterable: the checksum of its first batch, and whether it is the same each time."""
        train = self.engine.experiment.train
        if not isinstance(train, BatchSplit):
            return {}
        self.always_repeats &= train.passes.repeats
        return {"batches": {"first": train.passes.looked, "repeats": self.always_repeats}}

    def _publish(self, state: State, best: Tree | None) -> None:
        """Write the weights to keep of a checkpoint. The store calls this before it begins with the next one."""
        assert self.run is not None
        params = state["params"] if self._averages is None else self._averages
        self.run.write_weights(Weights(*(best or (params, state["other"]))))

    def identity(self) -> dict[str, Any]:
        """What a checkpoint belongs to: the spec, the recipe, and the data."""
        experiment = self.engine.experiment
        return {
            "spec": experiment.spec_hash,
            "recipe": experiment.recipe.describe(),
            "examples": experiment.examples,
            "data": self.data_checksum,
        }

    # ------------------------------------------------------------ resuming

    def resume(self, training: Any) -> tuple[Diagnostic, ...]:
        """Continue from the newest checkpoint that can be read, or from the beginning when nothing was saved yet.

        Returns:
            Warnings about it.

        Raises:
            CompileError: there is none, or the settings or data have changed (NS470 to NS478).
        """
        assert self.run is not None, "only a run folder can be resumed"
        snapshot = self.store.restore(training.state, tuple(training.weights))
        warnings: list[Diagnostic] = []
        if snapshot is not None:
            warnings = [*snapshot.warnings, *self._check_same(snapshot.record)]
        elif (self.run.path / "weights.safetensors").exists():  # they are written after the first checkpoint only
            raise fail(errors.NoCheckpoint(run=str(self.run.path)))
        else:
            warnings = [errors.StartsAgain(run=str(self.run.path))]
        for warning in warnings:
            self.run.log(f"{warning.code}: {warning.message}")
        if snapshot is not None:
            training.state = self.engine.placement.put(snapshot.state)
            training.progress = Progress.from_json(snapshot.record)
            if training.progress.best_epoch is not None:
                training.best = Weights(*(snapshot.best or self.engine.copy(tuple(training.weights))))
        self.run.write_history(training.progress.history)
        self.run.add_checksums()
        return tuple(warnings)

    def _check_same(self, record: Mapping[str, Any]) -> list[Diagnostic]:
        """Only `epochs` may change when a run is resumed; a warning where that changes the learning rate.

        Raises:
            CompileError: other settings (NS472) or data (NS478) than those of the checkpoint.
        """
        if differences := changes(record, self.identity()):
            raise fail(errors.OtherSettings(changes=differences))
        if record["data"] != self.data_checksum:
            raise fail(errors.OtherData())
        warnings = self._check_order(record)
        recipe, steps, before = self.engine.recipe, self.engine.steps_per_epoch, record["recipe"]["epochs"]
        compared = min(before, recipe.epochs) * steps
        old, new = (build_schedule(recipe.schedule, steps, epochs * steps) for epochs in (before, recipe.epochs))
        looks = range(0, compared, max(1, compared // COMPARED_STEPS))
        if before == recipe.epochs or all(abs(old(i) - new(i)) < 1e-6 for i in looks):
            return warnings
        words = " -> ".join(word.to_source() for word in recipe.schedule)
        return [*warnings, errors.LongerSchedule(schedule=words, before=before, now=recipe.epochs)]

    def _check_order(self, record: Mapping[str, Any]) -> list[Diagnostic]:
        """A warning where an iterable gives other batches than without the interruption (NS669)."""
        train, before = self.engine.experiment.train, record.get("batches")
        if not isinstance(train, BatchSplit) or before is None:
            return []
        self.always_repeats = bool(before["repeats"])
        if before["first"] != train.passes.looked:
            return [OtherOrder(case="other")]
        return [] if self.always_repeats else [OtherOrder(case="varies")]


class CheckpointRecord(Frozen):
    """What a checkpoint belongs to, as far as it is compared."""

    recipe: dict[str, Any]
    examples: int
    data: str


def check_record(record: dict[str, Any], file: Path) -> None:
    """Raises CompileError unless the record of a checkpoint has every key, with a value of its type (NS475)."""
    typed(record, CheckpointRecord, file)
    typed(record["recipe"].get("epochs"), int, file)
    typed(record, Progress, file)
    if missing := [name for name in Progress.__dataclass_fields__ if name not in record]:
        raise errors.damaged(file, f"it lacks `{missing[0]}`")
    typed(record.get("history"), list[EpochRecord], file)


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between the recipes of a run and its continuation, in words; empty when nothing does."""
    old, new = before["recipe"], now["recipe"]
    differences = [
        f"`{key}` was {old.get(key)} and is {new.get(key)}"
        for key in dict.fromkeys([*old, *new])
        if key != "epochs" and old.get(key) != new.get(key)
    ]
    if before["examples"] != now["examples"]:
        differences.append(f"there were {before['examples']} training examples and are {now['examples']}")
    return "; ".join(differences)
