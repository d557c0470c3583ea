"""What training asks of a store of checkpoints, and the one of a training without a run folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from netspec.language.diagnostics import Diagnostic
from netspec.storage.tree_paths import Tree

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

    Of several processes that train together, every one calls `save` and `restore` at the same steps.
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
