"""Files of data, whatever their format: whether they have changed, and errors for those that cannot be read.

Input: a path. Output: its stamp, or what to raise.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TypeAlias

from netspec.data.errors.files import BrokenFile, CannotRead
from netspec.language.corrections import nearest
from netspec.language.diagnostics import Unplaced
from netspec.language.files.paths import exists, is_file, is_folder
from netspec.language.files.regular_file import Limit, Refused, open_regular, read_regular

FILE_LIMIT = Limit("NETSPEC_MAX_FILE_GB", 16, "GB", 10**9)
"""The largest file that is read as a whole, such as a table or a text."""

UNPACKED_LIMIT = Limit("NETSPEC_MAX_UNPACKED_GB", 8, "GB", 10**9)
"""The largest content of a compressed file: a small file can announce, and unpack to, any number of bytes."""

CELL_LIMIT = Limit("NETSPEC_MAX_CELL", 131_072, "characters", 1)
"""The longest cell of a CSV file; a quote that is never closed makes a cell of the rest of the file."""

TEXT_ENDINGS = (".txt", ".md", ".text")
"""Endings of files with text."""

MAX_SHOWN = 5
"""How many files a message lists."""

FileStamp: TypeAlias = tuple[int, int] | None
"""When a file was last changed, in nanoseconds, and its size in bytes; None when that is unknown."""


def file_stamp(path: Path) -> FileStamp:
    """What changes when the file does."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # also a name that no file can have
        return None
    return status.st_mtime_ns, status.st_size


def open_file(path: Path, file_format: str, option: str | None) -> IO[bytes]:
    """A data file of any size.

    Raises:
        Unplaced: it cannot be opened, or is not a regular file.
    """
    try:
        return open_regular(path)
    except OSError as error:
        raise unreadable(path, file_format, error, option) from error


def read_file(path: Path, file_format: str, option: str | None) -> bytes:
    """The bytes of a data file.

    Raises:
        Unplaced: it cannot be read, is not a regular file, or is larger than `FILE_LIMIT`.
    """
    try:
        return read_regular(path, FILE_LIMIT)
    except OSError as error:
        raise unreadable(path, file_format, error, option) from error


def unreadable(path: Path, file_format: str, error: Exception, option: str | None) -> Unplaced:
    """What to raise when a file cannot be opened or unpacked; for a missing file with the most similar name."""
    if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
        reason = f"it cannot be unpacked ({error})"
        return Unplaced(BrokenFile, option=option, file=path.name, format=file_format, reason=reason)
    text = getattr(error, "strerror", None) or str(error)
    reason = "there is no such file" if isinstance(error, FileNotFoundError) else text[:1].lower() + text[1:]
    advice = error.advice if isinstance(error, Refused) else _file_advice(path)
    return Unplaced(CannotRead, option=option, file=str(path), reason=reason, advice=advice)


def replace_advice(names: Sequence[str], error: OSError) -> str:
    """What to do with the files of these names that cannot be read, the first one because of `error`."""
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    advice = "remove or replace it" + (f": {', '.join(names[:MAX_SHOWN])}{more}" if len(names) > 1 else "")
    return f"{error.advice}, or {advice}" if isinstance(error, Refused) else advice


def _file_advice(path: Path) -> str:
    if not is_folder(path.parent):
        return f"there is no folder {path.parent}"
    if exists(path):
        return "name a file that you may read"
    names = {p.name.lower(): p.name for p in sorted(path.parent.iterdir()) if is_file(p) and p.suffix != ".net"}
    near = nearest(path.name, names)
    lines = [f"did you mean `{names[near]}`?"] if near is not None else []
    where = "the current folder" if path.parent == Path() else f"the folder {path.parent}"
    shown = ", ".join([*names.values()][:12]) + (", …" if len(names) > 12 else "")
    lines.append(f"files in {where.removeprefix('the folder ')}: {shown}" if names else f"{where} has no data files")
    return "\n".join(lines)
