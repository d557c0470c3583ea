"""When the processes of a training look at an epoch under way, and whether they stop: at the same step.

Each process posts every few calls whether it is time for a look and whether a signal has come; what all have posted is
collected as many calls later, when it has long arrived: no step waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from netspec.training.distributed.peers import Alone

EXCHANGE_SECONDS = 0.1
"""About how often values are exchanged."""
MAX_CALLS = 64


class Looks:
    """The looks at the epochs of a run.

    Args:
        peers: the processes.
        signal: the signal that has come to this process, if one has.
    """

    def __init__(self, peers: Alone, signal: Callable[[], str | None]) -> None:
        self._peers, self._signal = peers, signal
        self._posted: Any = None
        self._calls, self._every, self._exchanged = 0, 1, time.perf_counter()
        self.stopped_by: str | None = None
        """The signal that ends the training, in every process."""

    def after_call(self, is_due: bool) -> bool:
        """After each call of a program: whether all processes look now, as process 0 found it to be `is_due`."""
        if self._peers.count == 1:
            return is_due
        self._calls += 1
        if self._calls < self._every:
            return False
        is_agreed = False
        if self._posted is not None:
            values = self._peers.collect(self._posted)
            is_agreed, self._every = values[0][0], values[0][2]
            self._stop_by([value[1] for value in values])
        now = time.perf_counter()
        per_call = (now - self._exchanged) / self._calls
        calls = max(1, min(MAX_CALLS, int(EXCHANGE_SECONDS / max(per_call, 1e-6))))
        self._posted = self._peers.post([is_due, self._signal(), calls])
        self._calls, self._exchanged = 0, now
        return is_agreed

    @property
    def is_stopping(self) -> bool:
        """Whether the training ends after this call: a single process sees a signal at once, also one that a callback
        has raised; several when all of them know of it."""
        if self._peers.count == 1:
            self.stopped_by = self._signal()
        return self.stopped_by is not None

    def between_epochs(self) -> bool:
        """Whether a signal has come to any process."""
        self._stop_by(self._peers.gather(self._signal()))
        return self.stopped_by is not None

    def _stop_by(self, signals: list[str | None]) -> None:
        self.stopped_by = self.stopped_by or next(filter(None, signals), None)
