"""What was read from a file, kept for who asks next: between the first check of a spec and the first step of its
training a table is wanted several times, and parsed once.

Comes in: a file and how to read it. Goes out: what it holds, read again only when the file has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

KEPT = 2
"""How many files are kept: one to train on, and one to test on."""

_Stamp = tuple[int, int]
_kept: dict[tuple[str, Hashable], tuple[_Stamp, Any]] = {}

T = TypeVar("T")


def remember(path: Path, how: Hashable, read: Callable[[], T]) -> T:
    """What `read` makes of a file, `how` being everything else that it depends on.

    A file that cannot be looked at is left to `read`, which says why.
    """
    try:
        status = path.stat()
        key, stamp = (str(path.resolve()), how), (status.st_mtime_ns, status.st_size)
    except OSError:
        return read()
    if key in _kept and _kept[key][0] == stamp:
        found: T = _kept[key][1]
        return found
    _kept.pop(key, None)
    while len(_kept) >= KEPT:
        del _kept[next(iter(_kept))]
    found = read()
    _kept[key] = (stamp, found)
    return found
