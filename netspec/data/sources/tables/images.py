"""Images that the cells of a table name: what their heads say.

Input: names in a column. Output: an `ImageEncoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from netspec.data.sources.images.image_survey import MAX_HEADS, Survey, common_size, joined, survey_files
from netspec.data.sources.tables.columns import ImageColumn
from netspec.data.transforms.columns import Where
from netspec.data.transforms.encoders import Fit, ImageEncoder, bad_images, why_unreadable


def survey(paths: Sequence[Path]) -> Survey:
    """The heads of all images."""
    return joined(survey_files(paths[begin : begin + MAX_HEADS]) for begin in range(0, len(paths), MAX_HEADS))


def image_paths(kind: ImageColumn, cells: Sequence[str], folder: Path) -> list[Path]:
    """The files that cells name; names start from `folder`."""
    return [folder / (kind.folder or "") / cell for cell in cells]


def image_encoder(name: str, kind: ImageColumn, cells: Sequence[str], folder: Path, where: Where) -> ImageEncoder:
    """How the images of a column are read.

    Raises:
        Unplaced: one of them is missing or not an image; or they have several sizes, and none is given.
    """
    paths = image_paths(kind, cells, folder)
    found = survey(paths)
    wrong = [(row, why_unreadable(found.broken[path])) for row, path in enumerate(paths) if path in found.broken]
    if wrong:
        raise bad_images(name, cells, wrong, where)
    width, height = found.heads[paths[0]].size
    if kind.size is None:
        sizes = [(row, found.heads[path].size) for row, path in enumerate(paths)]
        size = common_size([size for _, size in sizes])
        first = f"the first is {height}x{width}: write `as = image({size})`"
        others = [(row, f"it is {h}x{w}, {first}") for row, (w, h) in sizes if (w, h) != (width, height)]
        if others:
            raise bad_images(name, cells, others, where)
    height, width = kind.size or (height, width)
    return ImageEncoder(height, width, kind.channels or found.channels, cast("Fit", kind.fit))
