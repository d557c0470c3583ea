"""A checksum over the examples of a run, so that it is never resumed with others."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import is_streamed, read_all
from netspec.data.prepare_batches import BatchSplit

LARGE = 1 << 28
"""Of arrays with more bytes than this only a part is looked at: a tenth of a second, and it finds other data too."""


def fingerprint(*splits: Arrays | None) -> str:
    """A checksum over kinds, shapes and numbers of splits; equal data have equal ones.

    Raises:
        CompileError: examples in files cannot be read (NS515).
    """
    value = 0
    for split in splits:
        value = zlib.crc32(b"split", value)
        if isinstance(split, BatchSplit):  # which cannot be read as a whole
            parts = ("inputs", split.inputs), ("targets", split.targets)
            kinds = [
                (part, name, str(x.dtype), x.shape[1:]) for part, named in parts for name, x in sorted(named.items())
            ]
            value = zlib.crc32(repr(kinds).encode(), value)
            continue
        for part, columns in (("inputs", split.inputs), ("targets", split.targets)) if split is not None else ():
            for name in sorted(columns):
                value = _add(f"{part} {name}", columns[name], value)
    return f"{value:08x}"


def _add(name: str, column: Any, value: int) -> int:
    """The same for equal examples in memory and in files: a run may be resumed with the other."""
    column = column if is_streamed(column) else np.atleast_1d(np.asarray(column))
    value = zlib.crc32(f"{name} {column.dtype} {column.shape}".encode(), value)
    if column.nbytes > LARGE:
        column = column[:: -(-column.nbytes // LARGE)]
    rows = max(1, LARGE // 16 // max(1, column.nbytes // max(1, len(column))))
    for begin in range(0, len(column), rows):
        block = np.ascontiguousarray(read_all(column[begin : begin + rows]))
        value = zlib.crc32(block.reshape(-1).view(np.uint8).data, value)
    return value
