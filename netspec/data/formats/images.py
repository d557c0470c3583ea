"""Images in files: what their heads say, and their pixels, upright and in the depth of the file.

Input: a path, or an image that Pillow has opened. Output: `Head`, or a `Picture`. Pixels are scaled by the range of
their type: 8 bits by 255, 16 bits by 65,535. The numbers of floats and of 32-bit integers have no range that a file
names: they are not scaled.
"""

from __future__ import annotations

import errno
import io
import os
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from netspec.language.files.regular_file import Limit, open_regular
from netspec.language.lazy import lazy

Image = lazy("PIL.Image")
ImageOps = lazy("PIL.ImageOps")

IMAGE_LIMIT = Limit("NETSPEC_MAX_IMAGE_MEGAPIXELS", 89, "megapixels", 10**6)
"""The largest image; a small file can announce any size."""

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
"""The endings of image files, in lower case."""

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
"""What Pillow calls their formats. It knows others, some of which other programs decode."""

DAMAGED = (
    *(SyntaxError, ValueError, EOFError, ArithmeticError, LookupError, TypeError, AttributeError, MemoryError),
    *(NotImplementedError, RuntimeError, struct.error, zlib.error),
)
"""What Pillow raises, beside OSError, for files that are damaged."""

CHANNELS = {"1": 1, "L": 1, "I": 1, "F": 1, "LA": 4, "La": 4, "PA": 4, "RGBA": 4, "RGBa": 4}
"""Channels by mode; those that are not here are colors without transparency."""

FIRST = {"LAB": "RGB", "La": "LA"}
"""The modes that Pillow converts only to another one."""

_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 0x0102


class Head(NamedTuple):
    """Width and height as the image is shown; `is_scaled` is not set for floats and 32-bit integers, `has_frames` is
    set when there is more than one frame or page."""

    width: int
    height: int
    channels: int
    is_scaled: bool
    has_frames: bool

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


@dataclass(frozen=True)
class Picture:
    """An image as it is shown, and the number that is scaled to 1."""

    image: Any
    white: float

    @property
    def channels(self) -> int:
        return channels_of(self.image)

    @property
    def is_scaled(self) -> bool:
        """Whether the pixels are from 0 to 1 when they are divided by `white`."""
        return self.white != 1

    @property
    def is_deep(self) -> bool:
        """Whether 8 bits do not hold its pixels."""
        return self.white != 255


def read_head(path: Path) -> Head:
    """What the head of an image says; its pixels are not read.

    Raises:
        OSError: it cannot be read, is not an image, or is too large.
    """
    with _opened(path) as image:
        width, height = image.size
        # Pillow has turned a TIFF already; the method of PNG would read all pixels
        if image.format != "TIFF" and _orientation(image, Image.Image.getexif) >= 5:
            width, height = height, width
        frames = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
        return Head(width, height, channels_of(image), _white(image) != 1, frames)


def load_picture(path: Path) -> Picture:
    """The first image in a file.

    Raises:
        OSError: it cannot be read, is not an image, or is too large.
    """
    with _opened(path) as image:
        return as_picture(image)


def decode_picture(content: bytes, name: str, limit: Limit) -> Picture:
    """The first image in a file that somebody sent: of a usual format, and not larger than `limit`.

    Raises:
        OSError: it is not an image, or is too large.
    """
    with _decoded(io.BytesIO(content), Path(name), limit, FORMATS) as image:
        return as_picture(image)


def as_picture(image: Any) -> Picture:
    """An image of Pillow as it is shown: turned as its EXIF data say."""
    white = _white(image)
    image.load()
    is_turned = _orientation(image, type(image).getexif) >= 2
    return Picture(ImageOps.exif_transpose(image) if is_turned else image, white)


def channels_of(image: Any) -> int:
    """1 for gray, 3 for colors, 4 for those with transparency."""
    if image.mode == "P":
        return 4 if "transparency" in image.info else 3
    return 1 if image.mode.startswith("I;16") else CHANNELS.get(image.mode, 3)


def in_mode(image: Any, channels: int) -> Any:
    """An image of 8 bits with 1, 3 or 4 channels."""
    if image.mode in FIRST:
        image = image.convert(FIRST[image.mode])
    return image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])


def _white(image: Any) -> float:
    """The number that is scaled to 1: the largest of the type; 1 for floats and 32-bit integers."""
    if image.mode.startswith("I;16"):
        return 65535
    if image.mode == "I":
        if image.format in ("PNG", "PPM"):  # 16 bits, which Pillow once opened so
            return 65535
        return 32767 if tuple(getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())) == (16,) else 1
    return 1 if image.mode == "F" else 255


def _orientation(image: Any, getexif: Any) -> int:
    """From 1 (upright) to 8; of damaged EXIF data 1, as viewers do."""
    try:
        found = getexif(image).get(_ORIENTATION, 1)
    except (OSError, *DAMAGED):
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An image, to be read inside the `with`; whatever Pillow raises there is an OSError."""
    if IMAGE_LIMIT.variable in os.environ:
        Image.MAX_IMAGE_PIXELS = None  # the limit that was set takes the place of Pillow's own
    with open_regular(path) as file, _decoded(file, path, IMAGE_LIMIT) as image:
        yield image


@contextmanager
def _decoded(file: IO[bytes], path: Path, limit: Limit, formats: Sequence[str] | None = None) -> Iterator[Any]:
    """An image in an open file; `path` is its name in messages."""
    try:
        with Image.open(file, formats=formats) as image:
            width, height = image.size
            limit.check(path, width * height, f"it is {height} x {width}, {{size}}")
            yield image
    except Image.DecompressionBombError as error:
        numbers = re.findall(r"\d+", str(error))  # of pixels, and Pillow's own limit
        limit.check(path, int(numbers[0]) if numbers else 1 << 60)
        raise OSError(errno.EINVAL, f"it is too large ({error})", str(path)) from error
    except DAMAGED as error:
        raise OSError(errno.EINVAL, f"it is damaged ({error or type(error).__name__})", str(path)) from error
