"""Which processes work on a search. Each holds the lock of a file of its own, which the system gives back when the
process ends in whatever way, so that the others see which trials nobody trains any more."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from netspec.runs.repeated.search_head import WORKERS
from netspec.storage.run_lock import is_held


@contextmanager
def working(folder: Path) -> Iterator[str]:
    """Take part in a search: the name of this process in it.

    Raises:
        OSError: the folder cannot be written.
    """
    host = "".join(c if c.isalnum() else "-" for c in platform.node())[:40]
    name = f"{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    (folder / WORKERS).mkdir(exist_ok=True)
    lock = FileLock(_file(folder, name))
    lock.acquire(timeout=0)
    try:
        yield name
    finally:
        lock.release()
        with suppress(OSError):
            _file(folder, name).unlink(missing_ok=True)


def is_working(folder: Path, name: str) -> bool:
    """Whether a process still takes part in a search."""
    return bool(name) and is_held(folder, _file(folder, name))


def workers_of(folder: Path) -> list[str]:
    """The processes that take part in a search now."""
    names = [path.stem for path in (folder / WORKERS).glob("*.lock")]
    return [name for name in names if is_working(folder, name)]


def _file(folder: Path, name: str) -> Path:
    return folder / WORKERS / f"{name}.lock"
