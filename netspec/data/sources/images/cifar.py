"""CIFAR-10 in its binary format: records of a label and 3,072 bytes, red, green and blue."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, arrays_of, single, source
from netspec.data.dataset.lazy_rows import Array, Column, FileRows, Joined, read_all
from netspec.data.errors.files import BrokenFile, CannotRead
from netspec.data.formats.download import Collection, Published, find_files, folders_of
from netspec.data.formats.files import UNPACKED_LIMIT, read_file, unreadable
from netspec.language.diagnostics import Unplaced
from netspec.language.files.paths import is_folder
from netspec.language.files.regular_file import open_regular
from netspec.language.kinds import Text
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.word import option

ARCHIVE = "cifar-10-binary.tar.gz"
INNER = "cifar-10-batches-bin"
TEST = "test_batch.bin"
SIDE, CHANNELS = 32, 3
RECORD = 1 + CHANNELS * SIDE * SIDE
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
COLLECTION = Collection(
    "cifar10",
    ("https://www.cs.toronto.edu/~kriz/",),
    (Published(ARCHIVE, "md5", "c32a1d4ab5d03f1284b67883e8d87530"),),
)


@source("cifar10")
class Cifar10(Source):
    """60,000 color images of 32x32x3, scaled to 0..1; ten classes of objects, 10,000 images are the test split.

    Its files are those of the binary version, in a folder or in the published archive.

    Example: data { source = cifar10 }
    Reference: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
    """

    folder: str | None = option(
        Text("a folder (string)"),
        "the folder with data_batch_1.bin … and test_batch.bin, from the folder of the spec (none: downloaded once)",
        default=None,
        position=0,
    )

    def facts(self, folder: Path) -> Facts:
        return single(Shape((SIDE, SIDE, CHANNELS)), Target.of_classes(NAMES), has_test=True)

    def load(self, folder: Path) -> Dataset:
        files = self._files(folder)
        option = self._option
        return self._dataset(
            {n: file if isinstance(file, bytes) else read_file(file, "CIFAR-10", option) for n, file in files.items()}
        )

    def stream(self, folder: Path) -> Dataset | None:
        files = next(filter(None, map(_unpacked, self._folders(folder))), None)
        return self._dataset(files) if files else None

    @property
    def _option(self) -> str | None:
        return "folder" if self.folder is not None else None

    def _folders(self, folder: Path) -> Sequence[Path]:
        return [folder / self.folder] if self.folder is not None else folders_of(COLLECTION)

    def _files(self, folder: Path) -> Mapping[str, Path | bytes]:
        """The .bin files by name, unpacked or not; raises Unplaced when the folder does not exist."""
        for place in self._folders(folder):
            if self.folder is not None and not is_folder(place):
                raise Unplaced(
                    CannotRead, option="folder", file=str(place), reason="there is no such folder", case="cifar10"
                )
            if files := _unpacked(place):
                return files
            if archives := sorted(place.glob("cifar-10-binary*.tar.gz")):
                return self._members(archives[0])
        return {} if self.folder is not None else self._members(find_files(COLLECTION)[ARCHIVE])

    def _members(self, path: Path) -> dict[str, bytes]:
        """The .bin files in an archive; nothing is written to disk."""
        import tarfile  # imports three compressions

        contents: dict[str, bytes] = {}
        try:
            with open_regular(path) as file, tarfile.open(fileobj=file, mode="r:gz") as archive:
                for member in archive:
                    UNPACKED_LIMIT.check(path, archive.offset, "unpacked, it has {size}")
                    UNPACKED_LIMIT.check(path, member.size, f"unpacked, {Path(member.name).name} has {{size}}")
                    opened = archive.extractfile(member) if member.name.endswith(".bin") else None
                    if opened is not None:
                        contents[Path(member.name).name] = opened.read()
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable(path, "CIFAR-10", error, self._option) from error
        except tarfile.TarError as error:
            raise self._broken(path.name, str(error)) from error
        return contents

    def _dataset(self, files: Mapping[str, Path | bytes]) -> Dataset:
        """The images in files that are read on demand, or in their contents; raises Unplaced when one is missing."""
        batches = {name: files[name] for name in sorted(files) if re.fullmatch(r"data_batch_\d+\.bin", name)}
        missing = TEST if TEST not in files else "data_batch_1.bin" if not batches else None
        if missing is not None:
            raise self._broken(missing, "it does not exist", "cifar10", ", ".join(sorted(files)) or "no .bin files")
        train, test = self._read(batches), self._read({TEST: files[TEST]})
        facts = single(Shape((SIDE, SIDE, CHANNELS)), Target.of_classes(NAMES), examples=len(train), has_test=True)
        return Dataset(self.word, facts, train, test, noun="image")

    def _read(self, files: Mapping[str, Path | bytes]) -> Arrays:
        """Raises Unplaced unless every file is made of whole records with labels from 0 to 9."""
        parts: list[Column] = []
        for name, file in files.items():
            length = len(file) if isinstance(file, bytes) else file.stat().st_size
            if not length or length % RECORD:
                raise self._broken(name, f"it has {length:,} bytes, and records have {RECORD:,}")
            if isinstance(file, bytes):
                parts.append(np.frombuffer(file, np.uint8).reshape(-1, RECORD))
            else:
                parts.append(FileRows(file, (length // RECORD, RECORD), np.uint8))
        labels = np.concatenate([read_all(part)[:, 0].astype(np.int32) for part in parts])
        if labels.max() >= len(NAMES):
            record = int((labels >= len(NAMES)).argmax())
            reason = f"record {record} has the label {labels[record]}, expected 0..9"
            raise self._broken(next(iter(files)), reason, "cifar100")
        rows = [part for part in parts if isinstance(part, FileRows)]
        if rows:
            return arrays_of(Joined(rows).map(_decode, "float32", (SIDE, SIDE, CHANNELS), (0.0, 1.0)), labels)
        return arrays_of(_decode(np.concatenate(parts)), labels)

    def _broken(self, file: str, reason: str, case: str = "", found: str = "") -> Unplaced:
        broken = partial(Unplaced, BrokenFile, option=self._option, format="CIFAR-10")
        return broken(file=file, reason=reason, case=case, found=found)


def _unpacked(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in (*folder.glob("*.bin"), *folder.glob(f"{INNER}/*.bin"))}


def _decode(records: Array) -> Array:
    """Records, red before green before blue, as images with channels last from 0 to 1."""
    x = records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1).astype(np.float32, order="C")
    x /= 255
    return x
