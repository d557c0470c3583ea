"""The source of images in folders: one folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, source
from netspec.data.dataset.lazy_rows import Array, Rows, stopped
from netspec.data.dataset.options import Channels, PictureSize
from netspec.data.errors.files import BrokenFile, CannotRead
from netspec.data.errors.sources import BadFolder, ImageSizes
from netspec.data.sources.streaming import dataset_of_rows
from netspec.data.transforms.encoders import Fit, ImageEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Text
from netspec.language.lazy import lazy, np
from netspec.language.record import Frozen
from netspec.language.word import option

Image = lazy("PIL.Image")

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
"""How files with images end, in lower case."""

PARTS = {"train", "training", "test", "testing", "val", "valid", "validation"}
"""Names of folders that are parts of the data, not classes."""

SHOWN = 5
"""How many files a message lists."""

SAMPLE = 500
"""How many images are opened beforehand where they are read while training runs."""

UNREADABLE = (OSError, SyntaxError, ValueError)
"""What Pillow raises for files that are damaged, or no images."""


class Listing(Frozen):
    """The images under a folder, by class in the order of the names; a folder without classes has one that is empty."""

    folder: Path
    files: dict[str, list[Path]]

    @property
    def paths(self) -> list[Path]:
        return [path for files in self.files.values() for path in files]

    @property
    def has_classes(self) -> bool:
        return "" not in self.files

    def called(self) -> list[str]:
        """What each image is called in messages."""
        return [path.relative_to(self.folder).as_posix() for path in self.paths]


@source("images")
class Images(Source):
    """Images in folders, one for each class, which has the name of its folder.

    They are PNG, JPEG or others, scaled to 0..1. A folder without folders has images without classes, for
    `target = input`.

    Example: data { source = images("photos", size = 64x64) }
    """

    folder: str = option(
        Text("a folder in quotes"), "the folder of the classes, from the folder of the spec", position=0
    )
    size: tuple[int, int] | None = option(
        PictureSize(),
        "the size that every image is brought to (none: they all have one size)",
        default=None,
        position=1,
        aliases=("image_size", "target_size"),
    )
    channels: int | None = option(
        Channels(),
        "1 grey, 3 colour, 4 colour with transparency (none: as the first image)",
        default=None,
        aliases=("color_mode",),
    )
    fit: str = option(
        Choice(("stretch", "crop", "pad")),
        "what becomes of images of other proportions: stretched, cut at the edges, or given black ones",
        default="stretch",
    )
    test: str | None = option(Text("a folder in quotes"), "a folder with the same classes, for the test", default=None)

    def facts(self, folder: Path) -> Facts:
        listing = self._listing(folder)
        encoder = self._encoder(listing)
        return self._facts(listing, encoder)

    def load(self, folder: Path) -> Dataset:
        listing = self._listing(folder)
        encoder = self._encoder(listing)
        facts = self._facts(listing, encoder)
        test = self._test_listing(folder, listing)
        return Dataset(
            listing.folder.name,
            facts,
            self._read(listing, encoder),
            self._read(test, encoder) if test is not None else None,
            noun="image",
            rows=listing.called(),
            test_name=test.folder.name if test is not None else None,
            test_rows=test.called() if test is not None else None,
            encoder=encoder,
        )

    def stream(self, folder: Path) -> Dataset | None:
        listing = self._listing(folder)
        encoder = self._encoder(listing)
        test = self._test_listing(folder, listing)
        found, checked = [], 0
        for part in (listing, test) if test is not None else (listing,):
            step = -(-len(part.paths) // SAMPLE)
            self._read_some(part, encoder, part.paths[::step])
            checked += len(part.paths[::step])
            found.append(Pictures(part.paths, encoder, is_fixed=self.size is None))
        total = sum(map(len, found))
        return dataset_of_rows(
            found[0],
            _labels(listing),
            found[1] if test is not None else None,
            _labels(test) if test is not None else {},
            self._facts(listing, encoder),
            name=listing.folder.name,
            noun="image",
            rows=listing.called(),
            test_name=test.folder.name if test is not None else None,
            test_rows=test.called() if test is not None else None,
            encoder=encoder,
            checked=None
            if checked == total
            else f"{checked:,} of {total:,} images were opened to check them, equal ones in two parts not looked for",
        )

    def _facts(self, listing: Listing, encoder: ImageEncoder) -> Facts:
        targets = {"output": Target.of_classes(tuple(listing.files))} if listing.has_classes else {}
        return Facts({"input": encoder.shape}, targets, len(listing.paths), self.test is not None)

    # ------------------------------------------------------------ which files there are

    def _listing(self, folder: Path) -> Listing:
        place = folder / self.folder
        names = _folders_in(place) if place.is_dir() else []
        parts = [name for name in names if name.lower() in PARTS]
        if parts and len(parts) == len(names):
            train = next((name for name in parts if name.lower().startswith("train")), parts[0])
            tests = [name for name in parts if name.lower().startswith("test")]
            rest = f', test = "{self.folder.rstrip("/")}/{tests[0]}"' if tests else ""
            advice = f'write `images("{self.folder.rstrip("/")}/{train}"{rest})`'
            problem = f"holds parts of the data ({', '.join(names)}), not classes"
            raise _bad_folder("folder", place, problem, advice)
        return _list_images(place, "folder")

    def _test_listing(self, folder: Path, train: Listing) -> Listing | None:
        """Raises Unplaced unless the test folder has the same classes."""
        if self.test is None:
            return None
        listing = _list_images(folder / self.test, "test")
        strange = sorted({*listing.files} ^ {*train.files})
        if strange:
            where = "has a class" if strange[0] in listing.files else "has no class"
            advice = f"give it the folders of {train.folder}: {', '.join(train.files)}"
            raise _bad_folder("test", listing.folder, f"{where} `{strange[0]}`", advice)
        return listing

    # ------------------------------------------------------------ what is in them

    def _encoder(self, listing: Listing) -> ImageEncoder:
        """How images are read; the first one says what is not written.

        Raises:
            Unplaced: it cannot be read.
        """
        fit = cast("Fit", self.fit)
        if self.size is not None and self.channels is not None:
            return ImageEncoder(*self.size, self.channels, fit)
        first = listing.paths[0]
        try:
            width, height, channels = _look(first)
        except UNREADABLE as error:
            raise _broken(listing, [(first, error)]) from error
        return ImageEncoder(*(self.size or (height, width)), self.channels or channels, fit)

    def _read(self, listing: Listing, encoder: ImageEncoder) -> Arrays:
        return Arrays({"input": self._read_some(listing, encoder, listing.paths)}, _labels(listing))

    def _read_some(self, listing: Listing, encoder: ImageEncoder, paths: Sequence[Path]) -> Array:
        """Raises Unplaced with every image that cannot be read, or has another size where none is given."""
        x = np.empty((len(paths), encoder.height, encoder.width, encoder.channels), np.float32)
        broken: list[tuple[Path, Exception]] = []
        others: list[tuple[Path, int, int]] = []
        for index, path in enumerate(paths):
            try:
                if self.size is None and (found := _look(path)[:2]) != (encoder.width, encoder.height):
                    others.append((path, *found))
                    continue
                x[index] = encoder.read(path)
            except UNREADABLE as error:
                broken.append((path, error))
        if broken:
            raise _broken(listing, broken)
        if others:
            raise self._unlike(listing, encoder, others)
        return x

    def _unlike(self, listing: Listing, encoder: ImageEncoder, others: Sequence[tuple[Path, int, int]]) -> Unplaced:
        path, width, height = others[0]
        first, *_ = listing.paths
        return Unplaced(
            ImageSizes,
            option="folder",
            file=path.relative_to(listing.folder).as_posix(),
            found=f"{height}x{width}",
            first=first.relative_to(listing.folder).as_posix(),
            expected=f"{encoder.height}x{encoder.width}",
            count=len(others),
            total=len(listing.paths),
            advice=f"give all of them one size: `size = {encoder.height}x{encoder.width}`",
        )


class Pictures(Rows):
    """Images in files, read when they are wanted. `is_fixed` is set when all of them have to have the size already."""

    def __init__(self, paths: Sequence[Path], encoder: ImageEncoder, *, is_fixed: bool) -> None:
        super().__init__((len(paths), encoder.height, encoder.width, encoder.channels), "float32", (0.0, 1.0))
        self.paths, self.encoder, self.is_fixed = paths, encoder, is_fixed

    def read(self, index: Array) -> Array:
        found = np.empty((len(index), *self.shape[1:]), np.float32)
        for place, path in enumerate(self.paths[i] for i in index.tolist()):
            try:
                size = _look(path)[:2] if self.is_fixed else None
                found[place] = self.encoder.read(path)
            except UNREADABLE as error:
                raise stopped(path, error, None if isinstance(error, OSError) else "it is no image") from error
            if size is not None and size != (self.encoder.width, self.encoder.height):
                raise stopped(
                    path, ValueError(), f"it is {size[1]}x{size[0]}, the others {self.shape[1]}x{self.shape[2]}"
                )
        return found


def _bad_folder(option_name: str, folder: Path, problem: str, advice: str) -> Unplaced:
    return Unplaced(BadFolder, option=option_name, folder=str(folder), problem=problem, advice=advice)


def _list_images(folder: Path, option_name: str) -> Listing:
    """The images under a folder.

    Raises:
        Unplaced: there is no such folder, there are no images in it, or a class has none.
    """
    if not folder.is_dir():
        reason = "it is a file" if folder.exists() else "there is no such folder"
        near = sorted(path.name for path in folder.parent.iterdir() if path.is_dir()) if folder.parent.is_dir() else []
        advice = f"folders in {folder.parent}: {', '.join(near[:12])}" if near else "name a folder of folders"
        raise Unplaced(CannotRead, option=option_name, file=str(folder), reason=reason, advice=advice)
    found = {name: _images_in(folder / name) for name in _folders_in(folder)} or {"": _images_in(folder)}
    if not any(found.values()):
        advice = f"put the images of each class into its own folder; supported endings: {', '.join(ENDINGS)}"
        raise _bad_folder(option_name, folder, "has no images in it", advice)
    empty = [name for name, files in found.items() if not files]
    if empty:
        advice = f"put images into it ({', '.join(ENDINGS)}), or remove it"
        raise _bad_folder(option_name, folder / empty[0], "is a class without images", advice)
    return Listing(folder, found)


def _folders_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith("."))


def _look(path: Path) -> tuple[int, int, int]:
    """Width, height and channels of an image; the pixels are not read."""
    with Image.open(path) as picture:
        channels = 1 if picture.mode in ("1", "L", "I", "I;16", "F") else 4 if picture.mode in ("RGBA", "LA") else 3
        return (*picture.size, channels)


def _broken(listing: Listing, broken: Sequence[tuple[Path, Exception]]) -> Unplaced:
    names = [path.relative_to(listing.folder).as_posix() for path, _ in broken]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    advice = f"remove or replace it: {', '.join(names[:SHOWN])}{more}" if len(names) > 1 else "remove or replace it"
    reason = "it is cut short or damaged" if "truncated" in str(broken[0][1]) else "it is no image that can be read"
    return Unplaced(BrokenFile, option="folder", file=names[0], format="image", reason=reason, advice=advice)


def _labels(listing: Listing) -> dict[str, Array]:
    if not listing.has_classes:
        return {}
    return {
        "output": np.repeat(np.arange(len(listing.files)), [len(f) for f in listing.files.values()]).astype(np.int32)
    }
