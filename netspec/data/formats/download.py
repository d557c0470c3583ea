"""Published files: looked for on this machine, otherwise fetched and checked.

Comes in: the name of a data set and its files with checksums. Goes out: paths. A file gets its name only when it is
whole and its checksum is right, so that nothing half-written is ever found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netspec.data.errors.files import CannotDownload, WrongChecksum
from netspec.language.diagnostics import Unplaced

TIMEOUT = 30.0
"""Seconds without an answer after which a server is given up."""


@dataclass(frozen=True)
class Published:
    """A file as it was published, by the checksum of its bytes (`sha256` or `md5`)."""

    name: str
    algorithm: str
    digest: str


@dataclass(frozen=True)
class Collection:
    """A data set of several files, and the addresses of folders from which they can be fetched."""

    name: str
    mirrors: tuple[str, ...]
    files: tuple[Published, ...]


class _Refused(Exception):
    """One server did not give the file; the text says why."""


class _Mismatch(_Refused):
    """A server gave other bytes."""

    def __init__(self, url: str, found: str) -> None:
        super().__init__(f"{url}: wrong checksum")
        self.url = url
        self.found = found


def find_files(collection: Collection) -> dict[str, Path]:
    """Where each file of a collection lies, fetched into the user's cache if need be.

    The folders are NETSPEC_DATA/<name> and the cache; a file may be unpacked, and a dot may stand for the first `-idx`.

    Raises:
        Unplaced: a file is nowhere, and cannot be fetched.
    """
    return {file.name: _find(collection, file) or _fetch(collection, file) for file in collection.files}


def cache_folder(name: str) -> Path:
    """Where downloads of a data set are kept, for this user."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "netspec" / "data" / name


def folders_of(collection: Collection) -> list[Path]:
    given = os.environ.get("NETSPEC_DATA")
    return [*([Path(given) / collection.name] if given else []), cache_folder(collection.name)]


def _find(collection: Collection, file: Published) -> Path | None:
    plain = file.name.removesuffix(".gz")
    names = [file.name, plain, file.name.replace("-idx", ".idx"), plain.replace("-idx", ".idx")]
    places = (folder / name for folder in folders_of(collection) for name in names)
    return next((place for place in places if place.is_file()), None)


def _mirrors(collection: Collection) -> tuple[str, ...]:
    given = os.environ.get("NETSPEC_MIRROR")
    return (f"{given.rstrip('/')}/{collection.name}/",) if given else collection.mirrors


def _fetch(collection: Collection, file: Published) -> Path:
    """The file, from the first server that has it.

    Raises:
        Unplaced: no server has the published file, or it cannot be written.
    """
    refusals: list[_Refused] = []
    for mirror in _mirrors(collection):
        try:
            return _download(mirror + file.name, file, cache_folder(collection.name))
        except _Refused as refused:
            refusals.append(refused)
    for refusal in refusals:
        if isinstance(refusal, _Mismatch):
            raise Unplaced(
                WrongChecksum,
                file=file.name,
                server=refusal.url,
                algorithm=file.algorithm,
                found=refusal.found,
                expected=file.digest,
                folder=str(cache_folder(collection.name)),
            )
    advice = (
        f"with a network it is fetched by itself; otherwise put {', '.join(f.name for f in collection.files)} "
        "into one of these folders, or name one above them with NETSPEC_DATA"
    )
    raise Unplaced(
        CannotDownload,
        name=collection.name,
        file=file.name,
        reason="; ".join(str(refusal) for refusal in refusals),
        folders=" and ".join(str(folder) for folder in folders_of(collection)),
        advice=advice,
    )


def _download(url: str, file: Published, folder: Path) -> Path:
    """Fetch into a temporary file beside the final one, and rename that when the checksum is right.

    Raises:
        _Refused: the server does not give the file, or gives another one, or the folder cannot be written.
    """
    import hashlib
    import tempfile
    from http.client import HTTPException

    if not url.startswith(("http://", "https://")):
        raise _Refused(f"{url} is no http address")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".part-")
    except OSError as error:
        raise _Refused(f"cannot write to {folder}: {error.strerror}") from error
    part = Path(name)
    try:
        digest = hashlib.new(file.algorithm, usedforsecurity=False)
        with os.fdopen(handle, "wb") as out:
            for chunk in _chunks(url):
                digest.update(chunk)
                out.write(chunk)
        if digest.hexdigest() != file.digest:
            raise _Mismatch(url, digest.hexdigest())
        return part.replace(folder / file.name)
    except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
        raise _Refused(f"{url}: {_reason(error)}") from error
    finally:
        part.unlink(missing_ok=True)


def _chunks(url: str) -> Iterator[bytes]:
    from urllib.request import urlopen  # takes longer to import than all of this package

    with urlopen(url, timeout=TIMEOUT) as answer:
        while chunk := answer.read(1 << 20):
            yield chunk


def _reason(error: Exception) -> str:
    if hasattr(error, "code"):  # an answer of the server that is no file
        return f"status {error.code}"
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason)
