"""Checkpoints of a state that is sharded over devices, maybe of several processes: a folder each, through Orbax."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax

from netspec.language.diagnostics import fail
from netspec.storage import errors
from netspec.storage.checkpoints.array_folder import FolderWriter, Layout, StoredArray, layout_of
from netspec.storage.checkpoints.folder_store import FolderStore, flat_snapshot, part_of, say_to_all
from netspec.storage.run_files import checkpoint_folder
from netspec.storage.tree_paths import Tree


class OrbaxStore(FolderStore):
    """Stores snapshots as folders in which each process writes the shards that it holds.

    `publish` is called in the first process, with trees of arrays that are read from the checkpoint when their numbers
    are needed: no device and no process has to hold the whole state.

    Raises (beside those of `FolderStore`):
        CompileError: the processes do not share the folder (NS550).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._check_shared()
        self._writer = FolderWriter()

    def _check_shared(self) -> None:
        """Raises CompileError unless every process sees a file that the first one makes (NS550)."""
        if jax.process_count() == 1:
            return
        mark = self.folder / f".{uuid.uuid4().hex}.tmp"
        if self.is_writer:
            mark.touch()
        name = say_to_all(mark.name)[0]
        seen = say_to_all("yes" if (self.folder / name).exists() else "no")
        if self.is_writer:
            mark.unlink()
        if "no" in seen:
            raise fail(errors.NotShared(folder=str(self.folder), process=seen.index("no"), count=len(seen)))

    def _begin(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> Callable[[], None]:
        if jax.default_backend() == "cpu":  # elsewhere Orbax copies from the device before it returns
            state = self._copy(state)
        arrays, path = flat_snapshot(state, best), checkpoint_folder(self.folder, step)
        layout = layout_of(arrays)
        self._writer.begin(path, arrays)
        stored = {name: StoredArray(path, name, *kind) for name, kind in layout.items()}
        trees = part_of(stored, "state/", state), None if best is None else part_of(stored, "best/", best)
        return partial(self._finish, path, layout, record, trees)

    def _finish(self, path: Path, layout: Layout, record: dict[str, Any], trees: tuple[Tree, Tree | None]) -> None:
        self._writer.finish(path, layout, record)
        if self.is_writer:
            self._remove_old(path)
            if self._publish is not None:
                self._publish(*trees)
