"""Several processes of this machine on one search: each is `netspec tune --worker`, which does nothing but trials."""

from __future__ import annotations

import json
import queue
import signal as signals
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from netspec.language.diagnostics import fail
from netspec.search.errors import NoSearch
from netspec.search.folder import Search
from netspec.search.search import Tell
from netspec.training.loop.signals import listening

PATIENCE = 0.2
"""Seconds after which signals are looked for."""


def work_together(search: Search, count: int, modules: Sequence[str], tell: Tell) -> str | None:
    """Let processes do the trials until none is left; the signal that interrupted them, or None.

    Args:
        search: what they work on.
        count: how many there are.
        modules: of user-defined words, which they import.
        tell: is called with what they report.

    Raises:
        CompileError: one of them has failed (NS597); what it said is in the message.
    """
    imports = [part for module in modules for part in ("--import", module)]
    command = [sys.executable, "-m", "netspec", *imports, "tune", "--resume", str(search.folder), "--worker", "--json"]
    command += ["-D", f"tune.time={search.plan.seconds:g} seconds"] if search.plan.seconds is not None else []
    reports: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
    with listening() as interruption:
        processes = [
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for _ in range(count)
        ]
        readers = [_Reader(process, reports) for process in processes]
        told = False
        while any(reader.is_alive() for reader in readers) or not reports.empty():
            try:
                if (record := reports.get(timeout=PATIENCE)) is not None:
                    tell(record)
            except queue.Empty:
                pass
            if interruption.requested and not told:
                told = True
                for process in processes:  # a terminal has told them already, a scheduler has not
                    if process.poll() is None:
                        process.send_signal(signals.SIGTERM)
        failed = next((reader for reader in readers if reader.failed and not interruption.requested), None)
        if failed is not None:
            raise fail(NoSearch(run=str(search.folder), reason=f"a worker failed: {failed.message}"))
        return interruption.signal


class _Reader(threading.Thread):
    """Reads what a process reports, line by line, and at the end what it says of an error."""

    def __init__(self, process: subprocess.Popen[str], reports: queue.Queue[Mapping[str, Any] | None]) -> None:
        super().__init__(daemon=True)
        self.process, self.reports = process, reports
        self.errors: list[str] = []
        self.records: list[Mapping[str, Any]] = []
        self.beside = threading.Thread(target=self._read_errors, daemon=True)
        self.beside.start()
        self.start()

    def run(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            self.records.append(record)
            if record.get("event") == "trial":
                self.reports.put(record)
        self.process.wait()
        self.beside.join()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors += self.process.stderr.readlines()[-20:]

    @property
    def failed(self) -> bool:
        return self.process.returncode == 1 or self.process.returncode == 2

    @property
    def message(self) -> str:
        """The first line of the error that it reported, or the last one that it wrote."""
        found = [str(record["message"]) for record in self.records if record.get("severity") == "error"]
        return (found + [line.strip() for line in reversed(self.errors) if line.strip()] + ["no message"])[0]
