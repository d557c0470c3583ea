"""Callbacks: what follows a training, and what the loop itself is made of.

Input: plain records for those who report (`start`, `progress`, `epoch`, `done`), and the `Training` under way for
those who take part (`on_begin`, `on_tick`, `on_metrics`, `on_epoch_end`). Checkpoints, stopping, the learning rate that
follows a metric, metrics of held-out splits, TensorBoard, MLflow and Weights & Biases are callbacks like any user's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Record = Mapping[str, Any]
"""Plain data, ready for JSON."""


@dataclass(frozen=True)
class Tick:
    """A look at an epoch under way. `epoch` and `step` count from 1; `metrics` are those since its start. In the first
    epoch of an iterable of unknown length `steps` is 0 and `seconds_left` infinite.
    `is_compiling`: the next step has to be compiled first, such as that of a last batch of a smaller size."""

    epoch: int
    epochs: int
    step: int
    steps: int
    metrics: Mapping[str, Any]
    examples_per_second: float
    seconds_left: float
    is_compiling: bool = False


class Callback(Protocol):
    """Follows a training: what `netspec.train(…, callbacks=[…])` takes, and what the reporters of `netspec train` are.

    A user-defined class derives from this one and overrides what it needs, or has at least `start`, `progress`, `epoch`
    and `done`. They are called in the process that trains, between two steps: what takes long there makes the training
    longer. An exception in one ends the training. Every record is plain data, ready for JSON, except for the warnings
    of `start`.

    Example:
        class Print(netspec.Callback):
            def epoch(self, record):
                print(record["epoch"], record["loss"], record["metrics"]["val_accuracy"])

        netspec.train("net.net", callbacks=[Print()])
    """

    def start(self, record: Record) -> None:
        """Before the first step.

        `run` is the run folder; `epochs` those of the recipe, `epoch` the first one now (from 1; more than 1 after a
        resume, `is_resumed`); `steps` those of an epoch, `examples` those of training, `held_out` how many there are
        for `validation` and for the `test`, each None where an iterable of batches does not tell; `parameters` how many
        weights are trained or frozen, `trainable` how many are trained; `target_scales` has the `mean` and the `std` of
        targets that are normalized, and the names of their `columns`, by output: the loss is in standard deviations
        then; `device`; `warnings`, diagnostics.
        """
        return

    def progress(self, tick: Tick) -> None:
        """About three times a second, where an epoch takes that long, and before a step that has to be compiled."""
        return

    def epoch(self, record: Record) -> None:
        """After each epoch.

        `epoch` counts from 1; `seconds` are those of the epoch, `train_seconds` those of its steps alone; `loss` is
        that of training; `metrics` has the other metrics by name, those of validation as `val_…`; with
        `watch = gradients` there are `gradients` (training/step/gradient_stats.py), with a schedule that follows a
        metric the learning `rate`. A number that is not finite is None.
        """
        return

    def warning(self, diagnostic: Any) -> None:
        """When something about the training is worth a warning, such as a network that always predicts one class."""
        return

    def done(self, record: Record) -> None:
        """At the end, also after a signal; then the `event` is "interrupted".

        `run` is the run folder; `epochs` how many there were, `seconds` those of the run with all its parts; `metrics`
        are those of the saved weights, those of the test split as `test_…`, tables as lists of rows; `best_epoch` is
        that of these weights (None: the last), the best by the metric `watched`; `stopped_by` what ended the run before
        its last epoch; `class_names` the names of the classes by output; `baselines` the metrics of predictions without
        the network, by their names; `balance` the fraction of the training examples in each class, by output.
        """
        return

    def close(self) -> None:
        """When the training has ended in any way, also by an exception; after `done`, if that was called."""
        return


Reporter = Callback
"""The same, where a callback that reports to people is meant."""


class TrainingCallback(Callback):
    """A callback that also takes part in the training.

    Four more methods are given the `Training` (training/loop/loop.py): its `state`, its `progress`, its `engine`. They
    are called in the order of the callbacks, the loop's own first.
    """

    def on_begin(self, training: Any) -> None:
        """Data and state are ready, the state is the one to start or resume from."""

    def on_tick(self, training: Any) -> None:
        """Between two steps of an epoch, as often as `progress`; the losses so far are finite."""

    def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
        """After the steps of an epoch: `metrics` may be added to, and are not rounded or made plain yet."""

    def on_epoch_end(self, training: Any, record: dict[str, Any]) -> None:
        """When an epoch is closed, before `epoch`: the record is in the history, and the next epoch may begin."""


METHODS = ("start", "progress", "epoch", "done")
"""What every callback has."""
HOOKS = ("on_begin", "on_tick", "on_metrics", "on_epoch_end")
"""What some have."""


def _of_each(event: str) -> Any:
    """A method that calls that of every callback that has it."""

    def call(self: Several, *args: Any) -> None:
        for callback in self.callbacks:
            if (method := getattr(callback, event, None)) is not None:
                method(*args)

    return call


class Several(TrainingCallback):
    """Calls several callbacks, one after the other.

    Raises:
        TypeError: one of them lacks a method.
    """

    def __init__(self, callbacks: Iterable[Callback] = ()) -> None:
        self.callbacks = tuple(callbacks)
        for callback in self.callbacks:
            name = callback.__name__ if isinstance(callback, type) else type(callback).__name__
            if isinstance(callback, type):
                raise TypeError(f"a callback is an object, not a class: write {name}()")
            missing = [method for method in METHODS if not callable(getattr(callback, method, None))]
            if missing:
                raise TypeError(f"the callback {name} has no {missing[0]}(): derive it from netspec.Callback")

    start, progress, epoch, done = map(_of_each, METHODS)
    warning, close = _of_each("warning"), _of_each("close")
    on_begin, on_tick, on_metrics, on_epoch_end = map(_of_each, HOOKS)
