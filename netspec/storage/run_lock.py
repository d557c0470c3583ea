"""Only one process at a time trains a run: it holds a lock in the run folder, which ends with the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.storage import errors
from netspec.storage.run_files import check_writable, read_inside

LOCK = ".lock"
PATIENCE = 1.0
"""Seconds to wait for a lock: `netspec runs` holds one for a moment when it looks at a run."""


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the lock of a run folder.

    Raises:
        CompileError: another process trains it (NS491), or the folder cannot be written (NS477).
    """
    lock = FileLock(run / LOCK)
    try:
        check_writable(run, run / LOCK)
        lock.acquire(timeout=PATIENCE)
    except Timeout as error:
        raise fail(errors.RunIsBusy(run=str(run), process=_process(run))) from error
    except OSError as error:
        raise fail(errors.CannotWrite(path=str(run / LOCK), reason=reason_of(error))) from error
    try:
        yield
    finally:
        lock.release()


def is_locked(run: Path) -> bool:
    """Whether a process trains the run now."""
    if not (run / LOCK).exists():
        return False
    try:
        check_writable(run, run / LOCK)
        with FileLock(run / LOCK).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False  # a lock that this user may not acquire, or something else under its name


def this_process() -> str:
    """How a process identifies itself in the log."""
    host = f" on {os.uname().nodename}" if hasattr(os, "uname") else ""
    return f"process {os.getpid()}{host}"


def _process(run: Path) -> str:
    """Which process trains a run, from the last line of its log that names one."""
    try:
        lines = read_inside(run, run / "log.txt").decode(errors="replace").splitlines()
    except OSError:
        return ""
    named = [line.rpartition("(")[2].rstrip(")") for line in lines if line.endswith(")") and "(process " in line]
    return f" by {named[-1]}" if named else ""
