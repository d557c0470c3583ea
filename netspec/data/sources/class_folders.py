"""Folders with one subfolder for each class, which sources of images, sounds and texts read.

Input: a folder, and the endings of files. Output: `Listing`, or what is wrong with the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.files import CannotRead
from netspec.data.errors.sources import BadFolder
from netspec.language.diagnostics import Unplaced
from netspec.language.files.paths import exists, is_folder
from netspec.language.lazy import np
from netspec.language.record import Frozen

SPLIT_NAMES = {"train", "training", "test", "testing", "val", "valid", "validation"}
"""Names of folders that are splits of the data, not classes."""


class Listing(Frozen):
    """The files under a folder, by class in their order; without classes the only one is empty. `option` is the
    argument that names the folder."""

    folder: Path
    files: dict[str, list[Path]]
    option: str = "folder"

    @property
    def paths(self) -> list[Path]:
        return [path for files in self.files.values() for path in files]

    @property
    def classes(self) -> list[str]:
        return [name for name in self.files if name]

    @property
    def names(self) -> list[str]:
        """The names of all files in messages."""
        return [*map(self.name, self.paths)]

    @property
    def labels(self) -> Array | None:
        """The class id of each file; None without classes."""
        counts = [len(paths) for paths in self.files.values()]
        return np.repeat(np.arange(len(counts)), counts).astype(np.int32) if self.classes else None

    def name(self, path: Path) -> str:
        """The name of a file in messages."""
        return path.relative_to(self.folder).as_posix()


def folders_in(folder: Path) -> list[str]:
    """The names of the folders in a folder, in alphabetical order; none where it does not exist."""
    if not is_folder(folder):
        return []
    return sorted(path.name for path in folder.iterdir() if is_folder(path) and not path.name.startswith("."))


def files_in(folder: Path, endings: Sequence[str]) -> list[Path]:
    """The files in a folder with one of the endings, in alphabetical order."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in endings and not path.name.startswith("."))


def split_folders(names: Sequence[str]) -> list[str]:
    """The names of folders, where all of them are splits of the data; none where there are classes."""
    return [*names] if all(name.lower() in SPLIT_NAMES for name in names) else []


def files_by_class(folder: Path, classes: Sequence[str], endings: Sequence[str]) -> dict[str, list[Path]]:
    """The files of each class; without classes those in the folder itself, under an empty name."""
    return {name: files_in(folder / name, endings) for name in classes} or {"": files_in(folder, endings)}


def list_classes(folder: Path, option: str, noun: str, endings: Sequence[str]) -> Listing:
    """The files under a folder, which are `noun`s.

    Raises:
        Unplaced: there is no such folder, there are no files in it, or a class has none.
    """
    check_folder(folder, option)
    files = files_by_class(folder, folders_in(folder), endings)
    empty = next((name for name, paths in files.items() if not paths), None)
    if empty is not None:
        some = any(files.values())
        problem = f"is a class without {noun}s" if some else f"has no {noun}s in it"
        advice = f"put the {noun}s of each class into its own folder; supported endings: {', '.join(endings)}"
        place = str(folder / empty if some else folder)
        raise Unplaced(BadFolder, option=option, folder=place, problem=problem, advice=advice)
    return Listing(folder, files, option)


def check_folder(folder: Path, option: str) -> None:
    """Raises Unplaced for a folder that there is not."""
    if is_folder(folder):
        return
    reason = "it is a file" if exists(folder) else "there is no such folder"
    near = folders_in(folder.parent)
    advice = f"folders in {folder.parent}: {', '.join(near[:12])}" if near else "name a folder of folders"
    raise Unplaced(CannotRead, option=option, file=str(folder), reason=reason, advice=advice)


def split_options(base: str, names: Sequence[str]) -> tuple[str, list[str]]:
    """How the training and the test folder are written, where the folders in `base` are splits of the data: the folder
    to train on, and the option of the test folder, if there is one."""
    train = next((name for name in names if name.lower().startswith("train")), names[0])
    tests = sorted((name for name in names if name != train), key=lambda name: name.lower()[:4] != "test")
    place = base.rstrip("/")
    return f'"{place}/{train}"', [f'test = "{place}/{name}"' for name in tests[:1]]


def check_same_classes(train: Listing, test: Listing) -> None:
    """Raises Unplaced unless the test folder has the classes of the training folder."""
    if strange := sorted({*test.files} ^ {*train.files}):
        problem = f"{'has a class' if strange[0] in test.files else 'has no class'} `{strange[0]}`"
        advice = f"give it the folders of {train.folder}: {', '.join(train.files)}"
        raise Unplaced(BadFolder, option=test.option, folder=str(test.folder), problem=problem, advice=advice)
