"""Removing the folder of a run, of runs with several seeds, or of a search."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.runs.repeated.search_head import is_searching
from netspec.storage import errors
from netspec.storage.run_files import is_run
from netspec.storage.run_lock import is_locked, locked


def remove_run(path: Path) -> None:
    """Remove a run folder with everything in it; it is renamed to a hidden name before its files are removed.

    Raises:
        CompileError: it is not a run (NS473), is being trained (NS491), or cannot be removed (NS477).
    """
    if not is_run(path):
        raise fail(errors.NoRun(run=str(path), reason="it is not one that `netspec train` has made"))
    if is_searching(path) or any(is_locked(run.parent) for run in path.glob("**/.lock")):
        raise fail(errors.RunIsBusy(run=str(path), process=""))
    hidden = path.with_name(f".removed-{path.name}-{os.getpid()}")
    try:
        with locked(path):
            path.rename(hidden)
        shutil.rmtree(hidden)
    except OSError as error:
        where = hidden if hidden.exists() else path
        raise fail(errors.CannotWrite(path=str(where), reason=reason_of(error))) from error
