"""What processes agree on, and how they learn of each other's end; both ends of a connection are in this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from netspec.language.diagnostics import CompileError, Diagnostic
from netspec.training.distributed import peers as module
from netspec.training.distributed.channel import Channel
from netspec.training.distributed.looks import Looks
from netspec.training.distributed.peers import Alone, Peers


class Pair:
    """Process 0 and process 1."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = socket.create_connection(server.getsockname())
            accepted, _ = server.accept()
        self.losses: list[tuple[int, Diagnostic]] = []
        places = {0: "process 10 on a", 1: "process 11 on b"}
        self.ends = [Channel(accepted), Channel(client)]
        self.first, self.second = (
            Peers(i, 2, {1 - i: self.ends[i]}, places, lambda lost, i=i: self.losses.append((i, lost)))  # type: ignore[misc]
            for i in (0, 1)
        )


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(module, "VERDICT_SECONDS", 0.5)
    made = Pair()
    yield made
    for end in made.ends:
        end.close()


def test_values_are_gathered_in_order(pair: Pair) -> None:
    posted = [(pair.second.post([1, "b", step]), pair.first.post([0, "a", step])) for step in range(3)]
    for step, (of_second, of_first) in enumerate(posted):
        expected = [[0, "a", step], [1, "b", step]]
        assert pair.first.collect(of_first) == expected == pair.second.collect(of_second)


def test_alone_everything_is_agreed() -> None:
    assert Alone().gather("x") == ["x"] and Alone().first(3) == 3


def test_the_end_of_a_process_is_noticed_at_once(pair: Pair) -> None:
    posted = pair.first.post(1)
    began = time.monotonic()
    pair.ends[1].close()
    with pytest.raises(CompileError, match=r"process 1 of 2 \(process 11 on b\) has ended without a message"):
        pair.first.collect(posted)
    assert time.monotonic() - began < 2
    for _ in range(50):
        if 0 in dict(pair.losses):
            break
        time.sleep(0.1)
    assert 0 in dict(pair.losses)  # the main thread has not ended the process by itself: the callback does


def test_a_process_that_leaves_is_not_lost(pair: Pair) -> None:
    pair.second.leave()
    pair.ends[1].close()
    time.sleep(0.5)
    assert pair.first.lost is None and pair.losses == []


def test_the_same_error_in_both_is_reported_by_the_first_alone(pair: Pair) -> None:
    told: list[bool] = []
    waits = threading.Thread(target=lambda: told.append(pair.second.report_failure("NS515: gone")))
    waits.start()
    assert pair.first.report_failure("NS515: gone") is False
    waits.join(5)
    assert told == [True]


def test_an_error_of_one_process_is_its_own_and_ends_the_other(pair: Pair) -> None:
    assert pair.second.report_failure("NS490: disk full") is False
    with pytest.raises(CompileError, match="NS490: disk full"):
        pair.first.gather(0)


def test_all_stop_at_the_same_call_after_a_signal_in_one(pair: Pair) -> None:
    signals: list[str | None] = [None, None]
    stops: list[int] = [0, 0]
    looked: list[list[int]] = [[], []]

    def train(process: int) -> None:
        group = (pair.first, pair.second)[process]
        looks = Looks(group, lambda: signals[process])
        for call in range(1, 400):
            time.sleep(0.001 * (1 + process))  # their speeds differ
            if call == 100 and process == 1:
                signals[1] = "SIGTERM"
            if looks.after_call(is_due=call % 7 == 0 and process == 0):
                looked[process].append(call)
            if looks.stopped_by is not None:
                stops[process] = call
                assert looks.stopped_by == "SIGTERM"
                return

    threads = [threading.Thread(target=train, args=(process,)) for process in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert stops[0] == stops[1] > 100
    assert looked[0] == looked[1]
