"""Sources that read NumPy's files: archives of several arrays, and one file for each array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.data.dataset.dataset import Dataset, Facts, Source, single, source
from netspec.data.dataset.from_arrays import (
    as_numbers,
    check_lengths,
    from_arrays,
    input_sizes,
    target_array,
    target_of,
)
from netspec.data.dataset.lazy_rows import Array, Column
from netspec.data.errors.files import BadPair, BrokenFile, NoExamples, WrongType
from netspec.data.formats.files import unreadable
from netspec.data.formats.npz import open_archive
from netspec.data.sources.streaming import dataset_of_rows, rows_of_file
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Text
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.word import option

FILE = Text("a file name in quotes")
NAME = Text("the name of an array in quotes")


@source("npz")
class Npz(Source):
    """A NumPy archive with the arrays `x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`.

    Arrays of other names are named by the options. 8-bit images are scaled to 0..1; whole numbers in `y` are class ids.

    Example: data { source = npz("mnist.npz") }
    Reference: numpy.savez.
    """

    file: str = option(FILE, "the archive, from the folder of the spec", position=0)
    x: str | None = option(NAME, "the array of inputs (none: `x_train` or `x`)", default=None)
    y: str | None = option(NAME, "the array of targets (none: `y_train` or `y`)", default=None)
    x_test: str | None = option(NAME, "the inputs of the test split (none: `x_test`, if it is there)", default=None)
    y_test: str | None = option(NAME, "the targets of the test split (none: `y_test`, if it is there)", default=None)

    def facts(self, folder: Path) -> Facts:
        with open_archive(folder / self.file) as archive:
            keys = archive.keys(self._asked)
            shape, dtype = archive.head(keys["x"])
            targets = [archive.target(keys[role]) for role in ("y", "y_test") if role in keys]
            check_lengths({keys["x"]: shape[0], keys["y"]: len(targets[0])})
        has_test = "x_test" in keys
        return single(Shape(input_sizes(shape, dtype)), target_of(*targets), examples=shape[0], has_test=has_test)

    def load(self, folder: Path) -> Dataset:
        with open_archive(folder / self.file) as archive:
            found: dict[str, Any] = {role: archive.read(name) for role, name in archive.keys(self._asked).items()}
            return from_arrays(**found, name=self.file)

    @property
    def _asked(self) -> dict[str, str | None]:
        return {"x": self.x, "y": self.y, "x_test": self.x_test, "y_test": self.y_test}


@source("npy")
class Npy(Source):
    """Arrays in files of their own, as `numpy.save` writes them.

    8-bit images are scaled to 0..1; whole numbers in the targets are class ids.

    Example: data { source = npy("x.npy", "y.npy") }
    Reference: numpy.save.
    """

    x: str = option(FILE, "the inputs, from the folder of the spec", position=0)
    y: str | None = option(FILE, "the targets (none: there are none, for `target = input`)", default=None, position=1)
    x_test: str | None = option(FILE, "the inputs of the test split", default=None)
    y_test: str | None = option(FILE, "the targets of the test split", default=None)

    def facts(self, folder: Path) -> Facts:
        heads = {role: self._open(folder, role) for role in self._files()}
        x = heads["x"]
        shape = Shape(input_sizes(x.shape, x.dtype))
        has_test = "x_test" in heads
        if "y" not in heads:
            return Facts({"input": shape}, {}, len(x), has_test)
        targets = [target_array(as_numbers(heads[role], role), role) for role in ("y", "y_test") if role in heads]
        check_lengths({self.x: len(x), str(self.y): len(targets[0])})
        return single(shape, target_of(*targets), examples=len(x), has_test=has_test)

    def load(self, folder: Path) -> Dataset:
        arrays: dict[str, Any] = {role: self._open(folder, role) for role in self._files()}
        return from_arrays(**arrays, name=self.x)

    def stream(self, folder: Path) -> Dataset | None:
        facts = self.facts(folder)
        rows = {
            role: rows_of_file(folder / name, self._open(folder, role))
            for role, name in self._files().items()
            if role in ("x", "x_test")
        }
        targets: dict[str, dict[str, Column]] = {"y": {}, "y_test": {}}
        for role in targets.keys() & self._files().keys():
            copied = np.array(self._open(folder, role))  # out of the file, which may become shorter
            targets[role] = {"output": target_array(as_numbers(copied, role), role)}
        x, x_test = rows["x"], rows.get("x_test")
        if x is None or (x_test is None and "x_test" in rows):
            return None
        if x_test is not None and (x_test.shape[1:], x_test.dtype) != (x.shape[1:], x.dtype):
            return None  # loading tells what is wrong
        return dataset_of_rows(x, targets["y"], x_test, targets["y_test"], facts, name=self.x)

    def _files(self) -> dict[str, str]:
        """The names that are given, by what they are.

        Raises:
            Unplaced: one of a pair is missing.
        """
        names = {"x": self.x, "y": self.y, "x_test": self.x_test, "y_test": self.y_test}
        given = {role: name for role, name in names.items() if name is not None}
        pairs = [("y_test", "x_test")] if self.y is None else [("y_test", "x_test"), ("x_test", "y_test")]
        for first, second in [*pairs, *([("y_test", "y")] if self.y is None else [])]:
            if first in given and second not in given:
                raise Unplaced(BadPair, option=first, given=f"`{first}`", missing=f"`{second}`")
        return given

    def _open(self, folder: Path, role: str) -> Array:
        """An array whose numbers are read when they are wanted.

        Raises:
            Unplaced: the file cannot be read, or holds no numbers.
        """
        path = folder / str(getattr(self, role))
        try:
            array: Any = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, EOFError) as error:
            raise unreadable(path, "npy", error, role) from error
        except ValueError as error:
            advice = "write it with `numpy.save`"
            raise Unplaced(
                BrokenFile, option=role, file=path.name, format="npy", reason=str(error), advice=advice
            ) from error
        if not isinstance(array, np.ndarray):
            array.close()
            reason, advice = "it is an archive of several arrays", f'write `npz("{path.name}")`'
            raise Unplaced(BrokenFile, option=role, file=path.name, format="npy", reason=reason, advice=advice)
        if array.dtype.kind not in "biuf":
            advice = "save an array of numbers, such as float32"
            raise Unplaced(WrongType, option=role, what=path.name, found=f"values of type {array.dtype}", advice=advice)
        if not array.ndim or not array.size:
            raise Unplaced(NoExamples, option=role, what=path.name, advice=f"its shape is {array.shape}")
        return array
