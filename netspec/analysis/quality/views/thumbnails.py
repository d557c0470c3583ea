"""Small images of examples in a page: all of them are in one picture, of which each element shows a part."""

from __future__ import annotations

import base64
import io
import math
from html import escape

import numpy as np
from PIL import Image

from netspec.analysis.quality.examples import Examples
from netspec.data.dataset.lazy_rows import Array

MAX_SIDE = {"images": 64, "sounds": 120}
COLUMNS = 16
DISPLAY = {"images": 56, "sounds": 120}
"""CSS pixels of the longer side."""
MAX_BYTES = 100_000
QUALITIES = (85, 70, 50)


class Thumbnails:
    """The images of a section; `example` and `other` show one, `around` puts all of them in one picture around it."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples
        self.images: list[Array] = []
        self.places: dict[int, int] = {}

    def example(self, number: int, label: str) -> str:
        """The image of an example of the split; `label` says what it is."""
        if number not in self.places:
            self.places[number] = len(self.images)
            self.images.append(self.examples.image(number))
        return self._html(self.places[number], label)

    def other(self, image: Array, label: str) -> str:
        """Another image of the size of an example, 8-bit of shape (height, width, channels)."""
        self.images.append(image)
        return self._html(len(self.images) - 1, label)

    def heat(self, colors: Array, label: str) -> str:
        """A heat map of the size of an example, with an alpha channel; on white, which is dark on dark pages."""
        part = colors[..., 3:] / 255
        self.images.append(np.round(255 + part * (colors[..., :3].astype(float) - 255)).astype(np.uint8))
        return self._html(len(self.images) - 1, label, "thumb heat")

    def _html(self, place: int, label: str, kind: str = "thumb") -> str:
        row, column = divmod(place, COLUMNS)
        return f'<span class="{kind}" role="img" aria-label="{escape(label)}" style="--x:{column};--y:{row}"></span>'

    def around(self, body: str) -> str:
        """The section, with the picture that its elements show."""
        if not self.images:
            return body
        kind, content, size = self._content()
        scale = DISPLAY.get(self.examples.kind, DISPLAY["images"]) / max(size)
        width, height = round(size[1] * scale), round(size[0] * scale)
        data = base64.b64encode(content).decode()
        rows = math.ceil(len(self.images) / COLUMNS)
        style = f"--w:{width}px;--h:{height}px;--columns:{COLUMNS};--rows:{rows}"
        return f'<div class="sprites" style="{style};--sprite:url(data:image/{kind};base64,{data})">{body}</div>'

    def _content(self) -> tuple[str, bytes, tuple[int, int]]:
        """The picture as PNG, or as JPEG where that is much larger, and the size of an image in it."""
        height, width = self.images[0].shape[:2]
        side = min(MAX_SIDE.get(self.examples.kind, MAX_SIDE["images"]), max(height, width))
        while True:
            size = (max(1, round(height * side / max(height, width))), max(1, round(width * side / max(height, width))))
            sheet = _sheet(self.images, size)
            png = _encoded(sheet, "png", optimize=True)
            if len(png) <= MAX_BYTES:
                return "png", png, size
            for quality in QUALITIES:
                content = _encoded(sheet, "jpeg", quality=quality, optimize=True)
                if len(content) <= MAX_BYTES:
                    return "jpeg", content, size
            if side <= 16:
                return "jpeg", content, size
            side //= 2


def _sheet(images: list[Array], size: tuple[int, int]) -> Image.Image:
    channels = max(image.shape[2] for image in images)
    rows = math.ceil(len(images) / COLUMNS)
    sheet = np.zeros((rows * size[0], COLUMNS * size[1], channels), np.uint8)
    for place, image in enumerate(images):
        row, column = divmod(place, COLUMNS)
        found = image
        if image.shape[:2] != size:
            small = Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
            found = np.asarray(small.resize((size[1], size[0]), Image.Resampling.BILINEAR)).reshape(*size, -1)
        sheet[row * size[0] : (row + 1) * size[0], column * size[1] : (column + 1) * size[1]] = found
    return Image.fromarray(sheet.squeeze(2) if channels == 1 else sheet)


def _encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, form, **options)
    return content.getvalue()
