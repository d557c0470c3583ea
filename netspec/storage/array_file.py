"""Arrays by name in one safetensors file, with a checksum over every byte of it.

Any tool that reads safetensors reads these files. Dtypes that the format does not have are stored as bytes; the
metadata says what they are.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from netspec.storage.atomic_files import replace_file

PACKED = {"int2", "int4", "uint2", "uint4", "float4_e2m1fn"}
"""Dtypes that fill a byte each in memory, and that the format does not have."""


class Damaged(Exception):
    """A file is truncated, changed, or of another format; the message says what is wrong with it."""


def write_arrays(path: Path, arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write a file completely or not at all.

    Args:
        path: the file; an old one is replaced.
        arrays: by name.
        metadata: texts by name; `arrays` (dtypes and shapes) and `crc32` are added.

    Raises:
        OSError: it cannot be written; an old file remains.
    """
    hosted = {name: np.asarray(array) for name, array in arrays.items()}
    layout = json.dumps({name: [array.dtype.name, array.shape] for name, array in hosted.items()})
    content = save(
        {name: _storable(array) for name, array in hosted.items()},
        metadata={**metadata, "arrays": layout, "crc32": "0" * 8},
    )
    begin = content.index(_field("0" * 8))
    checked = _field(f"{zlib.crc32(content):08x}")
    replace_file(path, [content[:begin], checked, memoryview(content)[begin + len(checked) :]])


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays of a file in the order in which they were written, and its metadata.

    Raises:
        Damaged: it is not as it was written, or cannot be read.
    """
    try:
        content = path.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        if len(content) < start:
            raise Damaged(f"it is truncated after {len(content)} bytes")
        header = json.loads(content[8:start])
        metadata: dict[str, str] = header["__metadata__"]
        is_intact = _is_intact(content, metadata) if "crc32" in metadata else _is_intact_old(content, start, header)
        if not is_intact:
            raise Damaged("it is truncated or was changed: its checksum does not match")
        stored = dict(deserialize(content))  # type: ignore[no-untyped-call]
        arrays = {
            name: np.frombuffer(stored[name]["data"], jnp.dtype(dtype)).reshape(shape)
            for name, (dtype, shape) in json.loads(metadata.pop("arrays")).items()
        }
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from error
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise Damaged("its header cannot be read") from error
    return arrays, metadata


def _storable(array: Any) -> Any:
    array = np.ascontiguousarray(array)
    return array.reshape(-1).view(np.uint8) if array.dtype.name in PACKED else array


def _field(checksum: str) -> bytes:
    return f'"crc32":"{checksum}"'.encode()


def _is_intact(content: bytes, metadata: dict[str, str]) -> bool:
    """Whether the checksum is that of the file with eight zeros in the place of the checksum."""
    checksum = metadata.pop("crc32")
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
