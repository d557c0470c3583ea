"""Who wants to know how training goes: the interface that the command line and notebooks implement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Record = Mapping[str, Any]
"""Plain data, ready for JSON."""


@dataclass(frozen=True)
class Tick:
    """A look at an epoch that is under way. `epoch` and `step` count from 1; `figures` are those since its start. When
    the next step has to be compiled, as that of a last batch of its own size, `is_compiling` says so."""

    epoch: int
    epochs: int
    step: int
    steps: int
    figures: Mapping[str, Any]
    examples_per_second: float
    seconds_left: float
    is_compiling: bool = False


class Callback(Protocol):
    """Follows a training: what `netspec.train(…, callbacks=[…])` takes, and what the reporters of `netspec train` are.

    A class of one's own has all four methods, or is made from `Silent` and has those that it needs. They are called in
    the process that trains, between two steps: what takes long there makes the training longer. An exception in one
    ends the training. Every record is plain data, ready for JSON, but for the warnings of `start`.

    Example:
        class Print(Silent):
            def epoch(self, record):
                print(record["epoch"], record["loss"], record["metrics"]["val_accuracy"])

        netspec.train("net.net", callbacks=[Print()])
    """

    def start(self, record: Record) -> None:
        """Before the first step.

        `run` is the run folder; `epochs` those of the recipe, `epoch` the first one now (from 1; more than 1 after a
        resume, `is_resumed`); `steps` those of an epoch, `examples` those of training, `parameters` how many weights
        are trained or frozen; `device`; `warnings`, diagnostics.
        """
        ...

    def progress(self, tick: Tick) -> None:
        """About three times a second, where an epoch takes that long, and before a step that has to be compiled."""
        ...

    def epoch(self, record: Record) -> None:
        """After each epoch.

        `epoch` counts from 1; `seconds` are those of the epoch, `train_seconds` those of its steps alone; `loss` is
        that of training; `metrics` has the other metrics by name, those of validation as `val_…`; with
        `watch = gradients` there are `gradients` (training/step/gradient_stats.py), with a schedule that follows a
        metric the learning `rate`. A number that is not finite is None.
        """
        ...

    def done(self, record: Record) -> None:
        """At the end, also after a signal; then the `event` is "interrupted".

        `run` is the run folder; `epochs` how many there were, `seconds` those of the run with all its parts; `metrics`
        are the figures of the weights that are kept, those of the test split as `test_…`, tables as lists of rows;
        `best_epoch` is that of these weights (None: the last); `stopped_by` what ended the run before its last epoch;
        `class_names` the names of the classes by output.
        """
        ...


METHODS = ("start", "progress", "epoch", "done")
"""What a callback has."""

Reporter = Callback
"""The same, where one is meant that tells people."""


class Silent:
    """Does nothing: what callbacks that need some of the four methods are made from."""

    def start(self, record: Record) -> None:
        pass

    def progress(self, tick: Tick) -> None:
        pass

    def epoch(self, record: Record) -> None:
        pass

    def done(self, record: Record) -> None:
        pass


class Several:
    """Tells several callbacks, one after the other.

    Raises:
        TypeError: one of them lacks a method.
    """

    def __init__(self, callbacks: Iterable[Callback]) -> None:
        self.callbacks = tuple(callbacks)
        for callback in self.callbacks:
            name = callback.__name__ if isinstance(callback, type) else type(callback).__name__
            if isinstance(callback, type):
                raise TypeError(f"a callback is an object, not a class: write {name}()")
            missing = [method for method in METHODS if not callable(getattr(callback, method, None))]
            if missing:
                raise TypeError(
                    f"the callback {name} has no {missing[0]}(): make it from netspec.training.loop.callback.Silent"
                )

    def start(self, record: Record) -> None:
        for callback in self.callbacks:
            callback.start(record)

    def progress(self, tick: Tick) -> None:
        for callback in self.callbacks:
            callback.progress(tick)

    def epoch(self, record: Record) -> None:
        for callback in self.callbacks:
            callback.epoch(record)

    def done(self, record: Record) -> None:
        for callback in self.callbacks:
            callback.done(record)
