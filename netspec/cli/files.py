"""Files that commands write: completely or not at all."""

from __future__ import annotations

from pathlib import Path

import click

from netspec.language.files.paths import exists, is_file
from netspec.storage.atomic_files import reason_of, replace_file


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8.

    Raises:
        click.ClickException: it cannot be written.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """As `write_text`, for bytes."""
    try:
        if exists(path) and not is_file(path):  # a device or a pipe takes what it is given, and stays
            with path.open("wb", buffering=0) as file:
                file.write(content)
        else:
            replace_file(path, [content], is_shared=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise click.ClickException(f"cannot write {path}: {reason_of(error)}") from None
