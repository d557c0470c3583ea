"""Where netspec keeps what it can make again."""

from __future__ import annotations

import os
import stat
import warnings
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path


class NothingCached(UserWarning):
    """The cache folder is not used, since others could put something into it."""


def cache_path() -> Path:
    """The cache folder of this user, which may not exist: `~/.cache/netspec` (or under `XDG_CACHE_HOME`) on Linux,
    `~/Library/Caches/netspec` on macOS, `%LOCALAPPDATA%\\netspec\\Cache` on Windows."""
    return user_cache_path("netspec", appauthor=False)


def cache_folder() -> Path | None:
    """The folder of this user for tables, compiled programs and measurements; None where it cannot be written to, so
    that nothing is cached.

    Compiled programs are run, so nobody else may write to the folder. It is made for this user alone; one that
    belongs to somebody else, or that others can write to, is not used, which a warning says once.
    """
    folder = cache_path()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refusal = None if os.name == "nt" else _refusal(folder)
    except (OSError, ValueError):
        return None
    if refusal is not None:
        _warn_once(f"netspec caches nothing: {refusal}")
        return None
    return folder if os.access(folder, os.W_OK) else None


def _refusal(folder: Path) -> str | None:
    """Why a folder is not used; one that others can only look into is closed to them."""
    status = folder.stat()
    if status.st_uid != os.geteuid():
        return f"{folder} belongs to another user (remove it, or set XDG_CACHE_HOME to a folder of your own)"
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o022:
        return f"others can write to {folder} (remove it, and it is made again for you alone)"
    if mode & 0o077:
        folder.chmod(0o700)
    return None


@cache
def _warn_once(text: str) -> None:
    warnings.warn(NothingCached(text), stacklevel=3)
