"""A checksum over the examples of a run, so that it never goes on with others."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from netspec.data.rows import is_streamed
from netspec.train.placing import Split

LARGE = 1 << 28
"""Of arrays with more bytes than this only a part is looked at: a tenth of a second, and it finds other data too."""
READ = 64
"""How many examples are looked at where they lie in files."""


def fingerprint(*splits: Split | None) -> str:
    """A checksum over kinds, shapes and numbers of splits; equal data have equal ones.

    Raises:
        CompileError: examples that lie in files cannot be read (NS515).
    """
    value = 0
    for split in splits:
        value = zlib.crc32(b"split", value)
        for part, columns in (("inputs", split.inputs), ("targets", split.targets)) if split is not None else ():
            for name in sorted(columns):
                value = _add(f"{part} {name}", columns[name], value)
    return f"{value:08x}"


def _add(name: str, column: Any, value: int) -> int:
    if is_streamed(column):
        count = len(column)
        value = zlib.crc32(f"{name} {column.dtype} {column.shape}".encode(), value)
        array = column.read(np.unique(np.linspace(0, count - 1, min(count, READ)).astype(np.int64)))
    else:
        array = np.atleast_1d(np.asarray(column))
        value = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), value)
        array = array[:: -(-array.nbytes // LARGE)] if array.nbytes > LARGE else array
    rows = max(1, LARGE // 16 // max(1, array[:1].nbytes))
    for begin in range(0, len(array), rows):
        block = np.ascontiguousarray(array[begin : begin + rows])
        value = zlib.crc32(block.reshape(-1).view(np.uint8).data, value)
    return value
