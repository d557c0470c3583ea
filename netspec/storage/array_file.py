"""Arrays by name in one file, in the format of safetensors, with a checksum over everything.

`safetensors` reads these files too; the library itself cannot check them, nor write arrays one after the other. Kinds
of numbers that the format does not know are kept as bytes, and what they are stands in the metadata.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from netspec.storage.atomic_files import replace_file

_NAMES = {
    "bool": "BOOL", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "uint8": "U8", "uint16": "U16",
    "uint32": "U32", "uint64": "U64", "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64",
    "complex64": "C64", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
}  # fmt: skip
"""What the format calls the kinds of numbers."""


class Damaged(Exception):
    """A file is cut off, changed, or none of ours; the text says what is wrong with it."""


def write_arrays(path: Path, arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write a file as a whole or not at all.

    Args:
        path: the file; an old one is replaced.
        arrays: by name.
        metadata: texts by name; `arrays` (kinds and shapes) and `checksum` are added.

    Raises:
        OSError: it cannot be written; an old file is still there.
    """
    hosted = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    real: dict[str, list[Any]] = {
        name: [array.dtype.name, list(np.shape(arrays[name]))] for name, array in hosted.items()
    }
    entries: dict[str, Any] = {"__metadata__": {**metadata, "arrays": json.dumps(real)}}
    end = 0
    for name, array in hosted.items():
        begin, end = end, end + array.nbytes
        dtype, shape = real[name]
        known = dtype in _NAMES
        entries[name] = {
            "dtype": _NAMES[dtype] if known else "U8",
            "shape": shape if known else [array.nbytes],
            "data_offsets": [begin, end],
        }
    checksum = zlib.crc32(_text(entries))
    for array in hosted.values():
        checksum = zlib.crc32(_bytes(array), checksum)
    entries["__metadata__"]["checksum"] = f"{checksum:08x}"
    replace_file(path, _parts(_text(entries), hosted))


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays of a file, and its metadata.

    Raises:
        Damaged: it is not as it was written, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from error
    entries, data = _header(content)
    metadata: dict[str, str] = entries["__metadata__"]
    try:
        size = max((entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"), default=0)
        if len(data) != size:
            raise Damaged(f"it is cut off: {len(content)} bytes, not {len(content) - len(data) + size}")
        written = metadata.pop("checksum")
        if f"{zlib.crc32(data, zlib.crc32(_text(entries))):08x}" != written:
            raise Damaged("it is not as it was written: the checksum is another one")
        real = json.loads(metadata.pop("arrays"))
        arrays = {name: _array(data, *entries[name]["data_offsets"], *real[name]) for name in real}
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged("its first part cannot be read") from error
    return arrays, metadata


def _header(content: bytes) -> tuple[dict[str, Any], memoryview]:
    """What stands in front, and the numbers behind it."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 + length:
        raise Damaged(f"it is cut off after {len(content)} bytes")
    try:
        entries = json.loads(content[8 : 8 + length])
    except ValueError as error:
        raise Damaged("its first part cannot be read") from error
    if not isinstance(entries, dict) or not isinstance(entries.get("__metadata__"), dict):
        raise Damaged("its first part cannot be read")
    return entries, memoryview(content)[8 + length :]


def _array(data: memoryview, begin: int, end: int, dtype: str, shape: list[int]) -> Any:
    return np.frombuffer(data[begin:end], np.uint8).view(jnp.dtype(dtype)).reshape(shape)


def _text(entries: Mapping[str, Any]) -> bytes:
    """The header, filled up so that the numbers begin at a multiple of 8 bytes."""
    text = json.dumps(entries, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def _parts(header: bytes, arrays: Mapping[str, Any]) -> Iterator[bytes | memoryview]:
    yield len(header).to_bytes(8, "little")
    yield header
    for array in arrays.values():
        yield _bytes(array)


def _bytes(array: Any) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8))
