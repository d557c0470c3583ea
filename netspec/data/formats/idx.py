"""The IDX format of MNIST: four bytes that give the type and the rank, a big-endian size for each axis, the numbers.

Input: a file, gzipped or not. Output: its head without NumPy, or its numbers.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, cast

from netspec.data.dataset.lazy_rows import Array, FileRows
from netspec.data.errors.files import BrokenFile
from netspec.data.formats.files import UNPACKED_LIMIT, open_file, unreadable
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""NumPy's dtypes by their code in the file."""

MAGIC = b"\x1f\x8b"
"""How gzipped files begin."""

BLOCK = 1 << 24
"""Bytes that are read at a time."""


@dataclass(frozen=True)
class IdxHead:
    """Type and sizes of an IDX file; the first axis counts the examples."""

    type: str
    sizes: tuple[int, ...]

    @property
    def offset(self) -> int:
        """Where the numbers begin."""
        return 4 + 4 * len(self.sizes)

    @property
    def bytes(self) -> int:
        """The size of the numbers."""
        return prod(self.sizes) * int(self.type[-1])


def read_head(path: Path, option: str | None = None) -> IdxHead:
    """Type and sizes; the numbers are not read. `option` is the argument that names the file.

    Raises:
        Unplaced: the file cannot be read or is not an IDX file.
    """
    with _opened(path, option) as file:
        return _parse_head(path, file, option)


def read_idx(path: Path, option: str | None = None) -> Array:
    """The numbers, in the shape and type of the file. `option` is the argument that names the file.

    Raises:
        Unplaced: the file cannot be read, is not an IDX file, or has more or fewer numbers than its head says.
    """
    with _opened(path, option) as file:
        head = _parse_head(path, file, option)
        if _is_packed(path):
            UNPACKED_LIMIT.check(path, head.bytes, "unpacked, it has {size}")
        else:
            _check_length(path, head, path.stat().st_size - head.offset, option)
        body = _read(file, head.bytes + 1)  # one byte tells that there are more
    if len(body) > head.bytes:
        raise _wrong_length(path, head, "more", option)
    _check_length(path, head, len(body), option)
    return np.frombuffer(body, np.dtype(head.type)).reshape(head.sizes)


def idx_rows(path: Path, option: str | None = None) -> FileRows | None:
    """The numbers, to be read on demand; None when the file is gzipped.

    Raises:
        Unplaced: the file cannot be read, is not an IDX file, or has more or fewer numbers than its head says.
    """
    head = read_head(path, option)
    if _is_packed(path):
        return None
    _check_length(path, head, path.stat().st_size - head.offset, option)
    return FileRows(path, head.sizes, head.type, offset=head.offset)


@contextmanager
def _opened(path: Path, option: str | None) -> Iterator[IO[bytes]]:
    """The file, unpacked when it is gzipped, whatever its name says; raises Unplaced when it cannot be read."""
    with open_file(path, "IDX", option) as content:
        try:
            if content.read(2) != MAGIC:
                content.seek(0)
                yield content
                return
            content.seek(0)
            with gzip.GzipFile(fileobj=content) as file:
                yield cast("IO[bytes]", file)
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable(path, "IDX", error, option) from error


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == MAGIC


def _read(file: IO[bytes], size: int) -> bytearray:
    """At most `size` bytes; memory is taken as they come, not as a head announces them."""
    body = bytearray()
    while len(body) < size and (part := file.read(min(size - len(body), BLOCK))):
        body += part
    return body


def _check_length(path: Path, head: IdxHead, length: int, option: str | None) -> None:
    if length != head.bytes:
        raise _wrong_length(path, head, f"{length:,}", option)


def _wrong_length(path: Path, head: IdxHead, found: str, option: str | None) -> Unplaced:
    reason = f"its head announces {head.bytes:,} bytes, and {found} follow"
    return Unplaced(BrokenFile, option=option, file=path.name, format="IDX", reason=reason)


def _parse_head(path: Path, file: IO[bytes], option: str | None) -> IdxHead:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not magic[3]:
        reason = f"it begins with {magic.hex(' ') or 'nothing'}, not with 00 00 and a type"
        raise Unplaced(BrokenFile, option=option, file=path.name, format="IDX", reason=reason, case="idx")
    rank = magic[3]
    sizes = file.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise Unplaced(BrokenFile, option=option, file=path.name, format="IDX", reason="it ends inside its head")
    return IdxHead(TYPES[magic[2]], struct.unpack(f">{rank}I", sizes))
