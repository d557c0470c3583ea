"""Predictions of a network whose output is an image, as a picture: `netspec predict RUN … -o out.png`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from PIL import Image

from netspec.cli.render.picture import new_picture, picture_bytes

if TYPE_CHECKING:
    from netspec.runs.predictions.predictions import Predictions

MAX_IMAGES = 64
"""Images of a sheet; there are no more than that on it."""
MIN_SIDE = 4
"""Smaller arrays are taken for a vector or a grid of numbers."""


def is_image(shape: Sequence[int]) -> bool:
    """Whether an output is an image: height x width x channels, gray, RGB or RGBA."""
    return len(shape) == 3 and shape[2] in (1, 3, 4) and min(shape[:2]) >= MIN_SIDE


def image_text(values: Any) -> str:
    """An image in words, where it cannot be shown."""
    height, width, channels = values.shape
    kind = {1: "gray", 3: "RGB", 4: "RGBA"}[channels]
    low, high = float(values.min()), float(values.max())
    return f"an image of {height}x{width} pixels, {kind}, values from {low:.3g} to {high:.3g}; -o out.png saves it"


def images_of(predictions: Predictions) -> tuple[Any, str]:
    """The images of the first output that has some, examples first, and the name of the output.

    Raises:
        click.UsageError: no output is an image.
    """
    for name, values in predictions.outputs.items():
        if is_image(values.shape[1:]) and "values" in predictions.examples[0]["outputs"][name]:
            return values, name
    raise click.UsageError("-o writes a picture only of outputs that are images; give a name that ends in .csv")


def limits(images: Any) -> tuple[float, float]:
    """The values of black and white: 0 and 1, or 0 and 255 where values are larger; what is below 0 is stretched."""
    low, high = float(np.nanmin(images)), float(np.nanmax(images))
    top = 1.0 if high <= 2 else 255.0 if high <= 512 else high
    return (0.0 if low >= -0.1 * top else low), (top if low >= -0.1 * top else high)


def picture_of(predictions: Predictions, form: str) -> tuple[bytes, str]:
    """The file, and what it shows: one image as it is, or a sheet of several under their names."""
    images, _ = images_of(predictions)
    low, high = limits(images)
    shown = np.nan_to_num(np.clip((images[:MAX_IMAGES].astype(np.float64) - low) / (high - low), 0, 1))
    size = f"{shown.shape[1]}x{shown.shape[2]} pixels, black is {low:.3g} and white {high:.3g}"
    if len(images) == 1 and form == "png":
        return _png(shown[0]), f"an image of {size}"
    count = f"{len(shown)} images" if len(shown) == len(images) else f"the first {len(shown)} of {len(images)} images"
    return _sheet(shown, [example["input"] for example in predictions.examples], form), f"{count} of {size}"


def _png(image: Any) -> bytes:
    content, pixels = BytesIO(), np.round(image * 255).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(content, "PNG")
    return content.getvalue()


def _sheet(images: Any, names: Sequence[str], form: str) -> bytes:
    across = math.ceil(math.sqrt(len(images)))
    down = math.ceil(len(images) / across)
    ratio = images.shape[1] / images.shape[2]
    sheet = new_picture(figsize=(1.6 * across, (1.6 * ratio + 0.3) * down), dpi=150, facecolor="white")
    grid = sheet.add_gridspec(down, across, left=0.02, right=0.98, top=0.95, bottom=0.02, wspace=0.08, hspace=0.25)
    for place, (image, name) in enumerate(zip(images, names, strict=False)):
        axes = sheet.add_subplot(grid[place])
        pixels = image[..., 0] if image.shape[-1] == 1 else image
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(name if len(name) <= 20 else f"…{name[-19:]}", fontsize=7, pad=3, loc="left", parse_math=False)
        axes.set_axis_off()
    return picture_bytes(sheet, form)
