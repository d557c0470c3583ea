"""A connection between two processes: records of JSON, one a line.

The operating system notices the end of a process at once, and that of a machine within `DEAD_SECONDS`.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

Message = dict[str, Any]

IDLE_SECONDS, PROBE_SECONDS, PROBES = 4, 2, 4
DEAD_SECONDS = IDLE_SECONDS + PROBE_SECONDS * PROBES
"""After this time without an answer of its operating system a machine counts as dead."""


class Channel:
    """One end of a connection. Any thread may send; one reads."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._sending = connection, threading.Lock()
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        limits = {"TCP_KEEPIDLE": IDLE_SECONDS, "TCP_KEEPINTVL": PROBE_SECONDS, "TCP_KEEPCNT": PROBES}
        limits["TCP_USER_TIMEOUT"] = DEAD_SECONDS * 1000  # milliseconds: of what was sent and not acknowledged
        for name, value in limits.items():
            if hasattr(socket, name):  # not on every system
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._lines = connection.makefile("r", encoding="utf-8", newline="\n")

    def send(self, message: Message) -> None:
        """Send a record; to a process that has ended, nothing."""
        with self._sending, suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, timeout: float | None = None) -> Message | None:
        """The next record; None when the other process has ended, or is not one of netspec.

        Raises:
            TimeoutError: nothing has come within `timeout` seconds. The channel cannot be read any more then.
        """
        self._connection.settimeout(timeout)
        try:
            line = self._lines.readline()
            message = json.loads(line) if line.endswith("\n") else None
        except TimeoutError:
            raise
        except (OSError, ValueError):
            return None
        finally:
            with suppress(OSError):
                self._connection.settimeout(None)
        return message if isinstance(message, dict) else None

    def messages(self) -> Iterator[Message]:
        """Every record up to the end of the other process."""
        while (message := self.receive()) is not None:
            yield message

    def close(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def listen(ports: tuple[int, ...]) -> socket.socket:
    """A socket that listens at the first free port, on every address of this machine.

    Raises:
        OSError: none is free.
    """
    for port in ports:
        try:
            if socket.has_dualstack_ipv6():
                return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
            return socket.create_server(("", port), backlog=4096)
        except OSError:
            if port == ports[-1]:
                raise
    raise OSError("no port is given")


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    with listen((0,)) as server:
        return int(server.getsockname()[1])
