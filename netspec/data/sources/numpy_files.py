"""Files of NumPy: archives of several arrays, and one file for each array."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from netspec.data.dataset.dataset import Dataset, Facts, Source, arrays_of, single, source
from netspec.data.dataset.from_arrays import (
    as_numbers,
    check_lengths,
    check_pairs,
    from_arrays,
    ids_of_texts,
    input_sizes,
    target_array,
    target_of_arrays,
)
from netspec.data.dataset.lazy_rows import Array, Column
from netspec.data.errors.files import BrokenFile
from netspec.data.formats.npy import open_npy
from netspec.data.formats.npz import Archive, open_archive
from netspec.data.sources.streaming import stream_file
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Text
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.word import option

FILE = Text("a file name (string)")
NAME = Text("the name of an array (string)")
TARGETS = ("y", "y_test")


@source("npz")
class Npz(Source):
    """A NumPy archive with the arrays `x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`.

    The options name arrays with other names. 8-bit images are scaled to 0..1; integers in `y` are class ids, texts the
    names of classes.

    Example: data { source = npz("mnist.npz") }
    Reference: numpy.savez.
    """

    file: str = option(FILE, "the archive, from the folder of the spec", position=0)
    x: str | None = option(NAME, "the array of inputs (none: `x_train` or `x`)", default=None)
    y: str | None = option(NAME, "the array of targets (none: `y_train` or `y`)", default=None)
    x_test: str | None = option(NAME, "the inputs of the test split (none: `x_test`, if there is one)", default=None)
    y_test: str | None = option(NAME, "the targets of the test split (none: `y_test`, if there is one)", default=None)
    lengths: str | None = option(
        NAME,
        "the array with the number of steps of each series in `x`, which is padded, or has all series one after the "
        "other (none: `lengths`, if there is one, and `lengths_test`)",
        default=None,
    )

    def at(self, path: str) -> Source:
        return self.replace(file=path, x_test=None, y_test=None)

    def facts(self, folder: Path) -> Facts | None:
        with open_archive(folder / self.file) as archive:
            if (self.lengths or "lengths") in archive.arrays:
                return None  # loading tells
            keys = self._keys(archive)
            shape, dtype = archive.head(keys["x"])
            targets = [keys[role] for role in TARGETS if role in keys]
            target, count = target_of_arrays(*((key, archive.read(key, may_be_text=True)) for key in targets))
            check_lengths({keys["x"]: shape[0], keys["y"]: count})
        return single(Shape(input_sizes(shape, dtype)), target, examples=shape[0], has_test="x_test" in keys)

    def load(self, folder: Path) -> Dataset:
        with open_archive(folder / self.file) as archive:
            arrays: dict[str, Any] = {
                role: archive.read(key, may_be_text=role in TARGETS) for role, key in self._keys(archive).items()
            }
            lengths = self.lengths or "lengths"
            if lengths in archive.arrays or self.lengths is not None:
                for role, key in (("x", lengths), ("x_test", f"{lengths}_test")):
                    if role in arrays:
                        arrays[role] = self._series(arrays[role], archive, key)
            return from_arrays(**arrays, name=self.file)

    def _series(self, x: Array, archive: Archive, key: str) -> list[Array]:
        """The series in an array, each with as many steps as the array `key` says."""
        broken = partial(Unplaced, BrokenFile, option="file", file=self.file, format="NumPy")
        if key not in archive.arrays:
            raise broken(reason=f"it has no array `{key}` with the number of steps of each series")
        lengths = archive.read(key).reshape(-1)
        if lengths.dtype.kind not in "iu" or int(lengths.min()) < 1:
            raise broken(reason=f"`{key}` has something else than numbers of steps from 1")
        if x.ndim == 3 and len(x) == len(lengths) and int(lengths.max()) <= x.shape[1]:
            return [series[:count] for series, count in zip(x, lengths.tolist(), strict=True)]
        if x.ndim <= 2 and len(x) == int(lengths.sum()):
            return np.split(x, np.cumsum(lengths)[:-1])
        shape = "x".join(map(str, x.shape))
        raise broken(reason=f"`{key}` ({len(lengths)} series of {int(lengths.sum())} steps) does not fit `x` ({shape})")

    def _keys(self, archive: Archive) -> dict[str, str]:
        return archive.keys({"x": self.x, "y": self.y, "x_test": self.x_test, "y_test": self.y_test})


@source("npy")
class Npy(Source):
    """Arrays in separate files, as `numpy.save` writes them.

    8-bit images are scaled to 0..1; integers in the targets are class ids, texts the names of classes.

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
        named = {}
        if "y" in heads:
            named["output"], count = target_of_arrays(*((role, heads[role]) for role in TARGETS if role in heads))
            check_lengths({self.x: len(x), str(self.y): count})
        return Facts({"input": shape}, named, len(x), "x_test" in heads)

    def load(self, folder: Path) -> Dataset:
        arrays: dict[str, Any] = {role: self._open(folder, role) for role in self._files()}
        return from_arrays(**arrays, name=self.x)

    def stream(self, folder: Path) -> Dataset | None:
        facts = self.facts(folder)
        parts: dict[str, Column] = {}
        files = self._files()
        # targets are copied out of their files, which may become shorter
        y, y_test = (np.array(self._open(folder, role)) if role in files else None for role in TARGETS)
        y, y_test, _ = ids_of_texts(y, y_test, None)
        parts |= {
            role: _target(part, role) for role, part in zip(TARGETS, (y, y_test), strict=True) if part is not None
        }
        for role in [role for role in files if role not in TARGETS]:
            column = stream_file(folder / files[role], self._open(folder, role))
            if column is None:
                return None
            parts[role] = column
        x, x_test = parts["x"], parts.get("x_test")
        if x_test is not None and (x_test.shape[1:], x_test.dtype) != (x.shape[1:], x.dtype):
            return None  # loading reports what is wrong
        test = arrays_of(x_test, parts.get("y_test")) if x_test is not None else None
        return Dataset(self.x, facts, arrays_of(x, parts.get("y")), test)

    def _files(self) -> dict[str, str]:
        """The given names by role; raises Unplaced when one of a pair is missing."""
        names = {"x": self.x, "y": self.y, "x_test": self.x_test, "y_test": self.y_test}
        given = {role: name for role, name in names.items() if name is not None}
        check_pairs(given, ("y_test", "x_test"), ("y_test", "y") if self.y is None else ("x_test", "y_test"))
        return given

    def _open(self, folder: Path, role: str) -> Array:
        """An array whose numbers are read on demand.

        Raises:
            Unplaced: the file cannot be read, or does not contain numbers (as targets, names of classes).
        """
        return open_npy(folder / str(getattr(self, role)), role, may_be_text=role in TARGETS)


def _target(array: Array, role: str) -> Array:
    return target_array(as_numbers(array, role), role)
