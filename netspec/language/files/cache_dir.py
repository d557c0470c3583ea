"""Where netspec keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_path() -> Path:
    """The cache folder of this user, which may not exist: `~/.cache/netspec` (or under `XDG_CACHE_HOME`) on Linux,
    `~/Library/Caches/netspec` on macOS, `%LOCALAPPDATA%\\netspec\\Cache` on Windows."""
    return user_cache_path("netspec", appauthor=False)


def cache_folder() -> Path | None:
    """The folder of this user for tables, compiled programs and measurements; None where it cannot be written to, so
    that nothing is cached."""
    folder = cache_path()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
