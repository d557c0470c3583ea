"""Masks as images: resized with their images and back, in colors, and over an image.

Input: class ids, height x width, -1 where a pixel is ignored. Output: class ids, or 8-bit colors.
"""

from __future__ import annotations

import io

from netspec.data.dataset.dataset import IGNORED
from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.encoders import ImageEncoder
from netspec.language.lazy import lazy, np

Image = lazy("PIL.Image")
ImageOps = lazy("PIL.ImageOps")

IGNORED_LEVEL = 255
"""The number of ignored pixels in a palette image, as in PASCAL VOC."""

FIRST_COLORS = (
    *((0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66)),
    *((213, 94, 0), (204, 121, 167), (0, 114, 178)),
)
"""Of class 0, usually the background, and of the first others: Okabe and Ito 2008, Color universal design."""

OPACITY = 0.65


def fitted_mask(ids: Array, encoder: ImageEncoder) -> Array:
    """A mask resized as its image is, to the nearest pixel; what an image is padded with is ignored."""
    size = (encoder.width, encoder.height)
    if ids.shape == size[::-1]:
        return ids
    image, nearest = Image.fromarray(ids.astype(np.int32)), Image.Resampling.NEAREST
    if encoder.fit == "stretch":
        return np.asarray(image.resize(size, nearest), np.int32)
    if encoder.fit == "crop":
        return np.asarray(ImageOps.fit(image, size, method=nearest), np.int32)
    return np.asarray(ImageOps.pad(image, size, method=nearest, color=IGNORED), np.int32)


def restored_mask(ids: Array, encoder: ImageEncoder | None, size: tuple[int, int]) -> Array:
    """A predicted mask in the size (width, height) of the image that the encoder has resized: the reverse of
    `fitted_mask`. What an image was cropped by has no prediction, and is ignored."""
    height, width = ids.shape
    fit = encoder.fit if encoder is not None else "stretch"
    if fit == "stretch" or width * size[1] == height * size[0]:
        return _nearest(ids, size)
    if fit == "pad":
        scale = min(width / size[0], height / size[1])
        inner = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        left, top = round((width - inner[0]) * 0.5), round((height - inner[1]) * 0.5)
        return _nearest(ids[top : top + inner[1], left : left + inner[0]], size)
    scale = min(size[0] / width, size[1] / height)
    inner = (min(size[0], round(width * scale)), min(size[1], round(height * scale)))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    whole = np.full(size[::-1], IGNORED, np.int32)
    whole[top : top + inner[1], left : left + inner[0]] = _nearest(ids, inner)
    return whole


def _nearest(ids: Array, size: tuple[int, int]) -> Array:
    if ids.shape == size[::-1]:
        return ids
    return np.asarray(Image.fromarray(ids.astype(np.int32)).resize(size, Image.Resampling.NEAREST), np.int32)


def class_colors() -> Array:
    """The color of each level of a palette, 256 x 3: the first ones can be told apart with any color vision, the others
    are those of PASCAL VOC, whose bits are those of the class id."""
    ids = np.arange(256)
    colors = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colors[:, channel] |= ((ids >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    colors[: len(FIRST_COLORS)] = FIRST_COLORS
    return colors


def colored(ids: Array) -> Array:
    """A mask in colors, height x width x 3."""
    levels = np.where(ids == IGNORED, IGNORED_LEVEL, ids % IGNORED_LEVEL)
    found: Array = class_colors()[levels]
    return found


def overlay(image: Array, ids: Array) -> Array:
    """An image (8-bit, height x width x 1 or 3) under the colors of a mask; class 0 and ignored pixels have none."""
    plain = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image[..., :3]
    mixed = (1 - OPACITY) * plain + OPACITY * colored(ids)
    shown: Array = np.where((ids > 0)[..., None], np.round(mixed), plain).astype(np.uint8)
    return shown


def mask_png(ids: Array) -> bytes:
    """A PNG whose pixels are the class ids and 255 where they are ignored: of a palette, or of 16 bits where there are
    more classes."""
    levels = np.where(ids == IGNORED, IGNORED_LEVEL, ids)
    if levels.max(initial=0) > IGNORED_LEVEL:
        return _png(Image.fromarray(levels.astype(np.uint16)))
    image = Image.fromarray(levels.astype(np.uint8))
    image.putpalette(class_colors().reshape(-1).tolist())
    return _png(image)


def overlay_png(image: Array, ids: Array) -> bytes:
    """`overlay` as a PNG."""
    return _png(Image.fromarray(overlay(image, ids)))


def _png(image: object) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)  # type: ignore[attr-defined]
    return content.getvalue()
