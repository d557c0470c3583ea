"""Images that the cells of a table name: their size, and how they are read during training.

Input: names in a column. Output: an `ImageEncoder`; images on demand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from netspec.data.formats.images import read_head
from netspec.data.sources.table_columns import ImageColumn
from netspec.data.transforms.columns import Where
from netspec.data.transforms.encoders import Fit, ImageEncoder, bad_images


def image_encoder(name: str, kind: ImageColumn, cells: Sequence[str], folder: Path, where: Where) -> ImageEncoder:
    """How the images of a column are read.

    Raises:
        Unplaced: one of them is missing or not an image; or they have several sizes, and none is given.
    """
    heads, wrong = [], []
    for row, cell in enumerate(cells):
        try:
            heads.append(read_head(folder / (kind.folder or "") / cell))
        except OSError as error:
            wrong.append((row, "there is no such file" if isinstance(error, FileNotFoundError) else "not an image"))
    if wrong:
        raise bad_images(name, cells, wrong, where)
    width, height = heads[0].size
    if kind.size is None:
        sizes = [
            (
                row,
                f"it is {head.height}x{head.width}, the first is {height}x{width}; "
                f"give a size, as in `image({height}x{width})`",
            )
            for row, head in enumerate(heads)
            if head.size != (width, height)
        ]
        if sizes:
            raise bad_images(name, cells, sizes, where)
    channels = kind.channels or max(head.channels for head in heads)
    return ImageEncoder(*(kind.size or (height, width)), channels, cast("Fit", kind.fit))
