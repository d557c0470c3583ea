"""Image files that Pillow cannot write, byte by byte as their formats say."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np


def write_tiff(path: Path, pixels: np.ndarray, *, orientation: int | None = None) -> Path:
    """A gray TIFF (TIFF 6.0, baseline) of unsigned or signed integers or floats, little- or big-endian as `pixels`."""
    big = pixels.dtype.byteorder == ">"
    order, data = (">" if big else "<"), pixels.tobytes()
    form = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    tags = [
        (256, 3, pixels.shape[1]),
        (257, 3, pixels.shape[0]),
        (258, 3, pixels.itemsize * 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        *([(274, 3, orientation)] if orientation is not None else []),
        (277, 3, 1),
        (278, 3, pixels.shape[0]),
        (279, 4, len(data)),
        (339, 3, form),
    ]
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, 1) + struct.pack(f"{order}HH" if kind == 3 else f"{order}I", *value)
        for tag, kind, number in tags
        for value in [(number, 0) if kind == 3 else (number,)]
    )
    head = (b"MM" if big else b"II") + struct.pack(f"{order}HI", 42, 8 + len(data))
    path.write_bytes(head + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4))
    return path


def png_head(width: int, height: int) -> bytes:
    """The beginning of a PNG that announces a size, with a single row of pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(width + 1))) + chunk(b"IEND", b"")
