"""The source `masks`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, arrays_of, single, source
from netspec.data.dataset.from_arrays import check_pairs
from netspec.data.dataset.options import Channels, Names, PictureSize
from netspec.data.errors.masks import BadMask, MasksRead
from netspec.data.sources.images.image_folder import MAX_CHECKED, Images, Pictures
from netspec.data.sources.images.image_survey import remarks_on
from netspec.data.sources.masks.coding import (
    WHITE,
    Coding,
    Level,
    Levels,
    coding_of,
    number_of,
    survey_numbers,
)
from netspec.data.sources.masks.pairing import Pairs, find_pairs
from netspec.data.sources.masks.rows import MaskRows, broken, check_sizes, read_ids, read_masks
from netspec.data.transforms.encoders import Encoder, ImageEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Text
from netspec.language.word import option

MAX_SURVEYED = 300
"""Of how many masks the pixels are read beforehand, to know the classes."""


@source("masks")
class Masks(Source):
    """Images and their masks, which have a class for each pixel: for segmentation.

    `masks("images", "masks")` pairs the files of two folders by their names: `images/1.jpg` with `masks/1.png`. All
    masks may have a common ending such as `1_mask.png`. `masks("pairs.csv")` takes them from the columns `image` and
    `mask` of a table, with names from its folder. `masks("images", "annotations.json")` draws the polygons of a COCO
    file; class 0 is the background.

    Masks are PNG files whose pixels are class ids from 0, gray or of a palette, or have the numbers or colors of
    `colors`. Pixels of `ignore` count neither in the loss nor in the metrics. With `size` images are resized smoothly,
    and masks to the nearest pixel.

    Example: data { source = masks("photos", "labels", size = 128x128, ignore = 255) }
    Reference: Everingham et al. 2010, The PASCAL visual object classes challenge, for palettes and 255.
    """

    aliases = ("OxfordIIITPet", "VOCSegmentation", "CocoDetection", "segmentation_folder")

    images: str = option(
        Text("a folder or a table (string)"),
        "the folder of the images, or a table of pairs, from the folder of the spec",
        position=0,
        aliases=("image_dir", "img_dir"),
    )
    masks: str | None = option(
        Text("a folder or a COCO file (string)"),
        "the folder of the masks, or a COCO file (.json) with polygons (none: `images` is a table)",
        default=None,
        position=1,
        aliases=("mask_dir", "labels", "annotations", "ann_dir"),
    )
    size: tuple[int, int] | None = option(
        PictureSize(),
        "the size that every image is resized to with its mask (none: they all have one size)",
        default=None,
        aliases=("image_size", "target_size"),
    )
    channels: int | None = option(
        Channels(),
        "of the images; 1: gray, 3: RGB, 4: RGB with transparency (none: as many as the richest image has)",
        default=None,
        aliases=("color_mode",),
    )
    fit: str = option(
        Choice(("stretch", "crop", "pad")),
        "how images of other proportions are resized: stretched, cropped, or padded with black, which is ignored",
        default="stretch",
    )
    classes: tuple[str, ...] | None = option(
        Names(),
        "the names of the classes, in the order of their ids (none: their numbers; of a COCO file its categories)",
        default=None,
        aliases=("class_names",),
    )
    colors: tuple[int | str, ...] | None = option(
        Levels(),
        "the number or the color of each class in the masks, in the order of the ids (none: pixels are ids)",
        default=None,
        aliases=("palette", "color_map"),
    )
    ignore: int | str | None = option(
        Level(), "the number or the color of pixels that do not count", default=None, aliases=("ignore_index",)
    )
    test: str | None = option(
        Text("a folder or a table (string)"), "the images of the test split, or a table of pairs", default=None
    )
    test_masks: str | None = option(Text("a folder or a COCO file (string)"), "their masks", default=None)

    def facts(self, folder: Path) -> Facts:
        parts = self._parts(folder)
        encoder = self._encoder(parts)
        return self._facts(parts, encoder, self._coding(parts))

    def remarks(self, folder: Path) -> Sequence[Unplaced]:
        parts = self._parts(folder)
        survey = self._reader.surveyed(*(part.listing for part in parts))
        found = remarks_on(survey, "masks", choose_colors=self.channels is None)
        coding = self._coding(parts)
        remark = partial(Unplaced, MasksRead, option="masks")
        if coding is not None and self.colors is None and coding.numbers == (0, WHITE):
            advice = "to say so, write `colors = [0, 255]`"
            found.append(remark(what="the masks have only 0 and 255", how="read as the classes 0 and 1", advice=advice))
        elif coding is not None and coding.is_sampled and self.classes is None:
            what = f"{MAX_SURVEYED:,} of {len(parts[0].masks):,} masks were looked at to know the classes"
            advice = 'name all classes, such as `classes = ["background", "road"]`'
            found.append(remark(what=what, how=f"{len(coding.numbers)} classes", advice=advice))
        for part in parts:
            if part.unused:
                what = f"{part.unused:,} images in {part.listing.folder} are not in the COCO file"
                advice = "move them elsewhere, or add them to the file, also without annotations"
                found.append(remark(what=what, how="not used", advice=advice))
        return found

    def coded_as(self, encoder: Encoder | None) -> Source:
        if not isinstance(encoder, ImageEncoder):
            return self
        size, channels = (encoder.height, encoder.width), self.channels or encoder.channels
        return self.replace(size=size, channels=channels)

    def load(self, folder: Path) -> Dataset:
        parts = self._parts(folder)
        encoder, coding = self._encoder(parts), self._coding(parts)
        first = parts[0].listing.name(parts[0].listing.paths[0])
        arrays = []
        for part in parts:
            x = self._reader.read_pictures(part.listing, encoder, part.listing.paths, first)
            arrays.append(arrays_of(x, read_masks(part, coding, encoder)))
        return self._dataset(parts, encoder, coding, *arrays)

    def stream(self, folder: Path) -> Dataset | None:
        parts = self._parts(folder)
        encoder, coding = self._encoder(parts), self._coding(parts)
        facts = self._facts(parts, encoder, coding)
        classes = facts.targets["output"].classes or 0
        first = parts[0].listing.name(parts[0].listing.paths[0])
        arrays, checked, total = [], 0, 0
        for part in parts:
            paths = part.listing.paths
            some = range(0, len(paths), -(-len(paths) // MAX_CHECKED))
            self._reader.read_pictures(part.listing, encoder, [paths[i] for i in some], first)
            for index in some:
                self._check(part, index, coding, encoder)
            checked, total = checked + len(some), total + len(paths)
            survey = self._reader.surveyed(part.listing)
            bounds = (0.0, 1.0) if survey.is_scaled else None
            pictures = Pictures(paths, encoder, bounds, is_fixed=self.size is None)
            arrays.append(arrays_of(pictures, MaskRows(part, coding, encoder, classes)))
        text = f"{checked:,} of {total:,} images and masks were opened to check them, duplicates not searched for"
        dataset = self._dataset(parts, encoder, coding, *arrays)
        return dataset if checked == total else replace(dataset, checked=text)

    def _check(self, part: Pairs, index: int, coding: Coding | None, encoder: ImageEncoder) -> None:
        try:
            read_ids(part, index, coding, encoder)
        except OSError as error:
            raise broken(part.mask_name(index), error) from error

    def _dataset(
        self,
        parts: Sequence[Pairs],
        encoder: ImageEncoder,
        coding: Coding | None,
        x: Arrays,
        test: Arrays | None = None,
    ) -> Dataset:
        train, *tests = [part.listing for part in parts]
        return Dataset(
            train.folder.name,
            self._facts(parts, encoder, coding),
            x,
            test,
            noun="image",
            rows=train.names,
            test_name=tests[0].folder.name if tests else None,
            test_rows=tests[0].names if tests else None,
            encoder=encoder,
        )

    def _facts(self, parts: Sequence[Pairs], encoder: ImageEncoder, coding: Coding | None) -> Facts:
        names = self.classes or parts[0].names
        if names is None:
            assert coding is not None
            names = tuple(map(str, range(len(coding.numbers))))
        target = Target.of_masks((encoder.height, encoder.width), names)
        return single(encoder.shape, target, examples=len(parts[0].masks), has_test=len(parts) > 1)

    def _parts(self, folder: Path) -> list[Pairs]:
        """The pairs, and those of the test split where there is one; raises Unplaced unless they fit each other."""
        given = [name for name in ("test", "test_masks") if getattr(self, name) is not None]
        check_pairs(given, ("test_masks", "test"))
        parts = [find_pairs(folder, self.images, self.masks, "images", "masks")]
        if self.test is not None:
            parts.append(find_pairs(folder, self.test, self.test_masks, "test", "test_masks"))
        names = [part.names for part in parts]
        if len(names) == 2 and names[0] != names[1]:
            raise self._wrong(parts[1], "has other categories than the training file", "use the same categories")
        own = names[0]
        if own is not None and self.classes is not None and len(self.classes) != len(own):
            raise self._wrong(parts[0], f"has {len(own)} classes with the background", f"they are {', '.join(own)}")
        return parts

    def _wrong(self, part: Pairs, problem: str, advice: str) -> Unplaced:
        return Unplaced(BadMask, option="masks", file=part.mask_name(0), problem=problem, advice=advice)

    @property
    def _reader(self) -> Images:
        """How images without classes are read."""
        return Images(folder=self.images, size=self.size, channels=self.channels, fit=self.fit)

    def _encoder(self, parts: Sequence[Pairs]) -> ImageEncoder:
        for part in parts:
            check_sizes(part)
        reader = self._reader
        return reader.encoder_of(reader.surveyed(*(part.listing for part in parts)))

    def _coding(self, parts: Sequence[Pairs]) -> Coding | None:
        """What the numbers in the files mean; None where they are polygons."""
        if parts[0].names is not None:
            return None
        ignore = number_of(self.ignore) if self.ignore is not None else None
        count = len(self.classes) if self.classes is not None else None
        if self.colors is not None:
            if count is not None and count != len(self.colors):
                problem = f"is read with {len(self.colors)} colors, for {count} classes"
                raise self._wrong(parts[0], problem, "name a color for each class")
            return Coding(tuple(map(number_of, self.colors)), ignore)
        files = [mask for part in parts for mask in part.masks if isinstance(mask, Path)]
        some = files[:: -(-len(files) // MAX_SURVEYED)]
        try:
            found = survey_numbers(some)
        except OSError as error:
            raise broken(Path(error.filename or "").name or "of the source", error) from error
        return coding_of(found, count, ignore, is_sampled=len(some) < len(files))
