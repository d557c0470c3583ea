"""The processes of a training while it lasts: what they agree on, and how each learns of the end of another.

Process 0 has a channel to each of the others. `post` and `collect` exchange plain values without a device: nobody
waits between the two, so that steps go on meanwhile. What all processes do must follow from agreed values: each of them
has to start the same programs in the same order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from netspec.language.diagnostics import Diagnostic, fail
from netspec.training.distributed.channel import Channel, Message
from netspec.training.errors.distributed import ProcessLost

GRACE_SECONDS = 3.0
"""How long the main thread of a process may take to notice that another has ended, which its collectives do."""
VERDICT_SECONDS = 10.0
"""How long a process that fails waits for process 0, which may fail in the same way and reports it for all."""


class Alone:
    """One process: everything is agreed on at once."""

    process, count = 0, 1
    run = ""
    has_reported = False
    """Whether another process has printed why all of them end."""

    def gather(self, value: Any) -> list[Any]:
        """The value of every process, by its number. Values are plain: numbers, strings, lists, dicts.

        Raises:
            CompileError: a process has ended (NS583).
        """
        return self.collect(self.post(value))

    def first(self, value: Any) -> Any:
        """The value of process 0, in every process."""
        return self.gather(value if self.process == 0 else None)[0]

    def post(self, value: Any) -> Any:
        """Begin to gather a value; `collect` takes what this returns."""
        return value

    def collect(self, posted: Any) -> list[Any]:
        """What `gather` returns, of a value that was posted."""
        return [posted]


class Peers(Alone):
    """This process as one of several.

    Args:
        process: its number.
        count: how many there are.
        channels: to the others by number in process 0; to process 0 in the others.
        places: where the processes are, for people.
        on_loss: called in a thread of its own when another process has ended, and the main thread of this one does not
            notice within some seconds.
    """

    def __init__(
        self,
        process: int,
        count: int,
        channels: Mapping[int, Channel],
        places: Mapping[int, str],
        on_loss: Callable[[Diagnostic], None],
    ) -> None:
        self.process, self.count = process, count
        self.channels, self.places, self._on_loss = channels, places, on_loss
        self._changed = threading.Condition()
        self._posted = 0
        self._given: dict[int, dict[int, Any]] = {}
        self._results: dict[int, list[Any]] = {}
        self._left: set[int] = set()
        self._failures: dict[int, str] = {}
        self.run = "RUN"
        """The run folder, once there is one."""
        self.lost: Diagnostic | None = None
        self.is_leaving = False
        for other, channel in channels.items():
            threading.Thread(target=self._follow, args=(other, channel), daemon=True, name="netspec-peer").start()

    # ------------------------------------------------------------ values

    def post(self, value: Any) -> int:
        self._posted += 1
        if self.process == 0:
            self._give(self._posted, 0, value)
        else:
            self.channels[0].send({"value": value, "of": self._posted})
        return self._posted

    def collect(self, posted: Any) -> list[Any]:
        """What `gather` returns, of a value that was posted.

        Raises:
            CompileError: a process has ended (NS583).
        """
        with self._changed:
            self._changed.wait_for(lambda: posted in self._results or self.lost is not None)
            if posted in self._results:
                return self._results.pop(posted)
            assert self.lost is not None
            raise fail(self.lost)

    def _give(self, of: int, process: int, value: Any) -> None:
        """In process 0: a value has come."""
        with self._changed:
            given = self._given.setdefault(of, {})
            given[process] = value
            if len(given) < self.count:
                return
            values = [given[i] for i in range(self.count)]
            del self._given[of]
            self._results[of] = values
            for channel in self.channels.values():
                channel.send({"values": values, "of": of})
            self._changed.notify_all()

    # ------------------------------------------------------------ ends

    def wait_for_loss(self, seconds: float = GRACE_SECONDS) -> Diagnostic | None:
        """What an exception of a collective may mean: which process has ended, once that is known."""
        with self._changed:
            self._changed.wait_for(lambda: self.lost is not None, seconds)
            return self.lost

    def report_failure(self, message: str) -> bool:
        """Tell the others why this process ends; whether process 0 has reported the same, which is printed once."""
        self.is_leaving = True
        for channel in self.channels.values():
            channel.send({"failed": message})
        if self.process == 0:
            return False
        with self._changed:
            self._changed.wait_for(lambda: 0 in self._failures or 0 in self._left, VERDICT_SECONDS)
            return self._failures.get(0) == message

    def leave(self) -> None:
        """Tell the others that the end of this process is as it should be; process 0 leaves last."""
        self.is_leaving = True
        for channel in self.channels.values():
            channel.send({"leaves": True})
        if self.process == 0:
            with self._changed:
                self._changed.wait_for(lambda: len(self._left) == self.count - 1, VERDICT_SECONDS)

    def _follow(self, other: int, channel: Channel) -> None:
        """Read what another process sends, up to its end; a thread runs this."""
        for message in channel.messages():
            self._take(other, message)
        with self._changed:
            is_lost = other not in self._left and self.lost is None
            self._left.add(other)
            self._changed.notify_all()
        if is_lost:
            self._lose(other, self._failures.get(other))

    def _take(self, other: int, message: Message) -> None:
        if "value" in message:
            self._give(message["of"], other, message["value"])
            return
        with self._changed:
            if "values" in message:
                self._results[message["of"]] = message["values"]
            if "failed" in message:
                self._failures[other] = message["failed"]
            if "leaves" in message:
                self._left.add(other)
            self._changed.notify_all()
        if "lost" in message and not self.is_leaving:
            self.has_reported = True
            self._lose(message["lost"], message["reason"])
        elif "failed" in message and not self.is_leaving:
            self._lose(other, message["failed"])

    def _lose(self, other: int, reason: str | None) -> None:
        """Another process has ended: this one does, too."""
        with self._changed:
            if self.lost is not None or self.is_leaving:
                return
            self.lost = ProcessLost(
                case="error" if reason else "", process=other, count=self.count,
                where=self.places.get(other, "elsewhere"), reason=(reason or "").partition("\n")[0],
                run=self.run,
            )  # fmt: skip
            self.has_reported = self.has_reported or (other == 0 and reason is not None)
            self._changed.notify_all()
        for channel in self.channels.values() if self.process == 0 else ():
            channel.send({"lost": other, "reason": reason})
        time.sleep(GRACE_SECONDS if reason is None else VERDICT_SECONDS)
        if not self.is_leaving:
            self._on_loss(self.lost)
