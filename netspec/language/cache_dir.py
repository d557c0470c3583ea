"""Where netspec keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_path() -> Path:
    """The cache folder of this user, which may not exist: `~/.cache/netspec`, or under `XDG_CACHE_HOME`.

    `netspec check` asks for it, and importing platformdirs would take as long as checking most specs.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netspec"


def cache_folder() -> Path | None:
    """The folder of this user for tables, compiled programs and measurements. None where it cannot be written to; then
    everything works, and is made anew each time."""
    folder = cache_path()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
