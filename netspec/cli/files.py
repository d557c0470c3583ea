"""Specs that commands read from a file or from standard input; files that they write: completely or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netspec.language.files.atomic_files import reason_of, replace_file
from netspec.language.files.paths import exists, is_file
from netspec.language.source import Source
from netspec.spec.compilation import read_source, read_stream


def read_spec(file: str) -> Source:
    """The text of a spec file; `-` is standard input.

    Raises:
        CompileError: it cannot be read, is too large, or is not text.
    """
    return read_source(Path(file)) if file != "-" else read_stream(sys.stdin.buffer, "<stdin>")


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8.

    Raises:
        click.ClickException: it cannot be written.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """As `write_text`, for bytes."""
    if "\0" in str(path):
        raise click.ClickException(f"cannot write {path}: no file has a name with a NUL character")
    try:
        if exists(path) and not is_file(path):  # a device or a pipe takes what it is given, and stays
            with path.open("wb", buffering=0) as file:
                file.write(content)
        else:
            replace_file(path, [content], is_shared=True)
    except OSError as error:
        hint = f"\nmake the folder `{path.parent}` first" if not exists(path.parent) else ""
        raise click.ClickException(f"cannot write {path}: {reason_of(error)}{hint}") from None
