"""Only one process at a time trains a run: it holds a lock in the run folder, which ends with the process."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.files.regular_file import open_regular
from netspec.storage import errors
from netspec.storage.run_files import check_writable, log_lines

if sys.platform != "win32":
    import fcntl

LOCK = ".lock"
PATIENCE = 1.0
"""Seconds to wait for a lock: `netspec runs` shares one for a moment when it looks at a run."""


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
    return is_held(run, run / LOCK)


def is_held(run: Path, lock: Path) -> bool:
    """Whether a process holds the lock of a file in a run. It is only tried, as one that any number of readers may
    share."""
    if not lock.exists():
        return False
    try:
        check_writable(run, lock)
        if sys.platform == "win32":
            with FileLock(lock).acquire(timeout=0):
                return False
        with open_regular(lock) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # it is given back when the file is closed
        return False
    except (Timeout, BlockingIOError):
        return True
    except OSError:
        return False  # a lock that this user may not read, or something else under its name


def this_process() -> str:
    """How a process identifies itself in the log."""
    host = f" on {os.uname().nodename}" if hasattr(os, "uname") else ""
    return f"process {os.getpid()}{host}"


def trainer_exists(run: Path) -> bool | None:
    """Whether the process that trained the run last still exists, from its log: the lock is not touched.

    Returns:
        None: that is not known; it may have run on another machine.
    """
    named = re.fullmatch(r"process (\d{1,18})(?: on (.*))?", _trainer(run))
    if named is None or not hasattr(os, "uname") or named[2] != os.uname().nodename:
        return None
    try:
        os.kill(int(named[1]), 0)  # sends nothing
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # that of another user
        return True
    return True


def _process(run: Path) -> str:
    """Which process trains a run."""
    named = _trainer(run)
    return f" by {named}" if named else ""


def _trainer(run: Path) -> str:
    """The process that trained a run last: the last line of its log that names one."""
    lines = log_lines(run)
    named = [line.rpartition("(")[2].rstrip(")") for line in lines if line.endswith(")") and "(process " in line]
    return named[-1] if named else ""
