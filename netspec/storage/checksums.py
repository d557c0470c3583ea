"""Checksums (CRC-32) of the text files of a run: every bit of a file that is read back is covered by one.

A file that is only ever replaced is listed in `checksums.json`, which is written first, with the new and the last
checksum of the file: so a run can be read at any moment, also after a kill between the two. Lines that are appended
(`metrics.jsonl`) end with a checksum of themselves, as does `checksums.json`. Files of arrays have theirs in the header
(`array_file.py`). A run folder without `checksums.json` is one of netspec 0.1, in which texts are not checked.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from netspec.storage import errors
from netspec.storage.published import is_published, published_text
from netspec.storage.records import checksum as checksum, parse_record, typed
from netspec.storage.run_files import read_inside

CHECKSUMS = "checksums.json"
SEAL = re.compile(r'(?:, )?"crc32": "([0-9a-f]{8})"\}\n?\Z')
"""The end of a sealed record."""


def seal(record: str) -> str:
    """The text of a JSON object with the checksum of all that is before it as its last key, `crc32`."""
    body = record.rstrip()[:-1].rstrip()
    separator = "" if body == "{" else ", "
    return f'{body}{separator}"crc32": "{checksum(body.encode())}"}}'


def is_sealed(record: str) -> bool | None:
    """Whether a record is as it was sealed; None for one without a checksum."""
    match = SEAL.search(record)
    return None if match is None else checksum(record[: match.start()].encode()) == match[1]


def read_text(run: Path, file: str) -> str:
    """The text of a file of a run folder, or of an exported model, which is as it was written.

    Raises:
        CompileError: it cannot be read, or was changed (NS475).
    """
    if is_published(run):
        return published_text(run, file)
    listed = read_checksums(run)
    content = _read(run, file)
    while listed is not None and checksum(content) not in listed.get(file, (checksum(content),)):
        again = read_checksums(run)
        if again == listed:
            raise errors.changed(run / file)
        listed, content = again, _read(run, file)  # it was written between the two
    return _decoded(run, file, content)


def read_checksums(run: Path) -> dict[str, tuple[str, ...]] | None:
    """The checksums that the texts of a run may have, by file; None for a run that has no `checksums.json`.

    Raises:
        CompileError: it cannot be read, or was changed (NS475).
    """
    path = run / CHECKSUMS
    if not os.path.lexists(path):
        return None
    text = _decoded(run, CHECKSUMS, _read(run, CHECKSUMS))
    if not is_sealed(text):
        raise errors.changed(path)
    return typed(parse_record(text, path).get("files"), dict[str, tuple[str, ...]], path)


def checksums_text(files: Mapping[str, tuple[str, ...]]) -> str:
    """The content of `checksums.json`."""
    return seal(json.dumps({"files": files}, indent=1)) + "\n"


def _read(run: Path, file: str) -> bytes:
    try:
        return read_inside(run, run / file)
    except OSError as error:
        raise errors.damaged(run / file, error) from error


def _decoded(run: Path, file: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise errors.damaged(run / file, error) from error
