"""Ctrl-C and SIGTERM while training: the first asks for a tidy end, the second leaves at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether an end was asked for, and by which signal."""

    def __init__(self) -> None:
        self.signal: str | None = None

    @property
    def requested(self) -> bool:
        return self.signal is not None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler.

        Raises:
            KeyboardInterrupt: on the second SIGINT.
            SystemExit: on the second SIGTERM, with the status that shells give it.
        """
        if self.signal is None:
            self.signal = signal.Signals(number).name
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(128 + number)


@contextmanager
def listening() -> Iterator[Interruption]:
    """Listen for SIGINT and SIGTERM; the handlers from before come back at the end.

    Only the main thread of Python may set handlers: elsewhere nothing is listened for.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, interruption.handle)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            # None stands for a handler that Python did not set and cannot set again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
