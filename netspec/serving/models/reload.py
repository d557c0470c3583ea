"""Newer runs take over: a folder is looked at now and then, and what is finished there is served.

Input: the folder of the runs. Output: versions of models in a registry. The old version serves until the new one is
compiled, and until the requests that it has taken are done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Container, Mapping
from pathlib import Path

from netspec.language.diagnostics import CompileError
from netspec.runs.catalog import look_at
from netspec.serving.models.batching import Batching
from netspec.serving.models.registry import NUMBERED, load_served
from netspec.serving.models.served import Served
from netspec.storage.run_files import is_run

log = logging.getLogger(__name__)

SECONDS = 2.0
"""Between two looks at the folder."""


def newer_runs(
    folder: Path, latest: Mapping[str, int], *, all_specs: bool, without: Container[Path] = ()
) -> dict[str, Path]:
    """The finished run with the highest number of each spec, where that is higher than the latest one.

    Args:
        folder: of the runs; it may be missing.
        latest: by spec the number of the run that is served.
        all_specs: whether specs that are not in `latest` are wanted, too.
        without: runs that are left out.
    """
    found: dict[str, tuple[int, Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        numbered = NUMBERED.fullmatch(path.name)
        if numbered is None or path in without or not (all_specs or numbered[1] in latest):
            continue
        spec, number = numbered[1], int(numbered[2])
        if number <= max(latest.get(spec, -1), found.get(spec, (-1, path))[0]) or not is_run(path):
            continue
        info = look_at(path)
        if info.state == "finished" and not info.seeds:
            found[spec] = number, path
    return {spec: path for spec, (_, path) in found.items()}


class Reloader:
    """A thread that looks for newer runs.

    Args:
        folder: of the runs.
        names: by spec the name of its model, and the number of the run that is served.
        batching: how requests are computed together.
        take_over: called in this thread with each new version, when it is compiled.
        all_specs: whether specs that have no model yet get one.
    """

    def __init__(
        self,
        folder: Path,
        names: Mapping[str, tuple[str, int]],
        batching: Batching,
        take_over: Callable[[Served], None],
        *,
        all_specs: bool,
    ) -> None:
        self.folder, self.batching, self.take_over, self.all_specs = folder, batching, take_over, all_specs
        self._names = {spec: name for spec, (name, _) in names.items()}
        self._latest = {spec: number for spec, (_, number) in names.items()}
        self._damaged: set[Path] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="newer runs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(SECONDS):
            try:
                self.look()
            except OSError as error:  # the folder may be back at the next look
                log.warning("%s cannot be read: %s", self.folder, error.strerror)

    def look(self) -> None:
        """Load, compile and serve what is new."""
        newer = newer_runs(self.folder, self._latest, all_specs=self.all_specs, without=self._damaged)
        for spec, path in newer.items():
            try:
                served = load_served(path, self.batching, self._names.get(spec))
            except CompileError as error:
                self._damaged.add(path)  # it is reported once, and the one before it is served
                log.warning("%s is not served: %s", path, error.diagnostics[0].message)
            else:
                self._latest[spec] = int(served.version)
                self.take_over(served)
