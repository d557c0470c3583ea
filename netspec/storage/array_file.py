"""Arrays by name in one safetensors file, with a checksum over every byte of it: checkpoints, weights, and what a
later netspec may write of them on each of several hosts.

Any tool that reads safetensors reads these files. Dtypes that the format does not have are stored as bytes; the
metadata says what they are. Files of other tools have no checksum: they are read, and `is_checked` says so.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from netspec.language.files.atomic_files import replace_file
from netspec.language.files.regular_file import Limit, open_regular, read_regular

PACKED = {"int2", "int4", "uint2", "uint4", "float4_e2m1fn"}
"""Dtypes that fill a byte each in memory, and that the format does not have."""

LIMIT = Limit("NETSPEC_MAX_WEIGHTS_GB", 64, "GB", 10**9)
"""The largest file of arrays, which is read into memory as a whole."""
FORMAT_DTYPES = {
    "BOOL": "bool",
    **{f"{kind}{bits}": f"{name}{bits}" for kind, name in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)},
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}
"""The dtypes of the format that NumPy and JAX have."""


class Damaged(Exception):
    """A file is truncated, changed, or of another format; the message says what is wrong with it."""


class StoredArrays(NamedTuple):
    """The content of a file: arrays by name, in the order in which they were written; texts by name; whether a checksum
    was there, and is right."""

    arrays: dict[str, Any]
    metadata: dict[str, str]
    is_checked: bool


def write_arrays(path: Path, arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write a file completely or not at all.

    Args:
        path: the file; an old one is replaced.
        arrays: by name.
        metadata: texts by name; `arrays` (dtypes and shapes) and `crc32` are added.

    Raises:
        OSError: it cannot be written; an old file remains.
    """
    replace_file(path, array_file(arrays, metadata))


def array_file(arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> list[bytes | memoryview]:
    """The content of such a file, in parts."""
    hosted = {name: np.asarray(array) for name, array in arrays.items()}
    layout = json.dumps({name: [array.dtype.name, array.shape] for name, array in hosted.items()})
    content = save({name: _storable(array) for name, array in hosted.items()})
    start = _start(content)
    # The header is written here: safetensors puts metadata in another order each time. Equal arrays have equal files.
    texts = {**metadata, "arrays": layout, "crc32": "0" * 8}
    header = json.dumps({"__metadata__": texts, **json.loads(content[8:start])}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    head, data = len(header).to_bytes(8, "little") + header, memoryview(content)[start:]
    begin = head.index(_field("0" * 8))
    checked = _field(f"{zlib.crc32(data, zlib.crc32(head)):08x}")
    return [head[:begin], checked, head[begin + len(checked) :], data]


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays of a file that `write_arrays` has written, and its metadata.

    Raises:
        Damaged: it is not as it was written, or cannot be read.
    """
    stored = read_stored(path)
    if not stored.is_checked:
        raise Damaged("it has no checksum")
    return stored.arrays, stored.metadata


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of such a file, without reading or checking the arrays.

    Raises:
        Damaged: its header cannot be read.
    """
    try:
        with open_regular(path, LIMIT) as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(size, os.fstat(file.fileno()).st_size)), object_pairs_hook=_unique)
        return dict(header.get("__metadata__", {}))
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from error
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Damaged("its header cannot be read, or it is not a safetensors file") from error


def read_stored(path: Path) -> StoredArrays:
    """The content of any safetensors file.

    Raises:
        Damaged: it is not as it was written, or cannot be read.
    """
    try:
        content = read_regular(path, LIMIT)
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from error
    start = _start(content)
    if len(content) < max(8, start):
        raise Damaged(f"it is truncated after {len(content)} bytes, or is not a safetensors file")
    try:
        header = json.loads(content[8:start], object_pairs_hook=_unique)
        metadata = dict(header.get("__metadata__", {}))
        is_checked = _check(content, start, header, metadata)
        stored = dict(deserialize(content))  # type: ignore[no-untyped-call]
        arrays = _as_written(stored, json.loads(metadata.pop("arrays"))) if is_checked else _as_stored(stored)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, SafetensorError) as error:
        raise Damaged("its header cannot be read, or it is not a safetensors file") from error
    return StoredArrays(arrays, metadata, is_checked)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the header; a name that it has twice could mean either."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _as_written(stored: Mapping[str, Any], layout: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a file of ours: `arrays` in its metadata has their order and their dtypes."""
    return {
        name: np.frombuffer(stored[name]["data"], jnp.dtype(dtype)).reshape(shape)
        for name, (dtype, shape) in layout.items()
    }


def _as_stored(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a file of another tool."""
    for name, entry in stored.items():
        if entry["dtype"] not in FORMAT_DTYPES:
            raise Damaged(f"`{name}` has the type {entry['dtype']}, which netspec does not read")
    return {
        name: np.frombuffer(entry["data"], jnp.dtype(FORMAT_DTYPES[entry["dtype"]])).reshape(entry["shape"])
        for name, entry in stored.items()
    }


def _check(content: bytes, start: int, header: dict[str, Any], metadata: dict[str, str]) -> bool:
    """Whether a file has a checksum, which is taken out of its metadata.

    Raises:
        Damaged: it does not match; or it is missing where everything else is as `write_arrays` writes it.
    """
    if "crc32" in metadata:
        is_intact = _is_intact(content, metadata.pop("crc32"))
    elif "checksum" in metadata and "arrays" in metadata:
        is_intact = _is_intact_old(content, start, header)
        del metadata["checksum"]
    else:
        is_intact = "arrays" not in metadata
    if not is_intact:
        raise Damaged("it is truncated or was changed: its checksum does not match")
    return "arrays" in metadata


def _start(content: bytes) -> int:
    """Where the numbers start: after the length of the header, and the header."""
    return 8 + int.from_bytes(content[:8], "little")


def _storable(array: Any) -> Any:
    array = np.ascontiguousarray(array)
    return array.reshape(-1).view(np.uint8) if array.dtype.name in PACKED else array


def _field(checksum: str) -> bytes:
    return f'"crc32":"{checksum}"'.encode()


def _is_intact(content: bytes, checksum: str) -> bool:
    """Whether the checksum is that of the file with eight zeros in the place of the checksum."""
    begin = content.index(_field(checksum))
    zeros = _field("0" * 8)
    before = zlib.crc32(zeros, zlib.crc32(content[:begin]))
    return f"{zlib.crc32(memoryview(content)[begin + len(zeros) :], before):08x}" == checksum


def _is_intact_old(content: bytes, start: int, header: dict[str, Any]) -> bool:
    """The same for files of version 0.1: the checksum was that of the header without it, and of the numbers."""
    checksum: str = header["__metadata__"].pop("checksum")
    text = json.dumps(header, separators=(",", ":")).encode()
    before = zlib.crc32(text + b" " * (-len(text) % 8))
    return f"{zlib.crc32(memoryview(content)[start:], before):08x}" == checksum
