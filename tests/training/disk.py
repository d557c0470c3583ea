"""A disk that gets full, for tests: files that are opened for writing take so many bytes and no more."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class FullDisk:
    """A file on a disk with room for so many bytes more."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: Any) -> int:
        """As the system does it: what fits is written, and a file without a buffer tells how much that was."""
        data = data if isinstance(data, str) else memoryview(data)
        fits = data[: self.room]
        self.room -= len(fits)
        self.file.write(fits)
        if len(fits) < len(data) and not (isinstance(self.file, io.RawIOBase) and len(fits)):
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(fits)


def fill_disk(monkeypatch: pytest.MonkeyPatch, room: int, applies: Callable[[Path], bool] = lambda path: True) -> None:
    """From now on each file takes `room` bytes more; `applies` says which files."""
    opened = Path.open

    def open_full(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        file = opened(self, mode, *args, **kwargs)
        return FullDisk(file, room) if mode[0] in "wa" and applies(self) else file

    monkeypatch.setattr(Path, "open", open_full)
