"""WAV files: what their heads say, and their samples as numbers; also a part of exported programs.

Input: an open file. Output: `WavHead`, or float32 of shape (frames, channels), from -1 to 1 for integers.
Reference: Microsoft and IBM 1991, Multimedia Programming Interface and Data Specifications; RFC 2361 for the codecs.
"""

from __future__ import annotations

import struct
from typing import IO, Any, NamedTuple

from netspec.language.lazy import np

PCM = 1
FLOAT = 3
EXTENSIBLE = 0xFFFE
"""Codecs of numbers that are not compressed; the last one says which further on."""
UNKNOWN_SIZE = 0xFFFFFFFF
"""The size of samples that were written to a pipe: they end where the file does."""


class WavHead(NamedTuple):
    """Samples in a second, channels, moments, bytes of a number, whether it is a float, and where samples begin."""

    rate: int
    channels: int
    frames: int
    width: int
    is_float: bool
    begin: int


def wav_head(file: IO[bytes]) -> WavHead:
    """What the head of a WAV file says.

    Raises:
        ValueError: it is not a WAV file, or truncated; or, with the number of the codec, one that is compressed.
    """
    file.seek(0)
    start = file.read(12)
    if start[:4] != b"RIFF" or start[8:12] != b"WAVE":
        raise ValueError("it does not begin as a WAV file does")
    end, form = file.seek(0, 2), b""
    place = 12
    while place + 8 <= end:
        file.seek(place)
        name, size = struct.unpack("<4sI", file.read(8))
        if name == b"fmt ":
            form = file.read(min(size, 40))
        elif name == b"data":
            left = end - place - 8
            if size != UNKNOWN_SIZE and size > left:
                raise ValueError(f"it is truncated: {size - left:,} of {size:,} bytes of its samples are missing")
            return _described(form, min(size, left), place + 8)
        place += 8 + size + size % 2  # chunks begin at even bytes
    raise ValueError("it has no samples")


def _described(form: bytes, size: int, begin: int) -> WavHead:
    if len(form) < 16:
        raise ValueError("it does not say how its samples are written")
    codec, channels, rate, _, block, _ = struct.unpack("<HHIIHH", form[:16])
    if codec == EXTENSIBLE and len(form) >= 26:
        codec = struct.unpack("<H", form[24:26])[0]
    if codec not in (PCM, FLOAT):
        raise ValueError(f"its codec {codec} is compressed", codec)
    width = block // channels if channels else 0
    if width * channels != block or width not in ((4, 8) if codec == FLOAT else (1, 2, 3, 4)) or not rate:
        raise ValueError("its head is damaged")
    return WavHead(rate, channels, size // block, width, codec == FLOAT, begin)


def wav_samples(file: IO[bytes], head: WavHead, most: int | None = None) -> Any:
    """The samples, or the first moments of them, float32 of shape (frames, channels).

    Raises:
        ValueError: the file became shorter.
    """
    frames = head.frames if most is None else min(head.frames, most)
    file.seek(head.begin)
    content = file.read(frames * head.channels * head.width)
    if len(content) < frames * head.channels * head.width:
        raise ValueError("it is truncated")
    raw = np.frombuffer(content, np.uint8)
    numbers: Any
    if head.is_float:
        numbers = raw.view(f"<f{head.width}").astype(np.float32)
    elif head.width == 1:  # the only integers without a sign
        numbers = (raw.astype(np.float32) - 128) / 128
    elif head.width == 3:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = raw.reshape(-1, 3)
        numbers = wide.reshape(-1).view("<i4").astype(np.float32) / 2**31
    else:
        numbers = raw.view(f"<i{head.width}").astype(np.float32) / 2 ** (8 * head.width - 1)
    return numbers.reshape(frames, head.channels).astype(np.float32, copy=False)
