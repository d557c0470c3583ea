"""Masks as arrays of class ids, in the size of the images as the network takes them.

Input: files or regions, how their numbers are coded, how the images are resized. Output: an array, or `Rows`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from netspec.data.dataset.dataset import IGNORED
from netspec.data.dataset.lazy_rows import Array, Rows, cannot_read_on
from netspec.data.errors.files import BrokenFile
from netspec.data.errors.masks import MaskSize
from netspec.data.formats.images import read_head
from netspec.data.sources.images.image_survey import MAX_HEADS, joined, survey_files
from netspec.data.sources.masks.coco import Regions
from netspec.data.sources.masks.coding import Coding, read_numbers
from netspec.data.sources.masks.pairing import Pairs
from netspec.data.transforms.encoders import ImageEncoder
from netspec.data.transforms.mask_images import fitted_mask
from netspec.language.diagnostics import CompileError, Unplaced
from netspec.language.lazy import np


def check_sizes(pairs: Pairs) -> None:
    """Raises Unplaced unless every mask, of very many some, is as large as its image."""
    count, paths = len(pairs.masks), pairs.listing.paths
    files = [mask for mask in pairs.masks if isinstance(mask, Path)]
    survey = joined(survey_files(some) for some in (files, paths) if some)
    wrong: list[tuple[int, tuple[int, int], tuple[int, int]]] = []
    checked = range(0, count, -(-count // MAX_HEADS))
    for index in checked:
        mask, path = pairs.masks[index], paths[index]
        files_of_pair = [mask, path] if isinstance(mask, Path) else [path]
        if error := next((survey.broken[file] for file in files_of_pair if file in survey.broken), None):
            raise broken(pairs.mask_name(index), error) from error
        found = (mask.width, mask.height) if isinstance(mask, Regions) else survey.heads[mask].size
        expected = survey.heads[path].size
        if found != expected:
            wrong.append((index, found, expected))
    if wrong:
        raise _unlike(pairs, *wrong[0], count=len(wrong), total=len(checked))


def read_ids(pairs: Pairs, index: int, coding: Coding | None, encoder: ImageEncoder) -> Array:
    """The mask of a pair, height x width of the network.

    Raises:
        OSError: its file cannot be read.
        Unplaced: its pixels stand for no class, or it has another size than its image.
    """
    mask = pairs.masks[index]
    if isinstance(mask, Regions):
        ids = mask.draw()
    else:
        assert coding is not None
        ids = coding.ids(read_numbers(mask), mask.name)
    expected = read_head(pairs.listing.paths[index]).size
    if ids.shape != expected[::-1]:
        raise _unlike(pairs, index, ids.shape[::-1], expected, count=1, total=len(pairs.masks))
    return fitted_mask(ids, encoder)


def read_masks(pairs: Pairs, coding: Coding | None, encoder: ImageEncoder) -> Array:
    """All masks, int32 of shape (examples, height, width).

    Raises:
        Unplaced: one cannot be read.
    """
    masks = np.empty((len(pairs.masks), encoder.height, encoder.width), np.int32)
    for index in range(len(masks)):
        try:
            masks[index] = read_ids(pairs, index, coding, encoder)
        except OSError as error:
            raise broken(pairs.mask_name(index), error) from error
    return masks


class MaskRows(Rows):
    """Masks in files, read on demand."""

    def __init__(self, pairs: Pairs, coding: Coding | None, encoder: ImageEncoder, classes: int) -> None:
        sizes = (len(pairs.masks), encoder.height, encoder.width)
        super().__init__(sizes, "int32", (float(IGNORED), float(classes - 1)))
        self.pairs, self.coding, self.encoder = pairs, coding, encoder

    def read(self, index: Array) -> Array:
        masks = np.empty((len(index), *self.shape[1:]), np.int32)
        for row, number in enumerate(index.tolist()):
            try:
                masks[row] = read_ids(self.pairs, number, self.coding, self.encoder)
            except OSError as error:
                mask = self.pairs.masks[number]
                assert isinstance(mask, Path)
                raise cannot_read_on(mask, error) from error
            except Unplaced as bad:
                raise CompileError([bad.diagnostic()]) from bad
        return masks


def broken(name: str, error: OSError) -> Unplaced:
    """What to raise for a mask that cannot be read."""
    reason = str(error.strerror or error)
    advice = "give an image that opens in other programs"
    return Unplaced(BrokenFile, option="masks", file=name, format="image", reason=reason, advice=advice)


def _unlike(
    pairs: Pairs, index: int, found: tuple[int, ...], expected: tuple[int, ...], *, count: int, total: int
) -> Unplaced:
    image = pairs.listing.name(pairs.listing.paths[index])
    sizes = [f"{height}x{width}" for width, height in (found, expected)]
    unlike = partial(Unplaced, MaskSize, option="masks", file=pairs.mask_name(index), image=image)
    return unlike(found=sizes[0], expected=sizes[1], count=count, total=total)
