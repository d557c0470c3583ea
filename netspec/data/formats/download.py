"""Published files: searched for on this machine, otherwise downloaded and checked.

Input: the name of a data set and its files with checksums. Output: paths. A file gets its name only when it is
complete and its checksum is right, so that no partial file is ever found.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from netspec.data.errors.files import CannotDownload, WrongChecksum
from netspec.language.diagnostics import Unplaced
from netspec.language.files.cache_dir import cache_path
from netspec.language.lazy import lazy

hashlib, shutil, tempfile = lazy("hashlib"), lazy("shutil"), lazy("tempfile")
client, request = lazy("http.client"), lazy("urllib.request")

TIMEOUT = 30.0
"""Seconds to wait for a response of a server."""


@dataclass(frozen=True)
class Published:
    """A file as it was published, by the checksum of its bytes (`sha256` or `md5`)."""

    name: str
    algorithm: str
    digest: str


@dataclass(frozen=True)
class Collection:
    """A data set of several files, and the addresses of folders from which they can be downloaded."""

    name: str
    mirrors: tuple[str, ...]
    files: tuple[Published, ...]


class _Refused(Exception):
    """A server did not send the file; the text says why, `checksum` is that of another file which it sent instead."""

    def __init__(self, url: str, reason: str, checksum: str | None = None) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.checksum = checksum


def find_files(collection: Collection) -> dict[str, Path]:
    """The path of each file of a collection, downloaded into the user's cache if necessary.

    The folders are NETSPEC_DATA/<name> and the cache; a file may be unpacked, and a dot may replace the first `-idx`.

    Raises:
        Unplaced: a file does not exist here, and cannot be downloaded.
    """
    return {file.name: _find(collection, file) or _fetch(collection, file) for file in collection.files}


def folders_of(collection: Collection) -> list[Path]:
    roots = [Path(given)] if (given := os.environ.get("NETSPEC_DATA")) else []
    return [root / collection.name for root in (*roots, cache_path() / "data")]


def _find(collection: Collection, file: Published) -> Path | None:
    plain = file.name.removesuffix(".gz")
    names = [file.name, plain, file.name.replace("-idx", ".idx"), plain.replace("-idx", ".idx")]
    paths = (folder / name for folder in folders_of(collection) for name in names)
    return next((path for path in paths if path.is_file()), None)


def _fetch(collection: Collection, file: Published) -> Path:
    """The file, from the first server that has it.

    Raises:
        Unplaced: no server has the published file, or it cannot be written.
    """
    folder, refusals = folders_of(collection)[-1], list[_Refused]()
    given = os.environ.get("NETSPEC_MIRROR")
    for mirror in (f"{given.rstrip('/')}/{collection.name}/",) if given else collection.mirrors:
        try:
            return _download(mirror + file.name, file, folder)
        except _Refused as refused:
            refusals.append(refused)
    for refusal in refusals:
        if refusal.checksum is not None:
            wrong = partial(Unplaced, WrongChecksum, file=file.name, server=refusal.url, folder=str(folder))
            raise wrong(algorithm=file.algorithm, found=refusal.checksum, expected=file.digest)
    raise Unplaced(
        CannotDownload,
        name=collection.name,
        file=file.name,
        reason="; ".join(map(str, refusals)),
        folders=" and ".join(map(str, folders_of(collection))),
        files=", ".join(f.name for f in collection.files),
    )


def _download(url: str, file: Published, folder: Path) -> Path:
    """Download into a temporary file in the same folder, and rename it when the checksum is right.

    Raises:
        _Refused: the server does not send the file, or sends another one, or the folder cannot be written.
    """
    if not url.startswith(("http://", "https://")):
        raise _Refused(url, "not an http address")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".part-")
    except OSError as error:
        raise _Refused(url, f"cannot write to {folder}: {error.strerror}") from error
    part = Path(name)
    try:
        with os.fdopen(handle, "w+b") as out, request.urlopen(url, timeout=TIMEOUT) as response:
            shutil.copyfileobj(response, out, 1 << 20)
            out.seek(0)
            checksum = hashlib.file_digest(out, partial(hashlib.new, file.algorithm, usedforsecurity=False)).hexdigest()
        if checksum != file.digest:
            raise _Refused(url, "wrong checksum", checksum)
        return part.replace(folder / file.name)
    except (OSError, client.HTTPException) as error:  # URLError and timeouts are OSErrors
        raise _Refused(url, _reason(error)) from error
    finally:
        part.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    if hasattr(error, "code"):  # the server responded without the file
        return f"status {error.code}"
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason)
