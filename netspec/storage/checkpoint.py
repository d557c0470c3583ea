"""Checkpoints: the whole state of a run on disk, written while training continues.

A checkpoint is one file, `checkpoints/step-00000120.safetensors`: the state (params, optimizer, random state, position,
sums) under `state/`, the best weights under `best/` when they are older than the state, and a record (position,
history, best so far) in the metadata. A separate thread writes it under another name and renames it when it is on the
disk: it is complete or absent. A checksum detects damage; then an older one is used. The last two are kept.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import jax

from netspec.language.diagnostics import CompileError, Diagnostic, fail
from netspec.language.files.atomic_files import aside_of, reason_of
from netspec.storage import errors
from netspec.storage.array_file import Damaged, read_arrays, write_arrays
from netspec.storage.records import parse_record
from netspec.storage.run_files import check_inside, checkpoint_file, checkpoint_steps
from netspec.storage.tree_paths import Tree, difference, flatten, unflatten

KEPT = 2
"""How many checkpoints are kept: if the newest is damaged, the one before it is used."""

Publish = Callable[[Tree, Tree | None], None]
"""Called with the state and the best weights of a checkpoint, on the host, once it is written."""


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment. `best` is None when the best weights are those of the state, or when there are none yet."""

    state: Tree
    best: Tree | None
    record: dict[str, Any]
    warnings: tuple[Diagnostic, ...] = field(default=())


class CheckpointStore(Protocol):
    """Where the snapshots of a run are stored. `seconds` is how long the last one took to write.

    Another store, such as one in which several hosts write their parts of a state, implements these four methods.
    """

    seconds: float

    def is_busy(self) -> bool:
        """Whether a snapshot is being written.

        Raises:
            CompileError: the last one could not be written (NS490).
        """
        ...

    def save(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        """Start to store a snapshot, after the one before it is stored; the arrays may be donated afterwards.

        Raises:
            CompileError: the one before could not be written (NS490).
        """
        ...

    def restore(self, like: Tree, like_best: Tree) -> Snapshot | None:
        """The newest snapshot that can be read; None when there never was one.

        Args:
            like: a state of the network, for structure and shapes.
            like_best: the same for the best weights.

        Raises:
            CompileError: all are damaged (NS471), or they are of another network (NS474).
        """
        ...

    def wait(self, *, check: bool = True) -> None:
        """Wait until everything is stored.

        Args:
            check: raise when it could not be; without, the error is left for the next call.

        Raises:
            CompileError: it could not be written (NS490).
        """
        ...


class MemoryStore:
    """Stores the last snapshot only, for a training without a run folder."""

    seconds = 0.0

    def __init__(self, copy: Callable[[Tree], Tree]) -> None:
        self._copy = copy
        self._last: Snapshot | None = None

    def is_busy(self) -> bool:
        return False

    def save(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        self._last = Snapshot(self._copy(state), best, record)

    def restore(self, like: Tree, like_best: Tree) -> Snapshot | None:
        last = self._last
        return None if last is None else Snapshot(self._copy(last.state), last.best, last.record)

    def wait(self, *, check: bool = True) -> None:
        pass


class FileStore:
    """Stores snapshots as files in a run folder. Only one process may write there (`netspec.storage.run_lock`).

    Args:
        folder: that of the files; created when it does not exist.
        copy: copies a tree of arrays on the device.
        publish: called by the writing thread after each checkpoint.
        check: called with the record of a checkpoint that is read; raises `CompileError` when it cannot be used.

    Raises:
        CompileError: the folder cannot be created, or is a link out of the run (NS477).
    """

    def __init__(
        self,
        folder: Path,
        copy: Callable[[Tree], Tree],
        publish: Publish | None = None,
        check: Callable[[dict[str, Any], Path], object] | None = None,
    ) -> None:
        self.folder, self.seconds = folder, 0.0
        self._copy, self._publish, self._check = copy, publish, check
        self._thread: threading.Thread | None = None
        self._failure: tuple[int, BaseException] | None = None
        self._damaged: set[int] = set()
        try:
            check_inside(folder.parent, folder)
            folder.mkdir(exist_ok=True)
            for left in folder.glob(aside_of(Path("*")).name):  # of a process that was killed while it wrote
                left.unlink()
        except OSError as error:
            raise fail(errors.CannotWrite(path=str(folder), reason=reason_of(error))) from error

    @property
    def steps(self) -> list[int]:
        """The steps of the run that have a checkpoint, oldest first."""
        return checkpoint_steps(self.folder)

    # ------------------------------------------------------------ writing

    def is_busy(self) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return True
        self.wait()
        return False

    def save(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        self.wait()
        copy = self._copy(state)
        # A daemon: a process that leaves at once (a second Ctrl-C) does not wait for the disk.
        self._thread = threading.Thread(target=self._write, args=(step, copy, best, record), daemon=True)
        self._thread.start()

    def wait(self, *, check: bool = True) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if not check or self._failure is None:
            return
        (step, error), self._failure = self._failure, None
        if not isinstance(error, OSError):
            raise error
        good = [step for step in self.steps if step not in self._damaged]
        not_written = partial(errors.CheckpointNotWritten, step=step, reason=reason_of(error))
        run, last = str(self.folder.parent), good[-1] if good else 0
        raise fail(not_written(case="" if good else "first", run=run, last=last)) from error

    def _write(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        """Write a checkpoint; the thread runs this."""
        started = time.perf_counter()
        try:
            state, best = (jax.tree.map(_on_host, tree) for tree in (state, best))
            arrays = {f"state/{name}": leaf for name, leaf in flatten(state).items()}
            if best is not None:
                arrays.update({f"best/{name}": leaf for name, leaf in flatten(best).items()})
            write_arrays(checkpoint_file(self.folder, step), arrays, {"record": json.dumps(record, default=_plain)})
            self._damaged.discard(step)
            self._remove_old(step)
            if self._publish is not None:
                self._publish(state, best)
        except BaseException as error:  # noqa: BLE001  # `wait` raises it in the thread that trains
            self._failure = step, error
        self.seconds = time.perf_counter() - started

    def _remove_old(self, newest: int) -> None:
        """Keep the newest ones that can be read; remove those that are damaged, or of later steps."""
        good = [step for step in self.steps if step <= newest and step not in self._damaged]
        for step in self.steps:
            if step not in good[-KEPT:]:
                checkpoint_file(self.folder, step).unlink()

    # ------------------------------------------------------------ reading

    def restore(self, like: Tree, like_best: Tree) -> Snapshot | None:
        """The newest checkpoint that can be read; damaged ones are skipped, and named in `warnings`."""
        self.wait()
        damaged: list[tuple[int, str]] = []
        for step in reversed(self.steps):
            try:
                snapshot = self._read(step, like, like_best)
            except Damaged as error:
                damaged.append((step, str(error)))
                self._damaged.add(step)
                continue
            warnings = tuple(errors.OlderCheckpoint(damaged=bad, used=step, reason=why) for bad, why in damaged)
            return replace(snapshot, warnings=warnings)
        if damaged:
            raise fail(errors.NoUsableCheckpoint(run=str(self.folder.parent), reason=damaged[0][1]))
        return None

    def _read(self, step: int, like: Tree, like_best: Tree) -> Snapshot:
        file = checkpoint_file(self.folder, step)
        try:
            check_inside(self.folder.parent, file)
            arrays, metadata = read_arrays(file)
            record = parse_record(metadata.get("record", ""), file)
            if self._check is not None:
                self._check(record, file)
        except OSError as error:
            raise Damaged(reason_of(error)) from error
        except CompileError as error:
            raise Damaged(f"its record cannot be used: {error.diagnostics[0].message}") from error
        state = self._tree(_part(arrays, "state/"), like)
        best = _part(arrays, "best/")
        return Snapshot(state, self._tree(best, like_best) if best else None, record)

    def _tree(self, arrays: Mapping[str, Any], like: Tree) -> Tree:
        expected = flatten(like)
        wrong = difference(arrays, expected)
        if wrong is None:
            dtypes = {name: (arrays[name].dtype.name, leaf.dtype.name) for name, leaf in expected.items()}
            wrong = next((f"`{name}` is {a}, not {b}" for name, (a, b) in dtypes.items() if a != b), None)
        if wrong is not None:
            raise fail(errors.OtherNet(source=str(self.folder.parent), reason=wrong))
        return unflatten(arrays, like)


def _part(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _on_host(leaf: Any) -> Any:
    """Random keys are not changed; `flatten` takes the numbers out of them."""
    return leaf if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else jax.device_get(leaf)


def _plain(value: Any) -> Any:
    """Numbers and arrays of NumPy in a record."""
    return value.tolist()
