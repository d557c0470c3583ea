"""Checkpoints of a run folder, files and folders, for those who only look at them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.language.diagnostics import CompileError
from netspec.language.files.atomic_files import reason_of
from netspec.storage.array_file import Damaged, read_arrays, read_metadata
from netspec.storage.checkpoints.array_folder import check_files, read_folder, read_folder_record
from netspec.storage.records import parse_record
from netspec.storage.run_files import check_inside, is_checkpoint_folder


def read_checkpoint(run: Path, checkpoint: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of a checkpoint, file or folder, in the memory of the host, and its record.

    Raises:
        Damaged: it is not as it was written, or cannot be read.
    """
    if not is_checkpoint_folder(checkpoint):
        return read_file(run, checkpoint)
    stored = read_folder_record(run, checkpoint)
    check_files(run, checkpoint, stored.files)
    return read_folder(checkpoint, stored.arrays), stored.record


def check_checkpoint(run: Path, checkpoint: Path) -> None:
    """Raises Damaged unless a checkpoint is as it was written."""
    if is_checkpoint_folder(checkpoint):
        check_files(run, checkpoint, read_folder_record(run, checkpoint).files)
    else:
        read_file(run, checkpoint)


def read_record(run: Path, checkpoint: Path) -> dict[str, Any]:
    """The record of a checkpoint, without reading or checking the arrays.

    Raises:
        Damaged: it cannot be read.
    """
    if is_checkpoint_folder(checkpoint):
        return read_folder_record(run, checkpoint).record
    try:
        check_inside(run, checkpoint)
        return parse_record(read_metadata(checkpoint).get("record", ""), checkpoint)
    except OSError as error:
        raise Damaged(reason_of(error)) from error
    except CompileError as error:
        raise Damaged(error.diagnostics[0].message) from error


def read_file(run: Path, file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        check_inside(run, file)
        arrays, metadata = read_arrays(file)
        return arrays, parse_record(metadata.get("record", ""), file)
    except OSError as error:
        raise Damaged(reason_of(error)) from error
    except CompileError as error:
        raise Damaged(f"its record cannot be used: {error.diagnostics[0].message}") from error
