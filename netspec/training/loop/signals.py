"""Ctrl-C, SIGTERM, a terminal that closes, and SIGUSR1, with which schedulers announce that they will take the machine:
the first ends training cleanly, the second exits at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name)]


class Interruption:
    """Whether an interrupt was requested, and by which signal."""

    def __init__(self) -> None:
        self.signal: str | None = None

    @property
    def requested(self) -> bool:
        return self.signal is not None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler.

        Raises:
            KeyboardInterrupt: on the second SIGINT.
            SystemExit: on the second of another kind, with the status that shells give it.
        """
        if self.signal is None:
            self.signal = signal.Signals(number).name
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(status_of(signal.Signals(number).name))


def status_of(name: str) -> int:
    """The exit status that shells give a process that a signal ends: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + signal.Signals[name]


@contextmanager
def listening() -> Iterator[Interruption]:
    """Listen for signals that end a program; the handlers from before come back at the end.

    Only the main thread of Python may set handlers: elsewhere nothing is listened for. What is ignored on purpose
    (`nohup`, a job in the background of a script) stays so.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, interruption.handle)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            # None is a handler that Python did not set and cannot set again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
