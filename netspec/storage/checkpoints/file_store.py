"""Checkpoints of a state that one process holds: a file each."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import jax

from netspec.storage.array_file import write_arrays
from netspec.storage.checkpoints.folder_store import FolderStore, flat_snapshot
from netspec.storage.records import plain_value
from netspec.storage.run_files import checkpoint_file
from netspec.storage.tree_paths import Tree


class FileStore(FolderStore):
    """Stores snapshots as files. Of several processes that hold the same state, only the first one writes."""

    def save(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        if self.is_writer:
            super().save(step, state, best, record)

    def _begin(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> Callable[[], None]:
        return partial(self._write_file, step, self._copy(state), best, record)

    def _write_file(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        state, best = (jax.tree.map(_on_host, tree) for tree in (state, best))
        path = checkpoint_file(self.folder, step)
        write_arrays(path, flat_snapshot(state, best), {"record": json.dumps(record, default=plain_value)})
        self._remove_old(path)
        if self._publish is not None:
            self._publish(state, best)


def _on_host(leaf: Any) -> Any:
    """Random keys are not changed; `flatten` takes the numbers out of them."""
    return leaf if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else jax.device_get(leaf)
