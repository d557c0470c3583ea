"""The coordination service of JAX in a process of its own.

Where it runs inside process 0, as `jax.distributed.initialize` starts it, the death of process 0 ends all others within
JAX, with a stack trace, before they can say what has happened or finish what they write.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import IO

from netspec.training.distributed.channel import free_port
from netspec.training.loop.signals import SIGNALS

HEARTBEAT_SECONDS = 100
LINGER_SECONDS = 15
"""How long the service outlives a process 0 that was killed, so that the others end by themselves."""


class Service:
    """The service as a child process.

    Raises:
        RuntimeError: it did not start.
    """

    def __init__(self, count: int) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", __name__, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for those that train
            preexec_fn=_ignore_signals,
            env={**os.environ, "JAX_PLATFORMS": "cpu"},
        )
        assert self.child.stdout is not None
        line = self.child.stdout.readline().strip()
        if not line.isdigit():
            raise RuntimeError("the coordination service of JAX did not start")
        self.port = int(line)

    def end(self) -> None:
        """End it at once, when all processes have left it; otherwise it ends some seconds after this process."""
        self.child.kill()
        self.child.wait()


def _ignore_signals() -> None:
    """Slurm sends signals to every process of a job, and those that train need the service to end together."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def serve(count: int, orders: IO[str]) -> None:
    """Run the service for `count` processes until some seconds after process 0 has ended."""
    from jaxlib import _jax  # type: ignore[attr-defined]

    port = free_port()
    # Recoverable: one process that ends is not the end of the others, which is decided in peers.py.
    service = _jax.get_distributed_runtime_service(
        f"[::]:{port}", count, heartbeat_timeout=HEARTBEAT_SECONDS, shutdown_timeout=1, recoverable=True
    )
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    orders.read()  # nothing comes before the end of process 0
    time.sleep(LINGER_SECONDS)
    del service
    os._exit(0)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.stdin)
