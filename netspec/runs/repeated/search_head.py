"""What a list of runs shows of a search (`netspec tune`): how far it is, and the metrics of its best trial."""

from __future__ import annotations

from pathlib import Path

from netspec.language.record import Frozen
from netspec.storage.run_files import SEARCH
from netspec.storage.run_folder import read_run
from netspec.storage.run_lock import is_held

WORKERS = "workers"
"""The folder in it with a locked file for each process that works on the search."""


class SearchHead(Frozen):
    """What is read of `search.json`."""

    trials: int
    done: int = 0
    values: dict[str, float] = {}
    seconds: float = 0.0


def read_head(path: Path) -> SearchHead:
    """How far a search is.

    Raises:
        CompileError: the folder is damaged (NS475).
    """
    return read_run(path).read(SEARCH, SearchHead)


def is_searching(path: Path) -> bool:
    """Whether a process works on a search now."""
    return any(is_held(path, lock) for lock in path.glob(f"{WORKERS}/*.lock"))
