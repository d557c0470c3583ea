"""How the processes of a training meet before JAX starts.

Process 0 listens at the address of the coordinator, the others connect. Within `WAIT_SECONDS` all are there, and
process 0 tells them where the coordination service of JAX is; or every one of them stops with a message that names
those that are missing. JAX itself waits in silence, for minutes.
"""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from netspec._version import __version__
from netspec.language.diagnostics import CompileError, Diagnostic, fail
from netspec.training.distributed.channel import Channel, Message, listen
from netspec.training.distributed.environments.membership import Membership
from netspec.training.errors import distributed as errors

WAIT_SECONDS = 25.0
"""How long the processes wait for each other."""
ANSWER_SECONDS = 3.0
"""How much longer the others wait for what process 0 says then."""
PAUSE = 0.2
MAX_NAMES = 8
"""Missing processes that a message names."""


def introduction(membership: Membership) -> Message:
    """What a process says of itself."""
    return {
        "netspec": __version__,
        "jax": version("jax"),
        "job": membership.job,
        "process": membership.process,
        "count": membership.count,
        "pid": os.getpid(),
        "host": platform.node(),
    }


def where(message: Message) -> str:
    """The process of an introduction, for people."""
    return f"process {message['pid']} on {message['host']}"


# ---------------------------------------------------------------- process 0


def wait_for_others(
    membership: Membership, start_service: Callable[[], int], seconds: float = WAIT_SECONDS
) -> tuple[dict[int, tuple[Channel, Message]], int]:
    """As process 0: the channels to the others with their introductions, and the port of the service that
    `start_service` starts.

    Raises:
        CompileError: the port is taken (NS581), some do not come (NS580), or differ (NS582).
    """
    own, deadline = introduction(membership), time.monotonic() + seconds
    try:
        server = listen(membership.ports)
    except OSError as error:
        raise fail(not_reached(membership, error.strerror or str(error), case="port")) from error
    joined: dict[int, tuple[Channel, Message]] = {}
    with server:
        port = start_service()
        try:
            while len(joined) < membership.count - 1:
                came = _accept(server, deadline)
                if came is None:
                    raise fail(_missing(membership, joined, seconds))
                channel, message = came
                if message.get("job") != own["job"] or "process" not in message:
                    channel.send({"refused": "another job"})
                    channel.close()
                    continue
                joined.setdefault(message["process"], came)
                if difference := _difference(own, message, is_twice=joined[message["process"]] is not came):
                    channel.send({"refused": difference})
                    raise fail(errors.ProcessesDiffer(process=message["process"], difference=difference))
                channel.send({"welcome": True})
        except CompileError as error:
            for channel, _ in joined.values():
                channel.send({"stop": error.diagnostics[0].message})
                channel.close()
            raise
    for channel, _ in joined.values():
        channel.send({"service": port, "host": own["host"], "pid": own["pid"]})
    return joined, port


def _accept(server: socket.socket, deadline: float) -> tuple[Channel, Message] | None:
    """The next process that introduces itself; None after the deadline. What else connects is ignored."""
    while (left := deadline - time.monotonic()) > 0:
        server.settimeout(left)
        try:
            connection, _ = server.accept()
            channel = Channel(connection)
            message = channel.receive(timeout=min(left, ANSWER_SECONDS))
        except TimeoutError:
            continue
        if message is not None:
            return channel, message
    return None


def _difference(own: Message, other: Message, *, is_twice: bool) -> str:
    """In what a process differs from process 0, in words; empty where it does not."""
    if other["count"] != own["count"]:
        return f"it was started as one of {other['count']} processes, process 0 as one of {own['count']}"
    if is_twice or other["process"] == 0:
        return f"there are two processes with the number {other['process']}; the second is {where(other)}"
    for name in ("netspec", "jax"):
        if other[name] != own[name]:
            return f"it has {name} {other[name]}, process 0 has {own[name]}"
    return ""


def _missing(membership: Membership, joined: dict[int, Any], seconds: float) -> Diagnostic:
    absent = [number for number in range(1, membership.count) if number not in joined]
    names = [f"process {number}" for number in absent[:MAX_NAMES]]
    names += [f"{len(absent) - MAX_NAMES} more"] if len(absent) > MAX_NAMES else []
    return errors.ProcessesMissing(
        missing=len(absent), count=membership.count, seconds=round(seconds), names=", ".join(names),
        coordinator=membership.coordinator,
    )  # fmt: skip


# ---------------------------------------------------------------- the others


class Stopped(Exception):
    """Process 0 has reported why the training does not start."""


def join_first(membership: Membership, seconds: float = WAIT_SECONDS) -> tuple[Channel, Message]:
    """As another process: the channel to process 0, and its answer.

    Raises:
        CompileError: process 0 is not reached (NS581), or refuses this process (NS582).
        Stopped: process 0 has stopped, with a message of its own.
    """
    deadline, reason = time.monotonic() + seconds, "it does not answer"
    while time.monotonic() < deadline:
        for port in membership.ports:
            try:
                channel = Channel(socket.create_connection((membership.host, port), timeout=ANSWER_SECONDS))
            except socket.gaierror as error:
                reason = error.strerror or "the name is not known"
                raise fail(not_reached(membership, reason, case="name")) from error
            except OSError as error:
                reason = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()
                continue
            channel.send(introduction(membership))
            answer = _answer(channel, deadline)
            if answer is not None and "service" in answer:
                return channel, answer
            channel.close()
            if answer is not None and "stop" in answer:
                raise Stopped(answer["stop"])
            if answer is not None and answer.get("refused") not in (None, "another job"):
                difference = str(answer["refused"])
                raise fail(errors.ProcessesDiffer(process=membership.process, difference=difference))
            reason = "another program listens there"
        time.sleep(PAUSE)
    raise fail(not_reached(membership, reason, seconds=seconds))


def _answer(channel: Channel, deadline: float) -> Message | None:
    """What process 0 says when all have come or the time is over; None from another program."""
    try:
        answer = channel.receive(timeout=ANSWER_SECONDS)
        if answer is not None and "welcome" in answer:
            answer = channel.receive(timeout=max(0.1, deadline - time.monotonic()) + ANSWER_SECONDS)
    except TimeoutError:
        return None
    return answer


def not_reached(membership: Membership, reason: str, *, case: str = "", seconds: float = 0) -> Diagnostic:
    """The error (NS581) for an address at which the processes cannot meet: `case` is one of those of its title, and
    `seconds` how long this process has tried."""
    return errors.CoordinatorNotReached(
        case=case, process=membership.process, count=membership.count, coordinator=membership.coordinator,
        host=membership.host, reason=reason, seconds=round(seconds),
    )  # fmt: skip
