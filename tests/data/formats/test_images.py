"""Every kind of image that Pillow opens, with the pixels that it shows; the right values are computed without it."""

from __future__ import annotations

import colorsys
import io
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from netspec.data.formats.images import as_picture, load_picture, read_head
from netspec.data.transforms.encoders import ImageEncoder
from netspec.language.files.regular_file import Refused
from tests.data.image_files import png_head, write_tiff

WIDE = np.arange(6, dtype=np.uint16).reshape(2, 3) * 13000 + 137
"""16-bit numbers, from 137 to 65,137."""


def read(path: Path, channels: int, fit: str = "stretch", size: tuple[int, int] = (2, 3)) -> np.ndarray:
    return ImageEncoder(*size, channels, fit).read(path)  # type: ignore[arg-type]


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


# ---------------------------------------------------------------- depth


@pytest.mark.parametrize("kind", ["png", "tif", "tif, big-endian"])
def test_sixteen_bits_keep_their_depth(kind: str, tmp_path: Path) -> None:
    if kind == "png":
        path = saved(Image.fromarray(WIDE), tmp_path / "a.png")
    else:
        path = write_tiff(tmp_path / "a.tif", WIDE.astype(">u2") if "big" in kind else WIDE)
    head = read_head(path)
    assert (head.size, head.channels, head.is_scaled) == ((3, 2), 1, True)
    wanted = WIDE[..., None].astype(np.float32) / np.float32(65535)
    assert np.array_equal(read(path, 1), wanted)
    assert np.array_equal(read(path, 3), np.repeat(wanted, 3, axis=2))
    assert np.array_equal(read(path, 4), np.concatenate([*[wanted] * 3, np.ones_like(wanted)], axis=2))


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_they_keep_it_when_they_are_resized(fit: str, tmp_path: Path) -> None:
    path = saved(Image.fromarray(np.full((4, 8), 300, np.uint16)), tmp_path / "a.png")
    pixels = read(path, 1, fit, (2, 2))
    assert pixels.max() == pytest.approx(300 / 65535, rel=1e-6)


def test_signed_ones_are_scaled_by_their_range(tmp_path: Path) -> None:
    numbers = np.array([[-32767, 0, 1], [2, 1000, 32767]], np.int16)
    pixels = read(write_tiff(tmp_path / "a.tif", numbers), 1)[..., 0]
    assert np.array_equal(pixels, numbers.astype(np.float32) / np.float32(32767))


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<i4", ">i4"])
def test_floats_and_32_bits_are_not_scaled(dtype: str, tmp_path: Path) -> None:
    numbers = np.array([[-0.25, 0.5, 1], [2, 1000, 70_000]]) if "f" in dtype else np.array([[-3, 0, 1], [2, 300, 7**7]])
    path = write_tiff(tmp_path / "a.tif", numbers.astype(dtype))
    assert not read_head(path).is_scaled
    assert np.array_equal(read(path, 1)[..., 0], numbers.astype(np.float32))


# ---------------------------------------------------------------- colors

ROW = [(10, 200, 90), (0, 0, 0), (255, 255, 255)]


def test_modes_of_eight_bits(tmp_path: Path) -> None:
    """A row of three pixels in each mode, and what it shows."""
    bits = Image.fromarray(np.array([[True, False, True]]))
    gray = Image.fromarray(np.array([[0, 51, 255]], np.uint8))
    color = Image.fromarray(np.array([ROW], np.uint8))
    alpha = Image.fromarray(np.array([[0, 51, 255]], np.uint8))
    with_alpha = color.copy()
    with_alpha.putalpha(alpha)
    gray_alpha = gray.copy()
    gray_alpha.putalpha(alpha)
    palette = Image.new("P", (3, 1))
    palette.putpalette([channel for pixel in ROW for channel in pixel])
    palette.putdata([0, 1, 2])
    seen: dict[str, tuple[Path, int, Any]] = {
        "1": (saved(bits, tmp_path / "1.png"), 1, [[1], [0], [1]]),
        "L": (saved(gray, tmp_path / "l.png"), 1, [[0], [0.2], [1]]),
        "LA": (saved(gray_alpha, tmp_path / "la.png"), 4, [[0, 0, 0, 0], [0.2] * 4, [1] * 4]),
        "P": (saved(palette, tmp_path / "p.gif"), 3, np.array(ROW) / 255),
        "P with transparency": (
            saved(palette, tmp_path / "pa.png", transparency=1),
            4,
            [[*np.array(pixel) / 255, opaque] for pixel, opaque in zip(ROW, (1, 0, 1), strict=True)],
        ),
        "RGB": (saved(color, tmp_path / "rgb.bmp"), 3, np.array(ROW) / 255),
        "RGBA": (
            saved(with_alpha, tmp_path / "rgba.webp", lossless=True, exact=True),
            4,
            [[*np.array(pixel) / 255, opaque] for pixel, opaque in zip(ROW, (0, 0.2, 1), strict=True)],
        ),
        "CMYK": (  # (1 - ink)(1 - black)
            saved(Image.merge("CMYK", [Image.new("L", (1, 1), ink) for ink in (255, 0, 51, 51)]), tmp_path / "c.tif"),
            3,
            [[0, 0.8, 0.64]],
        ),
        "LAB": (  # half of the lightness is the gray 119 of sRGB
            saved(Image.merge("LAB", [Image.new("L", (1, 1), n) for n in (128, 128, 128)]), tmp_path / "lab.tif"),
            3,
            [[119 / 255] * 3],
        ),
    }
    for mode, (path, channels, wanted) in seen.items():
        assert read_head(path).channels == channels, mode
        assert load_picture(path).channels == channels, mode
        found = read(path, channels, size=(1, len(wanted)))
        assert np.abs(found[0] - np.array(wanted)).max() < 1.5 / 255, mode


def test_modes_that_only_programs_make() -> None:
    """What a data set of images in memory may hold."""
    hsv = Image.merge("HSV", [Image.new("L", (1, 1), n) for n in (100, 200, 150)])
    wanted = colorsys.hsv_to_rgb(100 / 255, 200 / 255, 150 / 255)
    ycc = Image.merge("YCbCr", [Image.new("L", (1, 1), n) for n in (100, 128, 178)])
    half = Image.fromarray(np.array([[[100, 50, 200, 128]]], np.uint8)).convert("RGBa")
    premultiplied = Image.fromarray(np.array([[[100, 128]]], np.uint8)).convert("La")
    gray = Image.frombytes("I;16B", (1, 1), (4096).to_bytes(2, "big"))
    cases: list[tuple[Image.Image, list[float]]] = [
        (hsv, [*wanted]),
        (ycc, [(100 + 1.402 * 50) / 255, (100 - 0.714136 * 50) / 255, 100 / 255]),
        (Image.new("RGBX", (1, 1), (51, 0, 255, 7)), [0.2, 0, 1]),
        (half, [100 / 255, 50 / 255, 200 / 255, 128 / 255]),
        (premultiplied, [100 / 255] * 3 + [128 / 255]),
        (Image.new("PA", (1, 1)), [0, 0, 0, 0]),
        (gray, [4096 / 65535]),
    ]
    for image, pixel in cases:
        picture = as_picture(image)
        assert picture.channels == len(pixel), image.mode
        found = ImageEncoder(1, 1, len(pixel)).encode(picture)[0, 0]
        assert np.abs(found - pixel).max() < 1.5 / 255, image.mode
        for channels in (1, 3, 4):
            assert ImageEncoder(1, 1, channels).encode(picture).shape == (1, 1, channels), image.mode


# ---------------------------------------------------------------- orientation

SHOWN = np.array([[10, 60, 110], [160, 210, 250]], np.uint8)
STORED = {  # TIFF 6.0, page 36: what the first row and the first column of the stored pixels are
    1: SHOWN,
    2: np.fliplr(SHOWN),
    3: np.rot90(SHOWN, 2),
    4: np.flipud(SHOWN),
    5: SHOWN.T,
    6: np.rot90(SHOWN, 1),
    7: np.rot90(SHOWN, 2).T,
    8: np.rot90(SHOWN, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif", "tif, 16 bits"])
def test_images_are_turned_as_they_are_shown(kind: str, orientation: int, tmp_path: Path) -> None:
    stored = np.ascontiguousarray(STORED[orientation])
    path = tmp_path / f"a.{kind[:4].rstrip(',')}"
    if kind.startswith("tif"):
        write_tiff(path, stored.astype(np.uint16) * 257 if "16" in kind else stored, orientation=orientation)
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        image = Image.fromarray(stored if kind != "jpg" else np.kron(stored, np.ones((16, 16), np.uint8)))
        options = {"jpg": {"quality": 100}, "webp": {"lossless": True}}.get(kind, {})
        image.save(path, exif=exif, **options)
    head = read_head(path)
    scale = 16 if kind == "jpg" else 1
    assert head.size == (3 * scale, 2 * scale) == load_picture(path).image.size
    pixels = read(path, 1, size=(2 * scale, 3 * scale))[::scale, ::scale, 0]
    assert np.abs(pixels * 255 - SHOWN).max() < 2


def test_damaged_exif_data_do_not_turn(tmp_path: Path) -> None:
    path = saved(Image.fromarray(SHOWN), tmp_path / "a.png", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff rubbish")
    assert read_head(path).size == (3, 2)
    assert np.array_equal(read(path, 1)[..., 0], SHOWN.astype(np.float32) / 255)


# ---------------------------------------------------------------- what cannot be read


def test_huge_images_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_head(50_000, 50_000))
    for function in (read_head, load_picture):
        with pytest.raises(Refused) as caught:
            function(path)
        assert caught.value.strerror == "it has 2,500 megapixels, and the limit is 89 megapixels"
        assert "NETSPEC_MAX_IMAGE_MEGAPIXELS" in caught.value.advice
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    monkeypatch.setenv("NETSPEC_MAX_IMAGE_MEGAPIXELS", "3000")
    assert read_head(path).size == (50_000, 50_000)
    monkeypatch.setenv("NETSPEC_MAX_IMAGE_MEGAPIXELS", "0.000005")
    small = saved(Image.fromarray(WIDE), tmp_path / "b.png")
    with pytest.raises(Refused, match="it is 2 x 3, 6e-06 megapixels, and the limit is 5e-06 megapixels"):
        read_head(small)


@pytest.mark.parametrize("kind", ["pipe", "folder", "text", "nothing"])
def test_files_that_are_no_images(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("no image" if kind == "text" else "")
    for function in (read_head, load_picture):
        with pytest.raises(OSError, match=r"pipe|folder|cannot identify"):
            function(path)


def damaged_files() -> list[tuple[str, bytes]]:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8))
    found = []
    for kind in ("png", "jpeg", "gif", "bmp", "webp", "tiff"):
        buffer, info = io.BytesIO(), PngImagePlugin.PngInfo()
        info.add_text("a", "b")
        noise.save(buffer, kind, **({"pnginfo": info} if kind == "png" else {}))
        found.append((kind, buffer.getvalue()))
    return found


@pytest.mark.parametrize(("kind", "content"), damaged_files(), ids=[kind for kind, _ in damaged_files()])
def test_damaged_images_are_errors_or_images(kind: str, content: bytes, tmp_path: Path) -> None:
    """Whatever byte is wrong, nothing but an OSError comes out."""
    random = np.random.default_rng(1)
    path = tmp_path / "a"
    for _ in range(int(os.environ.get("NETSPEC_ATTACKS", "60"))):
        data = bytearray(content)
        for _ in range(int(random.integers(1, 4))):
            data[int(random.integers(len(data)))] = int(random.integers(256))
        path.write_bytes(bytes(data[: int(random.integers(len(data) // 2, len(data) + 1))]))
        for function in (read_head, load_picture):
            try:
                function(path)
            except OSError as error:
                assert error.strerror or str(error)


def test_every_pixel_depth_of_a_bitmap(tmp_path: Path) -> None:
    """A BMP of 16 bits per pixel has five for each color."""
    head = b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 16, 0, 4, 0, 0, 0, 0)
    path = tmp_path / "a.bmp"
    path.write_bytes(head + struct.pack("<HH", 31 << 10, 0))
    assert read(path, 3, size=(1, 1))[0, 0].tolist() == [1, 0, 0]
