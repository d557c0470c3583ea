"""One contestant in a process of its own, which does what it is asked: a line of JSON for each request and each answer.

A process each, because a library keeps its threads, its memory and its choice of a backend for as long as it runs; one
that waits for its turn reads from a pipe and takes nothing from the others.

    python -m benchmarks.worker CONTESTANT
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks.contestants.base import CONTESTANTS, PEAK, Contestant, Program, Unavailable
from benchmarks.data import load_data
from benchmarks.workloads import WORKLOADS, shortened

KIB = 1024


class Worker:
    """The requests, a method for each."""

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant
        self.program: Program | None = None
        self.resident = 0

    def load(self) -> dict[str, Any]:
        """Import the library."""
        self.contestant.load()
        self.resident = memory("VmRSS")
        return {}

    def build(self, workload: str, short: bool) -> dict[str, Any]:
        """Make a workload ready, so that nothing is left to compile."""
        self.program = None  # frees what the one before had
        chosen = shortened(WORKLOADS[workload]) if short else WORKLOADS[workload]
        self.program = self.contestant.load().build(chosen, data := load_data(chosen), self.contestant.style)
        self.program.warm_up()
        return {"parameters": self.program.parameters, "is_real": data.is_real}

    def run(self, units: int) -> dict[str, Any]:
        """Time a number of epochs, steps or calls."""
        assert self.program is not None
        began = time.perf_counter()
        self.program.run(units)
        return {"seconds": time.perf_counter() - began}

    def accuracy(self) -> dict[str, Any]:
        assert self.program is not None
        return {"accuracy": self.program.accuracy()}

    def memory(self) -> dict[str, Any]:
        """The most that was resident at any time, without what the imports took; in bytes."""
        return {"bytes": memory("VmHWM") - self.resident}


def memory(field: str) -> int:
    """What the kernel says about this process, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * KIB for line in lines if line.startswith(f"{field}:"))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the other stream
    name = sys.argv[1]
    worker = Worker(PEAK if name == PEAK.name else CONTESTANTS[name])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # noqa: BLE001  (reported to the caller, who continues with the others)
            told = str(error) if isinstance(error, Unavailable) else "".join(traceback.format_exception(error)[-6:])
            answer = {"error": told, "is_unavailable": isinstance(error, Unavailable)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
