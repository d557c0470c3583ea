"""Writes the files of an export: all of them, or none that would be used without the others."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of, replace_file
from netspec.language.files.paths import exists, is_folder
from netspec.storage.errors import CannotWrite


def write_files(contents: Mapping[str, bytes], path: Path) -> tuple[Path, ...]:
    """Write files beside each other, the model last, so that it never names weights that are not there.

    Returns:
        The files, the model first.

    Raises:
        CompileError: one cannot be written (NS477).
    """
    files = [path.with_name(name) for name in contents]
    try:
        for file, content in zip(files, contents.values(), strict=True):
            replace_file(file, [content], is_shared=True)
    except OSError as error:
        raise fail(CannotWrite(path=str(path), reason=reason_of(error))) from error
    return tuple(sorted(files, key=lambda file: file != path))


def check_folder(path: Path, *, is_forced: bool) -> None:
    """Raises FileExistsError unless a folder can be made at a path, or is empty, or files in it may be replaced."""
    if is_folder(path):
        if not is_forced and any(path.iterdir()):
            raise FileExistsError(f"{path} has files already")
    elif exists(path) or path.is_symlink():
        raise FileExistsError(f"{path} is a file, and a folder is written")


def write_folder(contents: Mapping[str, bytes], path: Path) -> tuple[Path, ...]:
    """Write files into a folder, which is made when it does not exist. A new folder, or an empty one, has all of them
    or does not appear; in one that has files each is replaced, the last one named last, and others stay.

    Raises:
        CompileError: it cannot be written (NS477).
    """
    try:
        if is_folder(path) and any(path.iterdir()):
            for name, content in contents.items():
                replace_file(path / name, [content], is_shared=True)
        else:
            _write_new(contents, path)
    except OSError as error:
        raise fail(CannotWrite(path=str(path), reason=reason_of(error))) from error
    return tuple(path / name for name in contents)


def _write_new(contents: Mapping[str, bytes], path: Path) -> None:
    """Fill a folder under another name, and rename it."""
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name[:50]}-", dir=path.parent))
    try:
        aside.chmod(0o755)
        for name, content in contents.items():
            replace_file(aside / name, [content])
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
