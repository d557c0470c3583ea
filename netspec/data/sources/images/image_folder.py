"""Images in folders, one folder for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, cast

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, arrays_of, source
from netspec.data.dataset.lazy_rows import Array, Rows, cannot_read_on
from netspec.data.dataset.options import Channels, PictureSize
from netspec.data.errors.files import BrokenFile
from netspec.data.errors.reading import UnlikeColors
from netspec.data.errors.sources import BadFolder, ImageSizes
from netspec.data.formats.files import replace_advice
from netspec.data.formats.images import ENDINGS, load_picture
from netspec.data.sources.class_folders import (
    Listing,
    check_folder,
    check_same_classes,
    files_by_class,
    folders_in,
    split_folders,
    split_options,
)
from netspec.data.sources.images.image_survey import COLORS, Survey, common_size, joined, remarks_on, survey_files
from netspec.data.transforms.class_ids import alike_names
from netspec.data.transforms.encoders import Encoder, Fit, ImageEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.files.regular_file import Refused
from netspec.language.kinds import Choice, Text
from netspec.language.lazy import np
from netspec.language.word import hidden, option

MAX_CHECKED = 500
"""How many images are opened beforehand when they are read during training."""


@source("images")
class Images(Source):
    """Images in folders, one for each class and named after it.

    They are PNG, JPEG or other files, turned upright as their EXIF data say, and scaled to 0..1: 8 bits by 255, 16 bits
    by 65535; floats and 32-bit integers are not scaled. Classes whose names are all integers are in the order of the
    numbers, others in alphabetical order. A folder without subfolders has images without classes, for
    `target = input`.

    Example: data { source = images("photos", size = 64x64) }
    """

    aliases: ClassVar[tuple[str, ...]] = ("ImageFolder", "image_dataset_from_directory", "flow_from_directory")

    folder: str = option(
        Text("a folder (string)"), "the folder of the classes, from the folder of the spec", position=0
    )
    size: tuple[int, int] | None = option(
        PictureSize(),
        "the size that every image is resized to (none: they all have one size)",
        default=None,
        position=1,
        aliases=("image_size", "target_size"),
    )
    channels: int | None = option(
        Channels(),
        "1: gray, 3: RGB, 4: RGB with transparency (none: as many as the richest image has)",
        default=None,
        aliases=("color_mode",),
    )
    fit: str = option(
        Choice(("stretch", "crop", "pad")),
        "how images of other proportions are resized: stretched, cropped, or padded with black",
        default="stretch",
    )
    test: str | None = option(Text("a folder (string)"), "a folder with the same classes, for the test", default=None)
    is_numeric: bool = hidden(default=True)

    def facts(self, folder: Path) -> Facts:
        listings = self._listings(folder)
        return self._facts(listings[0], self.encoder_of(self.surveyed(*listings)))

    def remarks(self, folder: Path) -> Sequence[Unplaced]:
        listings = self._listings(folder)
        found = remarks_on(self.surveyed(*listings), self.word, choose_colors=self.channels is None)
        return [*found, *alike_names("folder", f"`{self.folder}`", listings[0].classes)]

    def as_of_run(self, encoder: Encoder | None) -> Source:
        """Earlier versions read images in the colors of the first one, and had all classes in alphabetical order."""
        if not isinstance(encoder, ImageEncoder):
            return self
        return self.replace(channels=self.channels or encoder.channels, is_numeric=encoder.is_numeric)

    def at(self, path: str) -> Source:
        return self.replace(folder=path, test=None)

    def coded_as(self, encoder: Encoder | None) -> Source:
        size = (encoder.height, encoder.width) if isinstance(encoder, ImageEncoder) else self.size
        return self.as_of_run(encoder).replace(size=size)

    def load(self, folder: Path) -> Dataset:
        listing, test = self._listings(folder)
        survey = joined(survey_files(part.paths) for part in (listing, test) if part)
        if not survey.heads:
            raise _broken(listing, survey.broken)
        encoder = self.encoder_of(survey)
        parts, first = [part for part in (listing, test) if part is not None], listing.name(listing.paths[0])
        train, *tests = [arrays_of(self.read_pictures(p, encoder, p.paths, first), p.labels) for p in parts]
        return self._dataset(listing, test, encoder, train, *tests)

    def stream(self, folder: Path) -> Dataset | None:
        listing, test = self._listings(folder)
        survey = self.surveyed(listing, test)
        encoder = self.encoder_of(survey)
        bounds = (0.0, 1.0) if survey.is_scaled else None
        parts, checked, total = [], 0, 0
        for part in filter(None, (listing, test)):
            some = part.paths[:: -(-len(part.paths) // MAX_CHECKED)]
            self.read_pictures(part, encoder, some, listing.name(listing.paths[0]))
            checked, total = checked + len(some), total + len(part.paths)
            pictures = Pictures(part.paths, encoder, bounds, is_fixed=self.size is None)
            parts.append(arrays_of(pictures, part.labels))
        text = f"{checked:,} of {total:,} images were opened to check them, duplicates between splits not searched for"
        dataset = self._dataset(listing, test, encoder, *parts)
        return dataset if checked == total else replace(dataset, checked=text)

    def _dataset(
        self, listing: Listing, test: Listing | None, encoder: ImageEncoder, x: Arrays, x_test: Arrays | None = None
    ) -> Dataset:
        return Dataset(
            listing.folder.name,
            self._facts(listing, encoder),
            x,
            x_test,
            noun="image",
            rows=listing.names,
            test_name=test.folder.name if test is not None else None,
            test_rows=test.names if test is not None else None,
            encoder=encoder,
        )

    def _facts(self, listing: Listing, encoder: ImageEncoder) -> Facts:
        targets = {"output": Target.of_classes(listing.classes)} if listing.classes else {}
        return Facts({"input": encoder.shape}, targets, len(listing.paths), self.test is not None)

    def _listing(self, folder: Path) -> Listing:
        place = folder / self.folder
        if splits := split_folders(_class_folders(place)):
            train, test = split_options(self.folder, splits)
            advice = f"write `{self.word}({', '.join([train, *self._how, *test])})`"
            problem = f"contains splits of the data ({', '.join(splits)}), not classes"
            raise Unplaced(BadFolder, option="folder", folder=str(place), problem=problem, advice=advice)
        return self._list(place, "folder")

    @property
    def _how(self) -> list[str]:
        """The options of how images are read, as they are written."""
        size = [] if self.size is None else [f"size = {self.size[0]}x{self.size[1]}"]
        channels = [] if self.channels is None else [f"channels = {self.channels}"]
        return [*size, *channels, *([] if self.fit == "stretch" else [f"fit = {self.fit}"])]

    def _list(self, folder: Path, option_name: str) -> Listing:
        listing = _list_images(folder, option_name)
        return listing if self.is_numeric else listing.replace(files=dict(sorted(listing.files.items())))

    def _listings(self, folder: Path) -> tuple[Listing, Listing | None]:
        """The training and the test images; raises Unplaced unless the test folder has the same classes."""
        train = self._listing(folder)
        if self.test is None:
            return train, None
        test = self._list(folder / self.test, "test")
        check_same_classes(train, test)
        return train, test

    def surveyed(self, listing: Listing, test: Listing | None = None) -> Survey:
        """The heads of the images. Raises Unplaced when some cannot be read, or sizes differ and none is given."""
        first = listing.paths[0]
        surveys = [(part, survey_files(part.paths)) for part in (listing, test) if part is not None]
        for part, survey in surveys:
            if survey.broken:
                raise _broken(part, survey.broken)
            expected = surveys[0][1].heads[first].size
            sizes = {path: head.size for path, head in survey.heads.items()}
            self._check_sizes(part, sizes, listing.name(first), expected)
        return joined(survey for _, survey in surveys)

    def _check_sizes(
        self, listing: Listing, sizes: Mapping[Path, tuple[int, int]], first: str, expected: tuple[int, int]
    ) -> None:
        """Raises Unplaced when one of the sizes (width, height) differs from that of the first image, and none is
        given."""
        others = [path for path, size in sizes.items() if size != expected] if self.size is None else []
        if others:
            found, wanted = (f"{height}x{width}" for width, height in (sizes[others[0]], expected))
            unlike = partial(Unplaced, ImageSizes, option=listing.option, file=listing.name(others[0]), found=found)
            size = common_size([expected] * len(sizes) if listing.option == "test" else [*sizes.values()])
            raise unlike(first=first, expected=wanted, count=len(others), total=len(sizes), size=size)

    def encoder_of(self, survey: Survey) -> ImageEncoder:
        """How images are read; what is not written is decided by their heads."""
        width, height = next(iter(survey.heads.values())).size
        height, width = self.size or (height, width)
        return ImageEncoder(height, width, self.channels or survey.channels, cast("Fit", self.fit), self.is_numeric)

    def read_pictures(self, listing: Listing, encoder: ImageEncoder, paths: Sequence[Path], first: str) -> Array:
        """`first` is the image whose size the others must have. Raises Unplaced with every image that cannot be read,
        or has another size where none is given, or more channels.
        """
        x = np.empty((len(paths), encoder.height, encoder.width, encoder.channels), np.float32)
        broken: dict[Path, OSError] = {}
        sizes: dict[Path, tuple[int, int]] = {}
        richer: dict[Path, int] = {}
        for index, path in enumerate(paths):
            try:
                picture = load_picture(path)
            except OSError as error:
                broken[path] = error
                continue
            sizes[path] = picture.image.size
            if self.channels is None and picture.channels > encoder.channels:
                richer[path] = picture.channels
            elif self.size is not None or sizes[path] == (encoder.width, encoder.height):
                x[index] = encoder.encode(picture)
        if broken:
            raise _broken(listing, broken)
        self._check_sizes(listing, sizes, first, (encoder.width, encoder.height))
        if richer:
            raise _richer(listing, richer, encoder.channels, len(paths))
        return x


class Pictures(Rows):
    """Images in files, read on demand. `is_fixed` is set when all of them must have the same size."""

    def __init__(
        self, paths: Sequence[Path], encoder: ImageEncoder, bounds: tuple[float, float] | None, *, is_fixed: bool
    ) -> None:
        super().__init__((len(paths), encoder.height, encoder.width, encoder.channels), "float32", bounds)
        self.paths, self.encoder, self.is_fixed = paths, encoder, is_fixed

    def read(self, index: Array) -> Array:
        images = np.empty((len(index), *self.shape[1:]), np.float32)
        for row, path in enumerate(self.paths[i] for i in index.tolist()):
            try:
                picture = load_picture(path)
            except OSError as error:
                raise cannot_read_on(path, error) from error
            width, height = picture.image.size
            if self.is_fixed and (height, width) != self.shape[1:3]:
                raise cannot_read_on(path, f"it is {height}x{width}, the others {self.shape[1]}x{self.shape[2]}")
            images[row] = self.encoder.encode(picture)
        return images


def _list_images(folder: Path, option_name: str) -> Listing:
    """The images under a folder.

    Raises:
        Unplaced: there is no such folder, there are no images in it, or a class has none.
    """
    check_folder(folder, option_name)
    files = files_by_class(folder, _class_folders(folder), ENDINGS)
    if not any(files.values()):
        advice = f"put the images of each class into its own folder; supported endings: {', '.join(ENDINGS)}"
        problem = "has no images in it"
        raise Unplaced(BadFolder, option=option_name, folder=str(folder), problem=problem, advice=advice)
    for name, paths in files.items():
        if not paths:
            advice = f"put images into it ({', '.join(ENDINGS)}), or remove it"
            problem = "is a class without images"
            raise Unplaced(BadFolder, option=option_name, folder=str(folder / name), problem=problem, advice=advice)
    return Listing(folder, files, option_name)


def _class_folders(folder: Path) -> list[str]:
    """In alphabetical order, or of their numbers if all of them are integers."""
    names = folders_in(folder)
    are_numbers = all(name.isascii() and name.removeprefix("-").isdigit() for name in names)
    return sorted(names, key=int) if are_numbers else names


def _broken(listing: Listing, broken: Mapping[Path, OSError]) -> Unplaced:
    names, error = [listing.name(path) for path in broken], next(iter(broken.values()))
    reason = "it is truncated or damaged" if "truncated" in str(error) else "it is not an image that can be read"
    if isinstance(error, Refused):
        reason = str(error.strerror)
    advice = replace_advice(names, error)
    return Unplaced(BrokenFile, option=listing.option, file=names[0], format="image", reason=reason, advice=advice)


def _richer(listing: Listing, richer: Mapping[Path, int], channels: int, total: int) -> Unplaced:
    first, most = next(iter(richer)), max(richer.values())
    unlike = partial(Unplaced, UnlikeColors, option=listing.option, file=listing.name(first), count=len(richer))
    return unlike(found=COLORS[most], expected=COLORS[channels], channels=most, fewer=channels, total=total)
