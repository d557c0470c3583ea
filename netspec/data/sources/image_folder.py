"""Images in folders, one folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, arrays_of, source
from netspec.data.dataset.lazy_rows import Array, Rows, cannot_read_on
from netspec.data.dataset.options import Channels, PictureSize
from netspec.data.errors.files import BrokenFile, CannotRead
from netspec.data.errors.sources import BadFolder, ImageSizes
from netspec.data.transforms.encoders import Fit, ImageEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Text
from netspec.language.lazy import lazy, np
from netspec.language.record import Frozen
from netspec.language.word import option

Image = lazy("PIL.Image")

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
"""The endings of image files, in lower case."""

SPLIT_NAMES = {"train", "training", "test", "testing", "val", "valid", "validation"}
"""Names of folders that are splits of the data, not classes."""

MAX_SHOWN = 5
"""How many files a message lists."""

MAX_CHECKED = 500
"""How many images are opened beforehand when they are read during training."""

UNREADABLE = (OSError, SyntaxError, ValueError)
"""What Pillow raises for files that are damaged, or not images."""


class Listing(Frozen):
    """The images under a folder, by class in the order of the names; without classes the only one is empty."""

    folder: Path
    files: dict[str, list[Path]]

    @property
    def paths(self) -> list[Path]:
        return [path for files in self.files.values() for path in files]

    @property
    def classes(self) -> list[str]:
        return [name for name in self.files if name]

    def name(self, path: Path) -> str:
        """The name of an image in messages."""
        return path.relative_to(self.folder).as_posix()


@source("images")
class Images(Source):
    """Images in folders, one for each class and named after it.

    They are PNG, JPEG or other files, scaled to 0..1. A folder without subfolders has images without classes, for
    `target = input`.

    Example: data { source = images("photos", size = 64x64) }
    """

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
        "1: gray, 3: RGB, 4: RGB with transparency (none: as the first image)",
        default=None,
        aliases=("color_mode",),
    )
    fit: str = option(
        Choice(("stretch", "crop", "pad")),
        "how images of other proportions are resized: stretched, cropped, or padded with black",
        default="stretch",
    )
    test: str | None = option(Text("a folder (string)"), "a folder with the same classes, for the test", default=None)

    def facts(self, folder: Path) -> Facts:
        listing = self._listing(folder)
        return self._facts(listing, self._encoder(listing))

    def load(self, folder: Path) -> Dataset:
        listing, test = self._listings(folder)
        encoder = self._encoder(listing)
        train, *tests = [arrays_of(self._read(p, encoder, p.paths), _labels(p)) for p in (listing, test) if p]
        return self._dataset(listing, test, encoder, train, *tests)

    def stream(self, folder: Path) -> Dataset | None:
        listing, test = self._listings(folder)
        encoder = self._encoder(listing)
        parts, checked, total = [], 0, 0
        for part in filter(None, (listing, test)):
            some = part.paths[:: -(-len(part.paths) // MAX_CHECKED)]
            self._read(part, encoder, some)
            checked, total = checked + len(some), total + len(part.paths)
            parts.append(arrays_of(Pictures(part.paths, encoder, is_fixed=self.size is None), _labels(part)))
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
            rows=[*map(listing.name, listing.paths)],
            test_name=test.folder.name if test is not None else None,
            test_rows=[*map(test.name, test.paths)] if test is not None else None,
            encoder=encoder,
        )

    def _facts(self, listing: Listing, encoder: ImageEncoder) -> Facts:
        targets = {"output": Target.of_classes(listing.classes)} if listing.classes else {}
        return Facts({"input": encoder.shape}, targets, len(listing.paths), self.test is not None)

    def _listing(self, folder: Path) -> Listing:
        place = folder / self.folder
        names = _folders_in(place) if place.is_dir() else []
        splits = [name for name in names if name.lower() in SPLIT_NAMES]
        if splits and len(splits) == len(names):
            train = next((name for name in splits if name.lower().startswith("train")), splits[0])
            tests = [name for name in splits if name.lower().startswith("test")]
            rest = f', test = "{self.folder.rstrip("/")}/{tests[0]}"' if tests else ""
            advice = f'write `images("{self.folder.rstrip("/")}/{train}"{rest})`'
            problem = f"contains splits of the data ({', '.join(names)}), not classes"
            raise Unplaced(BadFolder, option="folder", folder=str(place), problem=problem, advice=advice)
        return _list_images(place, "folder")

    def _listings(self, folder: Path) -> tuple[Listing, Listing | None]:
        """The training and the test images; raises Unplaced unless the test folder has the same classes."""
        train = self._listing(folder)
        if self.test is None:
            return train, None
        test = _list_images(folder / self.test, "test")
        if strange := sorted({*test.files} ^ {*train.files}):
            problem = f"{'has a class' if strange[0] in test.files else 'has no class'} `{strange[0]}`"
            advice = f"give it the folders of {train.folder}: {', '.join(train.files)}"
            raise Unplaced(BadFolder, option="test", folder=str(test.folder), problem=problem, advice=advice)
        return train, test

    def _encoder(self, listing: Listing) -> ImageEncoder:
        """How images are read; the first one decides what is not written. Raises Unplaced when it cannot be read."""
        fit = cast("Fit", self.fit)
        if self.size is not None and self.channels is not None:
            return ImageEncoder(*self.size, self.channels, fit)
        first = listing.paths[0]
        try:
            width, height, channels = read_head(first)
        except UNREADABLE as error:
            raise _broken(listing, [(first, error)]) from error
        return ImageEncoder(*(self.size or (height, width)), self.channels or channels, fit)

    def _read(self, listing: Listing, encoder: ImageEncoder, paths: Sequence[Path]) -> Array:
        """Raises Unplaced with every image that cannot be read, or has another size where none is given."""
        x = np.empty((len(paths), encoder.height, encoder.width, encoder.channels), np.float32)
        broken: list[tuple[Path, Exception]] = []
        others: list[tuple[Path, int, int]] = []
        for index, path in enumerate(paths):
            try:
                if self.size is None and (size := read_head(path)[:2]) != (encoder.width, encoder.height):
                    others.append((path, *size))
                    continue
                x[index] = encoder.read(path)
            except UNREADABLE as error:
                broken.append((path, error))
        if broken:
            raise _broken(listing, broken)
        if others:
            path, width, height = others[0]
            raise Unplaced(
                ImageSizes,
                option="folder",
                file=listing.name(path),
                found=f"{height}x{width}",
                first=listing.name(listing.paths[0]),
                expected=f"{encoder.height}x{encoder.width}",
                count=len(others),
                total=len(listing.paths),
            )
        return x


class Pictures(Rows):
    """Images in files, read on demand. `is_fixed` is set when all of them must have the same size."""

    def __init__(self, paths: Sequence[Path], encoder: ImageEncoder, *, is_fixed: bool) -> None:
        super().__init__((len(paths), encoder.height, encoder.width, encoder.channels), "float32", (0.0, 1.0))
        self.paths, self.encoder, self.is_fixed = paths, encoder, is_fixed

    def read(self, index: Array) -> Array:
        images = np.empty((len(index), *self.shape[1:]), np.float32)
        for row, path in enumerate(self.paths[i] for i in index.tolist()):
            try:
                size = read_head(path)[:2] if self.is_fixed else None
                images[row] = self.encoder.read(path)
            except UNREADABLE as error:
                raise cannot_read_on(path, error if isinstance(error, OSError) else "it is not an image") from error
            if size is not None and size != (self.encoder.width, self.encoder.height):
                raise cannot_read_on(path, f"it is {size[1]}x{size[0]}, the others {self.shape[1]}x{self.shape[2]}")
        return images


def _list_images(folder: Path, option_name: str) -> Listing:
    """The images under a folder.

    Raises:
        Unplaced: there is no such folder, there are no images in it, or a class has none.
    """
    if not folder.is_dir():
        reason = "it is a file" if folder.exists() else "there is no such folder"
        near = _folders_in(folder.parent) if folder.parent.is_dir() else []
        advice = f"folders in {folder.parent}: {', '.join(near[:12])}" if near else "name a folder of folders"
        raise Unplaced(CannotRead, option=option_name, file=str(folder), reason=reason, advice=advice)
    files = {name: _images_in(folder / name) for name in _folders_in(folder)} or {"": _images_in(folder)}
    if not any(files.values()):
        advice = f"put the images of each class into its own folder; supported endings: {', '.join(ENDINGS)}"
        problem = "has no images in it"
        raise Unplaced(BadFolder, option=option_name, folder=str(folder), problem=problem, advice=advice)
    for name, paths in files.items():
        if not paths:
            advice = f"put images into it ({', '.join(ENDINGS)}), or remove it"
            problem = "is a class without images"
            raise Unplaced(BadFolder, option=option_name, folder=str(folder / name), problem=problem, advice=advice)
    return Listing(folder, files)


def _folders_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith("."))


def read_head(path: Path) -> tuple[int, int, int]:
    """Width, height and channels of an image; the pixels are not read."""
    with Image.open(path) as picture:
        channels = 1 if picture.mode in ("1", "L", "I", "I;16", "F") else 4 if picture.mode in ("RGBA", "LA") else 3
        return (*picture.size, channels)


def _broken(listing: Listing, broken: Sequence[tuple[Path, Exception]]) -> Unplaced:
    names = [listing.name(path) for path, _ in broken]
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    advice = "remove or replace it" + (f": {', '.join(names[:MAX_SHOWN])}{more}" if len(names) > 1 else "")
    reason = "it is truncated or damaged" if "truncated" in str(broken[0][1]) else "it is not an image that can be read"
    return Unplaced(BrokenFile, option="folder", file=names[0], format="image", reason=reason, advice=advice)


def _labels(listing: Listing) -> Array | None:
    counts = [len(paths) for paths in listing.files.values()]
    return np.repeat(np.arange(len(counts)), counts).astype(np.int32) if listing.classes else None
