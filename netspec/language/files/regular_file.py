"""How files that people name are opened: regular files only, no larger than a limit.

Input: a path, and a limit. Output: an open file or its bytes. A named pipe or a device would be waited for, or read,
for ever; what is too large would use up the memory. Every limit has an environment variable that raises it.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a named pipe without O_NONBLOCK waits until somebody writes to it."""


class Refused(OSError):
    """A file that is not read although it could be. `strerror` is the reason, `advice` what to do instead."""

    def __init__(self, path: Path, reason: str, advice: str) -> None:
        super().__init__(errno.EINVAL, reason, str(path))
        self.advice = advice


@dataclass(frozen=True)
class Limit:
    """The largest size of something, in units of `unit`, each of `one` bytes or pixels. The environment variable
    `variable` has another number of them."""

    variable: str
    default: float
    unit: str
    one: int

    def size(self, path: Path) -> int:
        """The limit, for a file that is about to be read.

        Raises:
            Refused: the environment variable is not a number above 0.
        """
        given = os.environ.get(self.variable)
        try:
            number = self.default if given is None else float(given)
            if number > 0:
                return int(min(number * self.one, 2.0**62))
        except ValueError:
            pass
        reason = f"the environment variable {self.variable} is `{(given or '')[:40]}`, not a number above 0"
        raise Refused(path, reason, f"set it to a number of {self.unit}, such as {self.default:g}")

    def check(self, path: Path, found: int, what: str = "it has {size}", *, at_least: bool = False) -> None:
        """Raises Refused when a file, or what is in it, is larger. `what` says how large, `at_least` is set when the
        end was not reached."""
        limit = self.size(path)
        if found <= limit:
            return
        size, most = self._shown(found), self._shown(limit)
        reason = f"{what.format(size=size)}, and the limit is {most}"
        if at_least:
            reason = what.format(size=f"more than the limit of {most}")
        raise Refused(path, reason, f"set the environment variable {self.variable} to a larger number of {self.unit}")

    def _shown(self, size: int) -> str:
        number = size / self.one
        return f"{number:,.0f} {self.unit}" if number >= 1000 else f"{number:.4g} {self.unit}"


def check_regular(path: Path, limit: Limit | None = None) -> os.stat_result:
    """What is known of a file that may be read.

    Raises:
        OSError: there is no such file; `Refused`: it is a folder, a pipe or a device, or larger than the limit.
    """
    if "\0" in str(path):
        raise Refused(path, "no file has a name with a NUL character", "check the name")
    status = path.stat()
    _check(path, status, limit)
    return status


def open_regular(path: Path, limit: Limit | None = None) -> IO[bytes]:
    """A file opened for reading.

    Raises:
        OSError: it cannot be opened; `Refused`: it is a folder, a pipe or a device, or larger than the limit.
    """
    check_regular(path, limit)
    handle = os.open(path, _FLAGS)
    try:
        _check(path, os.fstat(handle), limit)  # another file may have taken its name
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(path: Path, limit: Limit) -> bytes:
    """The bytes of a file, also of one that says that it has none, as those of the system do.

    Raises:
        OSError: it cannot be read; `Refused`: it is a folder, a pipe or a device, or larger than the limit.
    """
    most, chunks = limit.size(path), list[bytes]()
    with open_regular(path, limit) as file:
        length = os.fstat(file.fileno()).st_size + 1
        while sum(map(len, chunks)) <= most and (chunk := file.read(length)):
            chunks.append(chunk)
            length = 1 << 20
    data = b"".join(chunks)  # not a copy of a single one
    limit.check(path, len(data), at_least=True)
    return data


def _check(path: Path, status: os.stat_result, limit: Limit | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "not a regular file")
        raise Refused(path, f"it is {kind}, not a file", "name a regular file")
    if limit is not None:
        limit.check(path, status.st_size)
