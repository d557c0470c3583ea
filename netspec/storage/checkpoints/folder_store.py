"""What the stores of a run folder have in common: all but how a checkpoint is written."""

from __future__ import annotations

import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

from netspec.language.diagnostics import CompileError, fail
from netspec.language.files.atomic_files import aside_of, reason_of
from netspec.storage import errors
from netspec.storage.array_file import Damaged
from netspec.storage.checkpoints.array_folder import (
    Layout,
    check_files,
    complete,
    layout_of,
    read_folder,
    read_folder_record,
    remove_folder,
)
from netspec.storage.checkpoints.read import read_file
from netspec.storage.checkpoints.store import Publish, Snapshot
from netspec.storage.run_files import check_inside, checkpoint_steps, checkpoints_in, is_checkpoint_folder, step_of
from netspec.storage.tree_paths import Tree, as_keys, difference, fill, flatten

SAID = 256
"""Bytes of what a process can say to the others."""
KEPT = 2
"""How many checkpoints are kept: if the newest is damaged, the one before it is used."""


class FolderStore(ABC):
    """What the stores of a run folder share: all but how a checkpoint is written. Each reads what the other has
    written, since a run may be resumed on other devices. Only one process may write there
    (`netspec.storage.run_lock`), or the processes of one training.

    Args:
        folder: that of the checkpoints; created when it does not exist.
        copy: copies a tree of arrays on the device.
        publish: called by the writing thread after each checkpoint.
        check: called with the record of a checkpoint that is read; raises `CompileError` when it cannot be used.
        is_writer: whether this process makes the folder, and keeps it in order.

    Raises:
        CompileError: the folder cannot be created, or is a link out of the run (NS477).
    """

    def __init__(
        self,
        folder: Path,
        copy: Callable[[Tree], Tree],
        publish: Publish | None = None,
        check: Callable[[dict[str, Any], Path], object] | None = None,
        *,
        is_writer: bool = True,
    ) -> None:
        self.folder, self.seconds, self.is_writer = folder, 0.0, is_writer
        self._copy, self._publish, self._check = copy, publish, check
        self._thread: threading.Thread | None = None
        self._failure: tuple[int, BaseException] | None = None
        self._damaged: set[Path] = set()
        try:
            check_inside(folder.parent, folder)
            if is_writer:
                folder.mkdir(exist_ok=True)
                self._clear()
        except OSError as error:
            raise fail(errors.CannotWrite(path=str(folder), reason=reason_of(error))) from error

    @property
    def steps(self) -> list[int]:
        """The steps of the run that have a checkpoint, oldest first."""
        return checkpoint_steps(self.folder)

    def _clear(self) -> None:
        """Remove what a process has left that was killed while it wrote; a folder that lacks only its name gets it."""
        for left in self.folder.glob(aside_of(Path("*")).name):
            path = self.folder / left.name[1:].removesuffix(".tmp")
            if not left.is_dir() or left.is_symlink():
                left.unlink()
            elif not (is_checkpoint_folder(path) and complete(path)):
                shutil.rmtree(left)

    # ------------------------------------------------------------ writing

    def is_busy(self) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return True
        self.wait()
        return False

    def save(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        self.wait()
        started = time.perf_counter()
        try:
            write = self._begin(step, state, best, record)
        except OSError as error:
            self._failure = step, error
            self.wait()
            return
        # A daemon: a process that leaves at once (a second Ctrl-C) does not wait for the disk.
        self._thread = threading.Thread(target=self._write, args=(step, write, started), daemon=True)
        self._thread.start()

    @abstractmethod
    def _begin(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> Callable[[], None]:
        """Take the arrays of a state, which may be donated afterwards; the writing itself, for the thread.

        Raises:
            OSError: the checkpoint cannot be written.
        """

    def wait(self, *, check: bool = True) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if not check or self._failure is None:
            return
        (step, error), self._failure = self._failure, None
        if not isinstance(error, OSError):
            raise error
        good = [step_of(path) for path in checkpoints_in(self.folder) if path not in self._damaged]
        not_written = partial(errors.CheckpointNotWritten, step=step, reason=reason_of(error))
        run, last = str(self.folder.parent), good[-1] if good else 0
        raise fail(not_written(case="" if good else "first", run=run, last=last)) from error

    def _write(self, step: int, write: Callable[[], None], started: float) -> None:
        """Write a checkpoint; the thread runs this."""
        try:
            write()
        except BaseException as error:  # noqa: BLE001  # `wait` raises it in the thread that trains
            self._failure = step, error
        self.seconds = time.perf_counter() - started

    def _remove_old(self, newest: Path) -> None:
        """Keep the newest ones that can be read; remove those that are damaged, of later steps, or of the same one."""
        self._damaged.discard(newest)
        found = checkpoints_in(self.folder)
        older = [path for path in found if step_of(path) < step_of(newest) and path not in self._damaged]
        for path in found:
            if path not in [*older, newest][-KEPT:]:
                remove_folder(path) if is_checkpoint_folder(path) else path.unlink()

    # ------------------------------------------------------------ reading

    def restore(self, like: Tree, like_best: Tree) -> Snapshot | None:
        """The newest checkpoint that can be read; damaged ones are skipped, and named in `warnings`.

        Raises (beside those of `CheckpointStore`):
            CompileError: several processes do not see the same checkpoints (NS550).
        """
        self.wait()
        say_to_all()  # the first process has cleared the folder
        damaged: list[tuple[int, str]] = []
        for path in reversed(self._same_for_all(checkpoints_in(self.folder))):
            snapshot, reason = None, ""
            try:
                snapshot = self._read(path, like, like_best)
            except Damaged as error:
                reason = str(error)
            reason = next(filter(None, say_to_all(reason)), "")
            if snapshot is not None and not reason:
                used = step_of(path)
                warnings = tuple(errors.OlderCheckpoint(damaged=bad, used=used, reason=why) for bad, why in damaged)
                return replace(snapshot, warnings=warnings)
            damaged.append((step_of(path), reason))
            self._damaged.add(path)
        if damaged:
            raise fail(errors.NoUsableCheckpoint(run=str(self.folder.parent), reason=damaged[0][1]))
        return None

    def _same_for_all(self, found: list[Path]) -> list[Path]:
        """The checkpoints, the newest ones of which every process sees.

        Raises:
            CompileError: one does not (NS550).
        """
        seen = say_to_all(" ".join(path.name for path in found[-KEPT:]))
        if other := next((index for index, names in enumerate(seen) if names != seen[0]), 0):
            raise fail(errors.NotShared(folder=str(self.folder), process=other, count=len(seen)))
        return found

    def _read(self, path: Path, like: Tree, like_best: Tree) -> Snapshot:
        run = self.folder.parent
        trees = {"state/": like, "best/": like_best}
        expected = {prefix + name: leaf for prefix, tree in trees.items() for name, leaf in flatten(tree).items()}
        if is_checkpoint_folder(path):
            stored = read_folder_record(run, path)
            record, layout = stored.record, stored.arrays
            files = sorted(stored.files.items())[jax.process_index() :: jax.process_count()]
            check_files(run, path, dict(files))
        else:
            arrays, record = read_file(run, path)
            layout = layout_of(arrays)
        self._check_record(record, path)
        has_best = any(name.startswith("best/") for name in layout)
        expected = {name: leaf for name, leaf in expected.items() if has_best or name.startswith("state/")}
        self._check_layout(layout, expected)
        if is_checkpoint_folder(path):
            arrays = read_folder(path, layout, expected)
        else:
            arrays = {name: placed_like(arrays[name], leaf) for name, leaf in expected.items()}
        state, best = (
            as_keys(part_of(arrays, prefix, tree), tree) if prefix == "state/" or has_best else None
            for prefix, tree in trees.items()
        )
        return Snapshot(state, best, record)

    def _check_record(self, record: dict[str, Any], path: Path) -> None:
        """Raises Damaged when the record of a checkpoint cannot be used."""
        try:
            if self._check is not None:
                self._check(record, path)
        except CompileError as error:
            raise Damaged(f"its record cannot be used: {error.diagnostics[0].message}") from error

    def _check_layout(self, layout: Layout, expected: Mapping[str, Any]) -> None:
        """Raises CompileError when the arrays are not those of the network (NS474)."""
        for prefix in ("state/", "best/"):
            found, like = _part(layout, prefix), _part(expected, prefix)
            wrong = difference({name: list(shape) for name, (_, shape) in found.items()}, like)
            if wrong is None:
                dtypes = {name: (found[name][0], leaf.dtype.name) for name, leaf in like.items()}
                wrong = next((f"`{name}` is {a}, not {b}" for name, (a, b) in dtypes.items() if a != b), None)
            if wrong is not None:
                raise fail(errors.OtherNet(source=str(self.folder.parent), reason=wrong))


def placed_like(array: Any, like: Any) -> Any:
    """A copy of an array of the host on the devices of another one; of several processes each puts its shards there."""
    sharding = getattr(like, "sharding", None)
    if sharding is None or len(sharding.device_set) == 1:
        return jnp.array(array)
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])


def part_of(arrays: Mapping[str, Any], prefix: str, like: Tree) -> Tree:
    """The tree of the structure of `like` that `flat_snapshot` has put under a prefix."""
    return fill(_part(arrays, prefix), like)


def _part(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def flat_snapshot(state: Tree, best: Tree | None) -> dict[str, Any]:
    """The arrays of a checkpoint by name."""
    arrays = {f"state/{name}": leaf for name, leaf in flatten(state).items()}
    if best is not None:
        arrays.update({f"best/{name}": leaf for name, leaf in flatten(best).items()})
    return arrays


def say_to_all(text: str = "") -> list[str]:
    """What each process says, by process, when every one has said it; where there is only one, that alone."""
    if jax.process_count() == 1:
        return [text]
    said = np.frombuffer(text.encode()[:SAID].ljust(SAID, b"\0"), np.uint8)
    heard = multihost_utils.process_allgather(said)
    return [row.tobytes().rstrip(b"\0").decode(errors="replace") for row in heard]
