"""Polygons in the format of COCO, drawn as masks.

Input: a JSON file. Output: for each of its images the polygons with their class ids, in the order in which they are
drawn; later ones cover earlier ones. Class 0 is the background, the others are the categories by their ids.
Reference: Lin et al. 2014, Microsoft COCO: common objects in context, arXiv:1405.0312.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from netspec.data.dataset.dataset import IGNORED
from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.masks import BadCoco
from netspec.data.formats.files import FILE_LIMIT, FileStamp, file_stamp, unreadable
from netspec.language.diagnostics import Unplaced
from netspec.language.files.regular_file import read_regular
from netspec.language.lazy import lazy, np
from netspec.language.record import Frozen

Image = lazy("PIL.Image")
ImageDraw = lazy("PIL.ImageDraw")

BACKGROUND = "background"


class _Picture(Frozen):
    id: int | str
    file_name: str
    width: int
    height: int


class _Category(Frozen):
    id: int
    name: str


class _Runs(Frozen):
    """Pixels as the lengths of runs that are in turn outside and inside, column by column."""

    counts: list[int] | str
    size: tuple[int, int]


class _Annotation(Frozen):
    image_id: int | str
    category_id: int
    segmentation: list[list[float]] | _Runs = msgspec.field(default_factory=list)
    iscrowd: int = 0


class _File(Frozen):
    images: list[_Picture]
    annotations: list[_Annotation]
    categories: list[_Category]


class Regions(Frozen):
    """The regions of an image, as class ids with polygons or runs; a group of objects (`iscrowd`) is ignored."""

    name: str
    width: int
    height: int
    regions: tuple[tuple[int, Any], ...]

    def draw(self) -> Array:
        """The mask, height x width of class ids."""
        image = Image.new("I", (self.width, self.height), 0)
        pen = ImageDraw.Draw(image)
        for number, region in self.regions:
            if isinstance(region, _Runs):
                mask = np.array(image, np.int32)
                mask[_inside(region)] = number
                image = Image.fromarray(mask, "I")
                pen = ImageDraw.Draw(image)
                continue
            for polygon in region:
                pen.polygon([(x, y) for x, y in zip(polygon[::2], polygon[1::2], strict=True)], fill=number)
        return np.array(image, np.int32)


class Coco(Frozen):
    """The images of a file by their names, and the names of the classes."""

    images: dict[str, Regions]
    names: tuple[str, ...]


def read_coco(path: Path) -> Coco:
    """The content of a COCO file; cached as long as it stays the same.

    Raises:
        Unplaced: it cannot be read, or is something else.
    """
    return _read(path, file_stamp(path))


@lru_cache(maxsize=2)
def _read(path: Path, stamp: FileStamp) -> Coco:
    try:
        file = msgspec.json.decode(read_regular(path, FILE_LIMIT), type=_File)
    except OSError as error:
        raise unreadable(path, "JSON", error, "masks") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = str(error)
        advice = "it has `images` (id, file_name, width, height), `annotations` (image_id, category_id, segmentation) "
        raise _bad(path, reason[:1].lower() + reason[1:], advice + "and `categories` (id, name)") from error
    categories = sorted(file.categories, key=lambda one: one.id)
    ids = {category.id: number for number, category in enumerate(categories, 1)}
    known = {picture.id: picture for picture in file.images}
    regions: dict[int | str, list[tuple[int, Any]]] = {picture.id: [] for picture in file.images}
    for position, one in enumerate(file.annotations):
        where = f"annotation {position}"
        if one.image_id not in known:
            raise _bad(path, f"{where} is of the image {one.image_id}, which is not among its images", "complete it")
        if one.category_id not in ids:
            listed = ", ".join(map(str, list(ids)[:8]))
            raise _bad(path, f"{where} has the unknown category {one.category_id}", f"its categories are {listed}")
        _check(path, where, one, known[one.image_id])
        regions[one.image_id].append((IGNORED if one.iscrowd else ids[one.category_id], one.segmentation))
    images = {p.file_name: Regions(p.file_name, p.width, p.height, tuple(regions[p.id])) for p in file.images}
    if not images:
        raise _bad(path, "it has no images", "export it with its images")
    return Coco(images, (BACKGROUND, *(category.name for category in categories)))


def _check(path: Path, where: str, one: _Annotation, picture: _Picture) -> None:
    """Raises Unplaced for polygons and runs that cannot be drawn."""
    if isinstance(one.segmentation, _Runs):
        size = (picture.height, picture.width)
        if isinstance(one.segmentation.counts, str):
            advice = "write polygons, or the lengths of its runs as a list (`counts`)"
            raise _bad(path, f"{where} has a compressed mask", advice)
        if one.segmentation.size != size or sum(one.segmentation.counts) != size[0] * size[1]:
            raise _bad(path, f"{where} has a mask of another size than its image", "export it anew")
    elif any(len(polygon) < 6 or len(polygon) % 2 for polygon in one.segmentation):
        raise _bad(path, f"{where} has a polygon that is not a list of x, y, x, y, …", "a polygon has three points")


def _inside(runs: _Runs) -> Array:
    counts = [*runs.counts] if not isinstance(runs.counts, str) else []
    inside: Array = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(runs.size[1], runs.size[0]).T
    return inside


def _bad(path: Path, reason: str, advice: str) -> Unplaced:
    return Unplaced(BadCoco, option="masks", file=path.name, reason=reason, advice=advice)
