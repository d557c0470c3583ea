"""One run folder for all processes of a training: process 0 makes it and writes into it, the others read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netspec.language.diagnostics import fail
from netspec.storage.run_folder import Run
from netspec.storage.run_lock import locked
from netspec.training.distributed.processes import peers
from netspec.training.errors.distributed import ProcessesDiffer


class ReadOnlyRun(Run):
    """The run folder as the other processes see it: nothing is written."""

    def write_text(self, file: str, text: str) -> None:
        pass

    def add_checksums(self) -> None:
        pass

    def _append(self, file: str, line: str) -> None:
        pass

    def _replace(self, file: str, *parts: bytes | memoryview) -> None:
        pass


def shared_run(make: Callable[[], Run]) -> Run:
    """The folder that `make` makes in process 0.

    Raises:
        CompileError: those of `make`, in process 0; that it has ended (NS583), in the others.
    """
    group = peers()
    if group.count == 1:
        return make()
    made = make() if group.process == 0 else None
    path = group.first(str(made.path.absolute()) if made is not None else None)
    group.run = str(made.path) if made is not None else path
    return made if made is not None else ReadOnlyRun(Path(path))


@contextmanager
def writing(run: Run | None) -> Iterator[None]:
    """Hold the lock of a run folder, in process 0.

    Raises:
        CompileError: another training holds it (NS491), or the folder cannot be written (NS477).
    """
    if run is None or isinstance(run, ReadOnlyRun):
        yield
        return
    with locked(run.path):
        yield


def check_same(things: Mapping[str, Any]) -> None:
    """Compare what the processes train: plain values by what they are.

    Raises:
        CompileError: a process has others than process 0 (NS582).
    """
    first, *others = peers().gather(dict(things))
    for process, other in enumerate(others, 1):
        for name, value in first.items():
            if other[name] != value:
                raise fail(ProcessesDiffer(process=process, difference=f"it has another {name}"))
