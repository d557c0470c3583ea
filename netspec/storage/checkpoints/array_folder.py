"""Arrays by name in a folder that several processes write together: checkpoints of sharded states, through Orbax.

    step-00000120.orbax/
        arrays/        of Orbax: each process has written the shards that it holds
        record.json    names, types and shapes; size and checksum of each file in `arrays/`; a record of the run

The folder is filled under another name, `record.json` last, and then renamed: it is complete or absent. Orbax is
imported when such a folder is written or read, and not before: a training on one device never waits for that.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from netspec.language.diagnostics import CompileError
from netspec.language.files.atomic_files import aside_of, reason_of, replace_file, sync_folder
from netspec.language.files.regular_file import open_regular
from netspec.language.lazy import lazy
from netspec.language.record import Frozen
from netspec.storage.array_file import Damaged
from netspec.storage.checksums import is_sealed, seal
from netspec.storage.records import parse_record, plain_value, typed
from netspec.storage.run_files import check_inside, read_inside

ocp: Any = lazy("orbax.checkpoint")
epath: Any = lazy("etils.epath")

ARRAYS, RECORD = "arrays", "record.json"
CHUNK = 1 << 24
"""Bytes of a file that are in memory at a time while its checksum is computed."""
PATIENCE = 600
"""Seconds that the processes wait for each other while they write a checkpoint."""

Layout = dict[str, tuple[str, tuple[int, ...]]]
"""The type and the shape of each array, by name."""


class FolderRecord(Frozen):
    """What `record.json` holds: of each file the size and the CRC-32, by its path in `arrays/`."""

    record: dict[str, Any]
    arrays: Layout
    files: dict[str, tuple[int, str]]


def layout_of(arrays: Mapping[str, Any]) -> Layout:
    """The types and shapes of arrays by name."""
    return {name: (array.dtype.name, tuple(array.shape)) for name, array in arrays.items()}


class FolderWriter:
    """Writes folders of arrays, one after the other. Every process calls the same methods in the same order."""

    def __init__(self) -> None:
        options = ocp.options.AsyncOptions(timeout_secs=PATIENCE)
        self._orbax = ocp.AsyncCheckpointer(ocp.PyTreeCheckpointHandler(), async_options=options)
        logging.getLogger("absl").addFilter(_is_not_of_orbax)  # a logger of its own class, so after the import

    def begin(self, path: Path, arrays: Mapping[str, Any]) -> None:
        """Begin to write arrays aside of `path`. What they hold is copied to the host before this returns, except
        that on a CPU they are read where they are, and must not change until `finish` has returned.

        Raises:
            OSError: the folder cannot be written.
        """
        aside = aside_of(path)
        if jax.process_index() == 0:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
        present = {name: array for name, array in arrays.items() if array.size}  # Orbax refuses empty arrays
        try:
            self._orbax.save(aside.absolute() / ARRAYS, args=ocp.args.PyTreeSave(present))
        except Exception as error:
            raise _error_of_system(error) from error

    def finish(self, path: Path, layout: Layout, record: Mapping[str, Any]) -> None:
        """Wait until every process has written its part; the first one completes the folder.

        Raises:
            OSError: the folder cannot be written.
        """
        aside = aside_of(path)
        try:
            try:
                self._orbax.wait_until_finished()
            except Exception as error:
                raise _error_of_system(error) from error
            if jax.process_index() == 0:
                files = {file: _checksum(aside / ARRAYS / file) for file in _files_in(aside / ARRAYS)}
                content = {"record": record, "arrays": layout, "files": files}
                replace_file(aside / RECORD, [seal(json.dumps(content, default=plain_value)).encode()])
                complete(path)
        except BaseException:
            if jax.process_index() == 0:
                shutil.rmtree(aside, ignore_errors=True)
            raise


def complete(path: Path) -> bool:
    """Give a folder that was filled aside its name, unless a process was killed before it had filled it.

    Raises:
        OSError: it cannot be renamed.
    """
    aside = aside_of(path)
    if not (aside / RECORD).is_file():
        return False
    sync_folder(aside)
    remove_folder(path)
    aside.rename(path)
    sync_folder(path.parent)
    return True


def remove_folder(path: Path) -> None:
    """Remove a folder, if it is there; whenever this is interrupted, no part of it is left under its name."""
    if os.path.lexists(path):
        removed = aside_of(path.with_name(f"{path.name}.old"))
        shutil.rmtree(removed, ignore_errors=True)
        path.rename(removed)
        shutil.rmtree(removed)


def read_folder_record(run: Path, path: Path) -> FolderRecord:
    """What the record of a folder says, without reading or checking the arrays.

    Raises:
        Damaged: it is missing or not as it was written.
    """
    file = path / RECORD
    try:
        text = read_inside(run, file).decode()
        if not is_sealed(text):
            raise Damaged(f"its {RECORD} was changed: the checksum does not match")
        return typed(parse_record(text, file), FolderRecord, file)
    except (OSError, UnicodeDecodeError) as error:
        raise Damaged(f"{RECORD}: {reason_of(error)}") from error
    except CompileError as error:
        raise Damaged(error.diagnostics[0].message) from error


def check_files(run: Path, path: Path, files: Mapping[str, tuple[int, str]]) -> None:
    """Raises Damaged unless each of these files is as it was written, and inside of the run."""
    for name, expected in files.items():
        file = path / ARRAYS / name
        try:
            check_inside(run, file)
            found = _checksum(file)
        except OSError as error:
            raise Damaged(f"{ARRAYS}/{name}: {reason_of(error)}") from error
        if found != expected:
            raise Damaged(f"{ARRAYS}/{name} is truncated or was changed: its checksum does not match")


def read_folder(path: Path, layout: Layout, like: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The arrays of a folder whose files were checked.

    Args:
        path: the folder.
        layout: of the arrays to read.
        like: arrays of the same names: each one is read onto the devices of that one, every process its shards of it.
            None: all of them in the memory of the host.

    Raises:
        Damaged: Orbax cannot read them.
    """
    present = [name for name, (_, shape) in layout.items() if 0 not in shape]
    restore_args = {name: _restore_args(None if like is None else like[name], layout[name][1]) for name in present}
    args = ocp.args.PyTreeRestore(dict.fromkeys(present, 0), restore_args=restore_args, partial_restore=True)
    try:
        handler = ocp.PyTreeCheckpointHandler()
        found = handler.restore(epath.Path(path.absolute() / ARRAYS), args=args) if present else {}
    except (OSError, ValueError, KeyError) as error:
        raise Damaged(f"Orbax cannot read it: {reason_of(error)}") from error
    return {name: found[name] if name in found else _empty(*layout[name], like and like[name]) for name in layout}


class StoredArray:
    """An array of a folder, which is read when its numbers are needed: `np.asarray` gives them."""

    def __init__(self, path: Path, name: str, dtype: str, shape: Sequence[int]) -> None:
        self._path, self._name, self._layout = path, name, (dtype, tuple(shape))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = read_folder(self._path, {self._name: self._layout})[self._name]
        return array if dtype is None else array.astype(dtype)

    @property
    def dtype(self) -> Any:
        return jax.numpy.dtype(self._layout[0])

    @property
    def shape(self) -> tuple[int, ...]:
        return self._layout[1]


def _restore_args(like: Any, shape: tuple[int, ...]) -> Any:
    if like is None:
        return ocp.RestoreArgs(restore_type=np.ndarray)
    return ocp.ArrayRestoreArgs(sharding=like.sharding, global_shape=shape, dtype=like.dtype)


def _empty(dtype: str, shape: tuple[int, ...], like: Any) -> Any:
    """An array without numbers, which Orbax does not store."""
    array = np.zeros(shape, jax.numpy.dtype(dtype))
    return array if like is None else jax.make_array_from_callback(shape, like.sharding, lambda index: array[index])


def _files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder).as_posix()) for file in folder.rglob("*") if file.is_file())


def _checksum(file: Path) -> tuple[int, str]:
    """The size of a file and its CRC-32."""
    size = value = 0
    with open_regular(file) as opened:
        while chunk := opened.read(CHUNK):
            size, value = size + len(chunk), zlib.crc32(chunk, value)
    return size, f"{value:08x}"


def _error_of_system(error: Exception) -> Exception:
    """The error of the system in one of TensorStore, whose text has its number."""
    found = re.search(r"\bos_error_code='(\d+)'", str(error))
    return error if found is None else OSError(int(found[1]), os.strerror(int(found[1])))


def _is_not_of_orbax(record: logging.LogRecord) -> bool:
    """Orbax logs the errors that it also raises."""
    return "orbax" not in record.pathname
