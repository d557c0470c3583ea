"""Signals while training, in this process."""

from __future__ import annotations

import signal
import threading

import pytest

from netspec.train.signals import listening


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_leaves(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises((KeyboardInterrupt, SystemExit)), listening() as interruption:
        assert not interruption.requested
        signal.raise_signal(number)
        assert interruption.requested and interruption.signal == number.name
        interruption.handle(number, None)  # a real one may come inside a garbage collection, which swallows it
    assert signal.getsignal(number) is before


def test_other_threads_leave_the_handlers_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    found = []

    def work() -> None:
        with listening() as interruption:
            found.append((interruption.requested, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(False, before)]
