"""Signals while training, in this process."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from netspec.training.loop.signals import SIGNALS, listening, status_of

pytestmark = pytest.mark.usefixtures("default_signals")


@pytest.mark.parametrize("number", SIGNALS)
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


def test_the_status_is_the_one_that_shells_give() -> None:
    assert [status_of(name) for name in ("SIGINT", "SIGTERM", "SIGHUP")] == [130, 143, 129]


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening() as interruption:
            signal.raise_signal(signal.SIGHUP)
            assert not interruption.requested
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


NOHUP = """
import os, signal, sys
from netspec.training.loop.signals import listening
with listening() as interruption:
    os.kill(os.getpid(), signal.SIGHUP)
    sys.exit(7 if interruption.requested else 0)
"""


@pytest.mark.parametrize(("handler", "status"), [(signal.SIG_IGN, 0), (signal.SIG_DFL, 7)], ids=["nohup", "plain"])
def test_a_program_under_nohup_outlives_its_terminal(handler: signal.Handlers, status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOHUP], preexec_fn=lambda: signal.signal(signal.SIGHUP, handler), check=False
    )
    assert done.returncode == status
