"""NumPy archives (.npz): their heads without the numbers, or the numbers. Nothing in them is ever unpickled.

Comes in: a file. Goes out: shapes and types, or arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.data.dataset.from_arrays import as_numbers, target_array
from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.files import BadPair, BrokenFile, NoExamples, WrongKeys, WrongType
from netspec.data.formats.files import unreadable
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import lazy

if TYPE_CHECKING:
    import zipfile

npy = lazy("numpy.lib.format")


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """An archive that is read inside the `with`.

    Raises:
        Unplaced: the file cannot be read, is no archive, or holds something else than numbers.
    """
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(path) as file:
            yield Archive(path.name, file)
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, "npz", error, "file") from error
    except (zipfile.BadZipFile, ValueError) as error:
        advice = "write it with `numpy.savez`"
        raise Unplaced(
            BrokenFile, option="file", file=path.name, format="npz", reason=str(error), advice=advice
        ) from error
    except Unplaced as bad:
        raise Unplaced(bad.kind, option=bad.option or "file", **bad.fields) from bad


class Archive:
    """The arrays in an open file, by name."""

    def __init__(self, name: str, file: zipfile.ZipFile) -> None:
        self.name = name
        self.file = file
        self.arrays = tuple(entry.removesuffix(".npy") for entry in file.namelist() if entry.endswith(".npy"))

    def keys(self, asked: Mapping[str, str | None]) -> dict[str, str]:
        """The names of the arrays by what they are: `x`, `y`, and `x_test`, `y_test` if there is a test split.

        Args:
            asked: the names that were asked for; None stands for the usual one.

        Raises:
            Unplaced: an array is missing.
        """
        suffix = "_train" if {"x_train", "y_train"} & {*self.arrays} else ""
        usual = {"x": f"x{suffix}", "y": f"y{suffix}", "x_test": "x_test", "y_test": "y_test"}
        found: dict[str, str] = {}
        for role, name in asked.items():
            if name is not None and name not in self.arrays:
                raise self._no_array(name, role)
            if name is not None or usual[role] in self.arrays:
                found[role] = name or usual[role]
            elif role in ("x", "y"):
                raise self._no_array(usual[role], "file")
        tests = [role for role in ("x_test", "y_test") if role in found]
        if len(tests) == 1:
            missing = "y_test" if tests == ["x_test"] else "x_test"
            raise Unplaced(BadPair, given=f"`{tests[0]}`", missing=f"`{missing}`")
        return found

    def _no_array(self, name: str, option: str) -> Unplaced:
        found = ", ".join(self.arrays) or "no arrays"
        return Unplaced(WrongKeys, option=option, file=self.name, key=name, found=found)

    def head(self, key: str) -> tuple[tuple[int, ...], Any]:
        """Shape and type of an array, which has examples of numbers in it; the numbers are not read.

        Raises:
            Unplaced: it has none.
        """
        with self.file.open(f"{key}.npy") as entry:
            version = npy.read_magic(entry)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(entry)
        if dtype.kind not in "biuf":
            advice = "save arrays of numbers, such as float32"
            raise Unplaced(WrongType, what=f"`{key}`", found=f"values of type {dtype}", advice=advice)
        if 0 in shape or not shape:
            raise Unplaced(NoExamples, what=f"`{key}` of {self.name}", advice=f"its shape is {shape}")
        return tuple(shape), dtype

    def read(self, key: str) -> Array:
        """An array.

        Raises:
            Unplaced: it holds something else than numbers.
        """
        self.head(key)
        with self.file.open(f"{key}.npy") as entry:
            return as_numbers(npy.read_array(entry, allow_pickle=False), key)

    def target(self, key: str) -> Array:
        """An array in the form of targets."""
        return target_array(self.read(key), key)
