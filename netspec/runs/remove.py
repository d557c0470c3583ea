"""Choosing runs, and removing the folder of a run, of several runs, or of a search."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.runs.catalog import RunInfo, main_metric, sort_runs
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


def choose_runs(
    runs: Sequence[RunInfo],
    *,
    unfinished: bool = False,
    older_than: timedelta | None = None,
    keep_best: int | None = None,
    by: str | None = None,
) -> list[RunInfo]:
    """The runs that meet all given conditions; those that are being trained are never among them.

    Args:
        runs: the runs to choose from.
        unfinished: neither finished nor being trained.
        older_than: started longer ago than this.
        keep_best: the number of runs of each spec, the best ones, that are left out.
        by: the metric that ranks them; None: the main one.

    Raises:
        CompileError: no run has such a metric (NS495).
    """
    kept: set[Path] = set()
    if keep_best is not None:
        for spec in dict.fromkeys(run.spec for run in runs):
            candidates = [run for run in runs if run.spec == spec and run.metrics]
            metric = by or main_metric(candidates)
            ranked = sort_runs(candidates, metric) if metric is not None and candidates else []
            kept.update(run.path for run in [r for r in ranked if metric in r.metrics][:keep_best])
    now = datetime.now(UTC)
    return [
        run
        for run in runs
        if run.state != "running"
        and run.path not in kept
        and not (unfinished and run.state == "finished")
        and (older_than is None or (run.made is not None and now - run.made > older_than))
    ]
