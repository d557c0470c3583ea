"""Files that are complete or absent, also after a kill or when the disk is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path


def replace_file(
    path: Path, parts: Iterable[bytes | memoryview], *, is_shared: bool = False, mode: int | None = None
) -> None:
    """Write a file under another name, wait until it is on the disk, and replace the old one with it; its mode stays.

    Args:
        path: the file.
        parts: its content.
        is_shared: whether several processes may write it at once: each one then uses a name of its own.
        mode: the permissions of the file; None: those of the old one, or the usual ones.

    Raises:
        OSError: it cannot be written; the old file remains, and no other.
    """
    aside = path.with_name(f".{path.name[:50]}.{os.getpid()}.tmp") if is_shared else aside_of(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    try:
        aside.unlink(missing_ok=True)  # it may be a link, which would be written through
        with aside.open("wb") as file:
            if mode is not None:
                aside.chmod(mode)
            elif path.exists():
                aside.chmod(path.stat().st_mode & 0o777)
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file; of a line that does not fit onto the disk nothing is written.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        content = (line + "\n").encode()
        try:
            written = file.write(content)
            if written != len(content):
                file.write(content[written:])  # says why the rest does not fit
        except OSError:
            file.truncate(before)
            raise


def aside_of(path: Path) -> Path:
    """Where a file is written before it is complete."""
    return path.with_name(f".{path.name}.tmp")


def sync_folder(folder: Path) -> None:
    """Make a rename survive a loss of power, where folders can be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def reason_of(error: BaseException) -> str:
    """The first line of an error's text, truncated; the text of the system where there is one."""
    text = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
    return text if len(text) <= 200 else text[:197] + "…"
