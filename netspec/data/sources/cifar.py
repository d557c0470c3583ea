"""The source of CIFAR-10 in its binary format: records of a label and 3,072 bytes, red, green and blue."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, single, source
from netspec.data.dataset.lazy_rows import Array, FileRows, Joined, Rows, read_all
from netspec.data.errors.files import BrokenFile, CannotRead
from netspec.data.formats.download import Collection, Published, find_files, folders_of
from netspec.data.formats.files import unreadable
from netspec.data.sources.streaming import Decoded, dataset_of_rows
from netspec.language.diagnostics import Unplaced
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


@source("cifar10")
class Cifar10(Source):
    """60,000 colour images of 32x32x3, scaled to 0..1; ten classes of things, 10,000 images are the test split.

    Its files are those of the binary version, in a folder or in the archive as it is published.

    Example: data { source = cifar10 }
    Reference: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
    """

    folder: str | None = option(
        Text("a folder in quotes"),
        "where data_batch_1.bin … and test_batch.bin lie, from the folder of the spec (none: downloaded once)",
        default=None,
        position=0,
    )

    def facts(self, folder: Path) -> Facts:
        return single(Shape((SIDE, SIDE, CHANNELS)), Target.of_classes(NAMES), has_test=True)

    def load(self, folder: Path) -> Dataset:
        files = self._files(folder)
        batches = sorted(name for name in files if re.fullmatch(r"data_batch_\d+\.bin", name))
        missing = TEST if TEST not in files else "data_batch_1.bin" if not batches else None
        if missing is not None:
            found = ", ".join(sorted(files)) or "no .bin files"
            advice = f"the binary version of CIFAR-10 is needed, {ARCHIVE}; found {found}"
            raise self._broken(missing, "it does not exist", advice)
        train = self._arrays({name: files[name] for name in batches})
        facts = single(Shape((SIDE, SIDE, CHANNELS)), Target.of_classes(NAMES), examples=len(train), has_test=True)
        return Dataset(self.word, facts, train, self._arrays({TEST: files[TEST]}), noun="image")

    def stream(self, folder: Path) -> Dataset | None:
        places = [folder / self.folder] if self.folder is not None else folders_of(COLLECTION)
        found = [[*place.glob("*.bin"), *place.glob(f"{INNER}/*.bin")] for place in places]
        files = {path.name: path for path in next((paths for paths in found if paths), [])}
        batches = sorted(name for name in files if re.fullmatch(r"data_batch_\d+\.bin", name))
        if not batches or TEST not in files:
            return None  # packed, or not there: loading finds out
        (x, y), (x_test, y_test) = (self._rows([files[n] for n in names]) for names in (batches, [TEST]))
        facts = single(Shape((SIDE, SIDE, CHANNELS)), Target.of_classes(NAMES), examples=len(x), has_test=True)
        return dataset_of_rows(x, {"output": y}, x_test, {"output": y_test}, facts, name=self.word, noun="image")

    def _rows(self, paths: Sequence[Path]) -> tuple[Rows, Array]:
        """Images to be read when they are wanted, and their labels.

        Raises:
            Unplaced: a file is not made of whole records with labels from 0 to 9.
        """
        parts, labels = [], []
        for path in paths:
            length = path.stat().st_size
            self._check_length(path.name, length)
            count = length // RECORD
            parts.append(FileRows(path, (count, CHANNELS * SIDE * SIDE), np.uint8, offset=1, stride=RECORD))
            labels.append(read_all(FileRows(path, (count, 1), np.uint8, stride=RECORD)))
        ids = np.concatenate(labels)[:, 0]
        self._check_labels(paths[0].name, ids)
        return Decoded(Joined(parts), _decode, (SIDE, SIDE, CHANNELS), "float32"), ids.astype(np.int32)

    def _files(self, folder: Path) -> dict[str, bytes]:
        """The .bin files by name, from where they are: unpacked or not, given or found or downloaded.

        Raises:
            Unplaced: the folder is not there, or what lies there cannot be read.
        """
        if self.folder is not None:
            place = folder / self.folder
            if not place.is_dir():
                advice = f"name the folder with {TEST} in it, or write `cifar10` alone"
                reason = "there is no such folder"
                raise Unplaced(CannotRead, option="folder", file=str(place), reason=reason, advice=advice)
            return self._unpacked(place) or self._packed(place) or {}
        for place in folders_of(COLLECTION):
            found = self._unpacked(place) or self._packed(place)
            if found:
                return found
        return self._members(find_files(COLLECTION)[ARCHIVE])

    def _unpacked(self, place: Path) -> dict[str, bytes]:
        files = [*place.glob("*.bin"), *place.glob(f"{INNER}/*.bin")]
        try:
            return {path.name: path.read_bytes() for path in files}
        except OSError as error:
            raise unreadable(place, "CIFAR-10", error, "folder" if self.folder else None) from error

    def _packed(self, place: Path) -> dict[str, bytes] | None:
        archives = sorted(place.glob("cifar-10-binary*.tar.gz"))
        return self._members(archives[0]) if archives else None

    def _members(self, path: Path) -> dict[str, bytes]:
        """The .bin files in an archive; nothing is written to disk."""
        import tarfile  # brings three compressions

        found: dict[str, bytes] = {}
        try:
            with tarfile.open(path, "r:gz") as archive:
                for member in archive:
                    opened = archive.extractfile(member) if member.name.endswith(".bin") else None
                    if opened is not None:
                        found[Path(member.name).name] = opened.read()
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable(path, "CIFAR-10", error, "folder" if self.folder else None) from error
        except tarfile.TarError as error:
            raise self._broken(path.name, str(error), "get the file again") from error
        return found

    def _arrays(self, files: Mapping[str, bytes]) -> Arrays:
        """Raises Unplaced unless every file is made of whole records with labels from 0 to 9."""
        for name, body in files.items():
            self._check_length(name, len(body))
        records = np.frombuffer(b"".join(files.values()), np.uint8).reshape(-1, RECORD)
        labels = records[:, 0]
        self._check_labels(next(iter(files)), labels)
        return Arrays({"input": _decode(records[:, 1:])}, {"output": labels.astype(np.int32)})

    def _check_length(self, file: str, length: int) -> None:
        if not length or length % RECORD:
            reason = f"it has {length:,} bytes, and records have {RECORD:,}"
            raise self._broken(file, reason, "get the file again")

    def _check_labels(self, file: str, labels: Array) -> None:
        if labels.max() >= len(NAMES):
            record = int((labels >= len(NAMES)).argmax())
            advice = "CIFAR-100 and the Python version have other files; take the binary version of CIFAR-10"
            raise self._broken(file, f"record {record} has the label {labels[record]}, expected 0..9", advice)

    def _broken(self, file: str, reason: str, advice: str) -> Unplaced:
        at = "folder" if self.folder is not None else None
        return Unplaced(BrokenFile, option=at, file=file, format="CIFAR-10", reason=reason, advice=advice)


def _decode(pixels: Array) -> Array:
    """Bytes by record, red before green before blue, as images with channels last from 0 to 1."""
    x = pixels.reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1).astype(np.float32, order="C")
    x /= 255
    return x


COLLECTION = Collection(
    "cifar10",
    ("https://www.cs.toronto.edu/~kriz/",),
    (Published(ARCHIVE, "md5", "c32a1d4ab5d03f1284b67883e8d87530"),),
)
