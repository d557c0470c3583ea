"""Several processes on this machine: started, watched, and ended together.

The first one has the terminal: it shows the progress. What the others print, which is only why they end, is passed on
with their numbers.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import IO

from netspec.training.distributed.channel import free_port
from netspec.training.distributed.environments.explicit import COORDINATOR, COUNT, LOCAL, LOCAL_COUNT, PROCESS
from netspec.training.loop.signals import SIGNALS

END_SECONDS = 20.0
"""How long the others may take to end after one of them has; then they are killed."""
LOOK_SECONDS = 0.1
PR_SET_PDEATHSIG = 1
"""Of `prctl` (Linux): the signal that a process gets when the one that has started it ends."""


@dataclass
class LocalProcesses:
    """`count` processes of one command. `announce` prints a line about them."""

    command: Sequence[str]
    count: int
    announce: Callable[[str], None]
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(self) -> int:
        """Run them to their end.

        Returns:
            The exit status of the first one that has failed, otherwise that of process 0.
        """
        before = {number: signal.signal(number, self._pass_on) for number in SIGNALS}
        readers: list[threading.Thread] = []
        try:
            address = f"127.0.0.1:{free_port()}"
            for process in range(self.count):
                self.children.append(self._start(process, address))
                if process > 0:
                    output = self.children[-1].stdout
                    assert output is not None
                    readers.append(threading.Thread(target=self._forward, args=(process, output), daemon=True))
                    readers[-1].start()
            return self._watch()
        finally:
            for child in self.children:
                if child.poll() is None:
                    child.kill()
            for reader in readers:
                reader.join(1)
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _start(self, process: int, address: str) -> subprocess.Popen[bytes]:
        variables = {
            **self.variables,
            COORDINATOR: address,
            COUNT: str(self.count),
            PROCESS: str(process),
            LOCAL: str(process),
            LOCAL_COUNT: str(self.count),
        }
        output = None if process == 0 else subprocess.PIPE
        return subprocess.Popen(
            self.command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if process == 0 else subprocess.STDOUT,
            process_group=0,  # Ctrl-C reaches them through this process alone, once
            preexec_fn=lambda: _prepare(cores_of(process, self.count)),
        )

    def _watch(self) -> int:
        """Wait for all; after a failure the others have some seconds."""
        failed: int | None = None
        deadline = float("inf")
        running = dict(enumerate(self.children))
        while running:
            for process, child in list(running.items()):
                if (status := child.poll()) is None:
                    continue
                del running[process]
                if status != 0 and failed is None:
                    failed, deadline = status, time.monotonic() + END_SECONDS
                    if status < 0:
                        name = signal.Signals(-status).name
                        self.announce(f"process {process} of {self.count} was ended by {name}")
            if running and time.monotonic() > deadline:
                self.announce(f"{len(running)} of {self.count} processes do not end, and are killed")
                for child in running.values():
                    child.kill()
                deadline = float("inf")
            time.sleep(LOOK_SECONDS)
        status = failed or 0
        return status if status >= 0 else 128 - status

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        for child in self.children:
            if child.poll() is None:
                child.send_signal(number)

    def _forward(self, process: int, output: IO[bytes]) -> None:
        """Pass on what a process prints; a thread runs this."""
        for line in output:
            text = line.decode(errors="replace").rstrip("\n")
            if text.strip():
                self.announce(f"process {process}: {text}")


def cores_of(process: int, count: int) -> set[int]:
    """The cores for one of several processes: an equal part of those of this one, or all where they do not suffice."""
    if not hasattr(os, "sched_getaffinity"):
        return set()
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // count
    return set(cores[process * each : (process + 1) * each]) if each else set(cores)


def _prepare(cores: set[int]) -> None:
    """In the new process: its cores, and an end when the process that has started it is killed."""
    if sys.platform == "linux":
        if cores:
            os.sched_setaffinity(0, cores)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
