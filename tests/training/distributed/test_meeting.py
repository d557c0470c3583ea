"""Processes that meet, or say within their time who is missing; threads stand for the processes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from netspec.language.diagnostics import CompileError
from netspec.training.distributed.channel import free_port
from netspec.training.distributed.environments.membership import Membership
from netspec.training.distributed.meeting import Stopped, join_first, wait_for_others
from netspec.training.distributed.processes import _resolved


def member(process: int, count: int, *ports: int, job: str = "7") -> Membership:
    return Membership(process=process, count=count, host="127.0.0.1", ports=ports, source="a test", job=job)


def side_by_side(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returns or raises, in threads of their own."""
    results: list[Any] = [None] * len(calls)

    def run(index: int) -> None:
        try:
            results[index] = calls[index]()
        except (CompileError, Stopped) as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    return results


def code_of(error: Any) -> str:
    return error.diagnostics[0].code if isinstance(error, CompileError) else ""


def test_all_meet_and_learn_the_port_of_the_service() -> None:
    port = free_port()
    first, *others = side_by_side(
        lambda: wait_for_others(member(0, 3, port), lambda: 1234, 10),
        lambda: join_first(member(1, 3, port), 10),
        lambda: join_first(member(2, 3, port), 10),
    )
    joined, service = first
    assert service == 1234 and sorted(joined) == [1, 2]
    assert [answer["service"] for _, answer in others] == [1234, 1234]


def test_missing_processes_are_named_and_the_others_told() -> None:
    port = free_port()
    began = time.monotonic()
    first, second = side_by_side(
        lambda: wait_for_others(member(0, 4, port), lambda: 1, 1.5), lambda: join_first(member(1, 4, port), 1.5)
    )
    assert code_of(first) == "NS580"
    assert "2 of 4 processes" in str(first) and "process 2, process 3" in str(first)
    assert isinstance(second, Stopped) and str(second) == first.diagnostics[0].message
    assert time.monotonic() - began < 8


def test_nobody_at_the_address() -> None:
    with pytest.raises(CompileError) as error:
        join_first(member(1, 2, free_port()), 0.5)
    assert code_of(error.value) == "NS581" and "connection refused" in str(error.value)


def test_a_program_that_is_not_ours_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        with pytest.raises(CompileError) as error:
            join_first(member(1, 2, server.getsockname()[1]), 0.5)
    assert code_of(error.value) == "NS581"


def test_a_name_that_does_not_resolve_is_said_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(CompileError) as error:
        _resolved(member(1, 2, 99).replace(host="no-such-node.invalid"))
    assert code_of(error.value) == "NS581" and "no-such-node.invalid" in str(error.value)
    assert time.monotonic() - began < 10


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("", 0)) as server, pytest.raises(CompileError) as error:
        wait_for_others(member(0, 2, server.getsockname()[1]), lambda: 1, 1)
    assert code_of(error.value) == "NS581" and "in use" in str(error.value)


def test_another_port_is_taken_where_the_environment_names_several() -> None:
    with socket.create_server(("", 0)) as taken:
        ports = (taken.getsockname()[1], free_port())
        first, second = side_by_side(
            lambda: wait_for_others(member(0, 2, *ports), lambda: 5, 10), lambda: join_first(member(1, 2, *ports), 10)
        )
    assert first[1] == 5 and second[1]["service"] == 5


def test_a_process_of_another_job_does_not_join() -> None:
    port = free_port()
    first, stranger, own = side_by_side(
        lambda: wait_for_others(member(0, 2, port), lambda: 5, 10),
        lambda: join_first(member(1, 2, port, job="8"), 1),
        lambda: (time.sleep(0.3), join_first(member(1, 2, port), 10))[1],
    )
    assert first[1] == 5 and own[1]["service"] == 5
    assert code_of(stranger) == "NS581"


@pytest.mark.parametrize(
    ("second", "said"), [((1, 3), "one of 3 processes"), ((0, 2), "two processes with the number 0")]
)
def test_processes_that_contradict_each_other(second: tuple[int, int], said: str) -> None:
    port = free_port()
    first, other = side_by_side(
        lambda: wait_for_others(member(0, 2, port), lambda: 5, 5), lambda: join_first(member(*second, port), 5)
    )
    assert code_of(first) == "NS582" and said in str(first)
    assert code_of(other) == "NS582" or isinstance(other, Stopped)
