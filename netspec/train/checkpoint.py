"""Checkpoints: the whole state of a run on disk, written aside while training goes on.

A checkpoint holds the state (params, optimizer, random state, position, sums), the best weights when they are older
than the state, and a record (position, history, best so far). The last two are kept. `checkpoints.json` beside the
folder lists the size and the checksum of every file, so that damage is noticed before anything is read; a damaged
checkpoint is left aside and an older one is used.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orbax.checkpoint as ocp

from netspec.diagnostics import Diagnostic, fail
from netspec.train import errors
from netspec.train.flat import difference, flatten, unflatten
from netspec.train.placing import Tree

DAMAGE = (OSError, ValueError, KeyError, TypeError, RuntimeError)
"""What reading a damaged checkpoint may raise."""


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment. `best` is None when the best weights are those of the state, or when there are none yet."""

    state: Tree
    best: Tree | None
    record: dict[str, Any]
    warnings: tuple[Diagnostic, ...] = field(default=())


class Keeper(Protocol):
    """Keeps snapshots: on disk for runs, in memory without a run folder."""

    def save(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        """Keep a snapshot; the arrays may be donated afterwards."""
        ...

    def restore(self, like: Tree, like_best: Tree) -> Snapshot:
        """The newest snapshot that can be read."""
        ...

    def close(self) -> None:
        """Wait until everything is kept."""
        ...


class InMemory:
    """Keeps the last snapshot only."""

    def __init__(self, copy: Callable[[Tree], Tree]) -> None:
        self._copy = copy
        self._last: Snapshot | None = None

    def save(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        self._last = Snapshot(self._copy(state), best, record)

    def restore(self, like: Tree, like_best: Tree) -> Snapshot:
        assert self._last is not None, "a run begins with a snapshot"
        return Snapshot(self._copy(self._last.state), self._last.best, self._last.record)

    def close(self) -> None:
        pass


class Checkpoints:
    """The checkpoints of a run folder.

    Args:
        folder: where they lie; it is made when the first one is saved.
        copy: copies a tree of arrays on the device.

    Raises:
        CompileError: the folder cannot be made (NS477).
    """

    def __init__(self, folder: Path, copy: Callable[[Tree], Tree]) -> None:
        self.folder = folder.absolute()
        self._list = self.folder.with_suffix(".json")
        self._copy = copy
        self._unlisted: set[int] = set()
        options = ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=True)
        try:
            self._manager = ocp.CheckpointManager(self.folder, options=options)
        except OSError as error:
            raise fail(errors.CannotWrite(path=str(self.folder), reason=_reason(error))) from error

    @property
    def steps(self) -> list[int]:
        """The steps of the run that have a checkpoint, oldest first."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, state: Tree, best: Tree | None, record: dict[str, Any]) -> None:
        """Begin to write a checkpoint; it counts once it is complete. A step that has one already is left alone.

        Raises:
            CompileError: it, or the one before, cannot be written (NS477).
        """
        self.finish()
        if step in self.steps:
            return
        flat = flatten(self._copy(state))
        shapes = {name: list(leaf.shape) for name, leaf in flat.items()}
        items = {
            "state": ocp.args.StandardSave(flat),
            "record": ocp.args.JsonSave({**record, "shapes": shapes, "has_best": best is not None}),
        }
        if best is not None:
            items["best"] = ocp.args.StandardSave(flatten(best))
        try:
            self._manager.save(step, args=ocp.args.Composite(**items))
        except DAMAGE as error:
            raise fail(errors.CannotWrite(path=str(self.folder), reason=_reason(error))) from error
        self._unlisted.add(step)

    def finish(self) -> None:
        """Wait until what is being written is complete, and list its files.

        Raises:
            CompileError: it cannot be written (NS477).
        """
        if not self._unlisted:
            return
        try:
            self._manager.wait_until_finished()
            self._manager.check_for_errors()
            listed = self._read_list()
            kept = {str(s): listed[str(s)] for s in self.steps if str(s) in listed}
            kept.update({str(s): self._files(s) for s in self._unlisted})
            aside = self._list.with_suffix(".tmp")
            aside.write_text(json.dumps(kept), encoding="utf-8")
            aside.replace(self._list)
        except DAMAGE as error:
            raise fail(errors.CannotWrite(path=str(self.folder), reason=_reason(error))) from error
        self._unlisted.clear()

    def close(self) -> None:
        """Wait until everything is written, and let go of the folder."""
        self.finish()
        self._manager.close()

    def restore(self, like: Tree, like_best: Tree) -> Snapshot:
        """The newest checkpoint that can be read; damaged ones are removed, and named in `warnings`.

        Args:
            like: a state of the net, for structure and shapes.
            like_best: the same for the best weights.

        Raises:
            CompileError: there is none (NS470), all are damaged (NS471), or they are of another net (NS474).
        """
        self.finish()
        steps = self.steps[::-1]
        if not steps:
            raise fail(errors.NoCheckpoint(run=str(self.folder.parent)))
        damaged: list[tuple[int, str]] = []
        for step in steps:
            reason = self._damage(step)
            if reason is None:
                try:
                    found = self._read(step, like, like_best)
                except DAMAGE as error:
                    reason = _reason(error)
                else:
                    return self._without_damaged(found, damaged, step)
            damaged.append((step, reason))
        raise fail(errors.NoUsableCheckpoint(run=str(self.folder.parent), reason=damaged[0][1]))

    def _without_damaged(self, found: Snapshot, damaged: list[tuple[int, str]], used: int) -> Snapshot:
        warnings = []
        for step, reason in damaged:
            self._manager.delete(step)
            warnings.append(errors.OlderCheckpoint(damaged=step, used=used, reason=reason))
        return Snapshot(found.state, found.best, found.record, tuple(warnings))

    def _read(self, step: int, like: Tree, like_best: Tree) -> Snapshot:
        record = self._manager.restore(step, args=ocp.args.Composite(record=ocp.args.JsonRestore())).record
        flat = flatten(like)
        wrong = difference(record["shapes"], flat)
        if wrong is not None:
            raise fail(errors.OtherNet(source=str(self.folder.parent), reason=wrong))
        wanted = {"state": ocp.args.StandardRestore(_abstract(flat))}
        if record["has_best"]:
            wanted["best"] = ocp.args.StandardRestore(_abstract(flatten(like_best)))
        items = self._manager.restore(step, args=ocp.args.Composite(**wanted))
        best = unflatten(items["best"], like_best) if record["has_best"] else None
        return Snapshot(unflatten(items["state"], like), best, record)

    # ------------------------------------------------------------ files and their checksums

    def _files(self, step: int) -> dict[str, list[int]]:
        root = self.folder / str(step)
        paths = sorted(p for p in root.rglob("*") if p.is_file())
        return {str(p.relative_to(root)): [p.stat().st_size, _checksum(p)] for p in paths}

    def _read_list(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._list.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            return {}  # the list only helps to find damage: without it, reading finds most of it
        return found

    def _damage(self, step: int) -> str | None:
        """What is wrong with the files of a checkpoint, or None."""
        listed = self._read_list().get(str(step))
        if listed is None:
            return None
        for name, (size, checksum) in listed.items():
            path = self.folder / str(step) / name
            if not path.is_file():
                return f"`{name}` is missing"
            if path.stat().st_size != size:
                return f"`{name}` has {path.stat().st_size} bytes, not {size}"
            if _checksum(path) != checksum:
                return f"`{name}` was changed"
        return None


def _abstract(flat: Mapping[str, Any]) -> dict[str, Any]:
    return {name: ocp.utils.to_shape_dtype_struct(leaf) for name, leaf in flat.items()}


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def _reason(error: BaseException) -> str:
    """The first line of an error's text, cut to a readable length."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return text if len(text) <= 200 else text[:197] + "…"
