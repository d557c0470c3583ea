"""Files of NumPy: archives of several arrays, and one file for each array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from netspec.data.dataset.dataset import Dataset, Facts, Source, Target, arrays_of, source
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
from netspec.data.dataset.options import Names
from netspec.data.errors.files import BrokenFile
from netspec.data.formats.npy import open_npy
from netspec.data.formats.npz import Archive, open_archive, own_name
from netspec.data.sources.streaming import stream_file
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Text
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.word import option

FILE = Text("a file name (string)")
NAME = Text("the name of an array (string)")
ARRAYS = Names()
TARGETS = ("y", "y_test")


@source("npz")
class Npz(Source):
    """A NumPy archive with the arrays `x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`.

    The options name arrays with other names. Several inputs are arrays by their names, such as `left`, `right` and `y`,
    with `left_test`, `right_test` and `y_test` for a test split. 8-bit images are scaled to 0..1; integers in `y` are
    class ids, texts the names of classes.

    Example: data { source = npz("mnist.npz") }
    Reference: numpy.savez.
    """

    file: str = option(FILE, "the archive, from the folder of the spec", position=0)
    x: tuple[str, ...] | None = option(
        ARRAYS,
        "the array of inputs, or the arrays of several inputs (none: `x_train` or `x`, or where there is neither, all "
        "arrays that have an example for each target)",
        default=None,
        position=1,
    )
    y: tuple[str, ...] | None = option(
        ARRAYS,
        "the array of targets, or those of several outputs (none: `y_train` or `y`)",
        default=None,
        position=2,
    )
    x_test: tuple[str, ...] | None = option(
        ARRAYS,
        "the inputs of the test split (none: `x_test`, if there is one; of several inputs `NAME_test`)",
        default=None,
    )
    y_test: tuple[str, ...] | None = option(
        ARRAYS,
        "the targets of the test split (none: `y_test`, if there is one; of several outputs `NAME_test`)",
        default=None,
    )
    lengths: str | None = option(
        NAME,
        "the array with the number of steps of each series in `x`, which is padded, or has all series one after the "
        "other (none: `lengths`, if there is one, and `lengths_test`; of several inputs `NAME_lengths`)",
        default=None,
    )

    def at(self, path: str) -> Source:
        return self.replace(file=path, x_test=None, y_test=None)

    def facts(self, folder: Path) -> Facts | None:
        with open_archive(folder / self.file) as archive:
            keys = self._keys(archive)
            if self._lengths(archive, keys["x"]):
                return None  # loading tells
            heads = {key: archive.head(key) for key in keys["x"]}
            targets, counts = self._targets(archive, keys)
            check_lengths({**{key: shape[0] for key, (shape, _) in heads.items()}, **counts})
        shapes = [Shape(input_sizes(shape, dtype)) for shape, dtype in heads.values()]
        inputs = dict(zip(_names(keys["x"], "input"), shapes, strict=True))
        return Facts(inputs, targets, next(iter(heads.values()))[0][0], "x_test" in keys)

    def _targets(self, archive: Archive, keys: Mapping[str, Sequence[str]]) -> tuple[dict[str, Target], dict[str, int]]:
        """What the targets are, and how many each array has. Only a single array may have texts."""
        targets, counts, may_be_text = {}, {}, len(keys["y"]) == 1
        for index, name in enumerate(_names(keys["y"], "output")):
            arrays = [keys[role][index] for role in TARGETS if role in keys]
            parts = [(key, archive.read(key, may_be_text=may_be_text)) for key in arrays]
            targets[name], counts[arrays[0]] = target_of_arrays(*parts)
        return targets, counts

    def load(self, folder: Path) -> Dataset:
        with open_archive(folder / self.file) as archive:
            keys = self._keys(archive)
            lengths = self._lengths(archive, keys["x"])
            arrays: dict[str, Any] = {}
            for role, names in keys.items():
                kept: list[Any] = [archive.read(n, may_be_text=role in TARGETS and len(names) == 1) for n in names]
                if role not in TARGETS:
                    suffix = role.removeprefix("x")
                    of_input = [lengths.get(name) for name in keys["x"]]
                    pairs = zip(kept, of_input, strict=True)
                    kept = [x if key is None else self._series(x, archive, f"{key}{suffix}") for x, key in pairs]
                called = _names(keys[role.removesuffix("_test")], "")
                arrays[role] = dict(zip(called, kept, strict=True)) if len(names) > 1 else kept[0]
            return from_arrays(**arrays, name=self.file)

    def _lengths(self, archive: Archive, inputs: Sequence[str]) -> dict[str, str]:
        """The arrays with the lengths of series, by those of the inputs that are series."""
        if len(inputs) == 1:
            lengths = self.lengths or "lengths"
            return {inputs[0]: lengths} if lengths in archive.arrays or self.lengths is not None else {}
        if self.lengths is not None:
            reason = f"`lengths` is for one input: name the lengths of several `{own_name(inputs[0])}_lengths`, …"
            raise Unplaced(BrokenFile, option="lengths", file=self.file, format="NumPy", reason=reason)
        named = {name: f"{own_name(name)}_lengths" for name in inputs}
        return {name: key for name, key in named.items() if key in archive.arrays}

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

    def _keys(self, archive: Archive) -> dict[str, tuple[str, ...]]:
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


def _names(arrays: Sequence[str], single: str) -> list[str]:
    """The names of inputs or targets by those of their arrays; of one array `single`."""
    return [single] if len(arrays) == 1 else [own_name(name) for name in arrays]


def _target(array: Array, role: str) -> Array:
    return target_array(as_numbers(array, role), role)
