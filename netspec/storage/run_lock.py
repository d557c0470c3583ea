"""One process at a time trains a run: it holds a lock on the run's log, which the system takes away when it dies."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from netspec.language.diagnostics import fail
from netspec.storage import errors
from netspec.storage.atomic_files import reason_of

LOG = "log.txt"
PATIENCE = 1.0
"""Seconds that a lock is waited for: `netspec runs` holds one for a moment when it looks at a run."""


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the lock of a run folder.

    Raises:
        CompileError: another process trains it (NS491), or the folder cannot be written to (NS477).
    """
    try:
        file = (run / LOG).open("ab")
    except OSError as error:
        raise fail(errors.CannotWrite(path=str(run / LOG), reason=reason_of(error))) from error
    with file:
        if not _take(file, PATIENCE, exclusive=True):
            raise fail(errors.RunIsBusy(run=str(run), process=_process(run)))
        yield


def is_locked(run: Path) -> bool:
    """Whether a process trains the run now."""
    try:
        with (run / LOG).open("rb") as file:
            return not _take(file, 0.0, exclusive=False)
    except OSError:
        return False  # no log that can be read: nobody writes there


def this_process() -> str:
    """How a process tells in the log who it is."""
    host = f" on {os.uname().nodename}" if hasattr(os, "uname") else ""
    return f"process {os.getpid()}{host}"


def _process(run: Path) -> str:
    """Who trains a run, from the last line of its log that tells."""
    lines = (run / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line.rpartition("(")[2].rstrip(")") for line in lines if line.endswith(")") and "(process " in line]
    return f" by {told[-1]}" if told else ""


def _take(file: IO[Any], patience: float, *, exclusive: bool) -> bool:
    """Whether the lock is had; the file gives it back when it is closed."""
    if sys.platform == "win32":
        return True  # its locks would keep others from reading the log
    import fcntl

    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                return True  # a filesystem without locks
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        else:
            return True
