"""Who wants to know how training goes: the interface that the command line and notebooks implement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Record = Mapping[str, Any]
"""Plain data, ready for JSON."""


@dataclass(frozen=True)
class Tick:
    """A look at an epoch that is under way. `epoch` and `step` count from 1; `figures` are those since its start."""

    epoch: int
    epochs: int
    step: int
    steps: int
    figures: Mapping[str, Any]
    examples_per_second: float
    seconds_left: float


class Reporter(Protocol):
    """Follows a training."""

    def start(self, record: Record) -> None:
        """Before the first step: `{"event": "start", "run", "epochs", "steps", "examples", "parameters", …}`."""
        ...

    def progress(self, tick: Tick) -> None:
        """A few times a second."""
        ...

    def epoch(self, record: Record) -> None:
        """After each epoch: `{"event": "epoch", "epoch", "seconds", "train_seconds", "loss", "metrics"}`."""
        ...

    def done(self, record: Record) -> None:
        """At the end: `{"event": "done", "run", "epochs", "seconds", "metrics"}`; the event is "interrupted" after a
        signal."""
        ...


class Silent:
    """Says nothing."""

    def start(self, record: Record) -> None:
        pass

    def progress(self, tick: Tick) -> None:
        pass

    def epoch(self, record: Record) -> None:
        pass

    def done(self, record: Record) -> None:
        pass
