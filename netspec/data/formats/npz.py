"""NumPy archives (.npz): their heads without the numbers, or the numbers. Nothing in them is ever unpickled.

Input: a file. Output: shapes and types, or arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.data.dataset.from_arrays import as_numbers, check_pairs
from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.files import BrokenFile, UnequalLengths, WrongKeys
from netspec.data.formats.files import UNPACKED_LIMIT, open_file, unreadable
from netspec.data.formats.npy import BadNpy, check_numbers, read_npy_head
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import lazy

if TYPE_CHECKING:
    import zipfile

npy = lazy("numpy.lib.format")

NOT_INPUTS = ("test", "lengths")
"""How the names of arrays end that are not inputs of the training split."""


def own_name(array: str) -> str:
    """The name of an input or target by that of its array: `left` of `left_train`."""
    return array.removesuffix("_train")


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """An archive that is read inside the `with`.

    Raises:
        Unplaced: the file cannot be read, is not an archive, or contains something else than numbers.
    """
    import lzma
    import struct
    import zipfile
    import zlib

    broken = partial(Unplaced, BrokenFile, option="file", file=path.name, format="npz", case="npz")
    try:
        with open_file(path, "npz", "file") as content, zipfile.ZipFile(content) as file:
            yield Archive(path, file)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise unreadable(path, "npz", error, "file") from error
    except (zipfile.BadZipFile, BadNpy, ValueError, LookupError, struct.error) as error:
        raise broken(reason=str(error)) from error
    except RuntimeError as error:  # encrypted, or compressed in an unknown way
        raise broken(reason=f"it cannot be unpacked ({error})") from error
    except Unplaced as bad:
        raise Unplaced(bad.kind, option=bad.option or "file", **bad.fields) from bad


class Archive:
    """The arrays in an open file, by name."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self.name, self.path = path.name, path
        self.file = file
        self.arrays = tuple(entry.removesuffix(".npy") for entry in file.namelist() if entry.endswith(".npy"))

    def keys(self, asked: Mapping[str, Sequence[str] | None]) -> dict[str, tuple[str, ...]]:
        """The names of the arrays by role: `x`, `y`, and `x_test`, `y_test` if there is a test split. Several arrays
        are several inputs or targets.

        Args:
            asked: the given names; None stands for the usual ones.

        Raises:
            Unplaced: an array is missing.
        """
        names: dict[str, tuple[str, ...]] = {}
        for role, given in asked.items():
            wanted = tuple(given or self._usual(role, names))
            missing = [name for name in wanted if name not in self.arrays]
            if not missing:
                names[role] = wanted
            elif given is not None or role in ("x", "y") or len(missing) < len(wanted):
                arrays = ", ".join(self.arrays) or "no arrays"
                option = role if given is not None else "file"
                wrong = partial(Unplaced, WrongKeys, option=option, file=self.name, key=missing[0], found=arrays)
                raise wrong(written=self._likely())
        check_pairs(names, ("x_test", "y_test"), ("y_test", "x_test"), option="file")
        for role in ("x", "y"):
            if f"{role}_test" in names and len(names[role]) != len(names[f"{role}_test"]):
                reason = f"{len(names[role])} and {len(names[f'{role}_test'])} arrays"
                unlike = partial(Unplaced, UnequalLengths, option=f"{role}_test", case="arrays")
                raise unlike(first=role, second=f"{role}_test", reason=reason)
        return names

    def _usual(self, role: str, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """The arrays of a role that no option names; `names` are those of the roles before it."""
        suffix = "_train" if {"x_train", "y_train"} & {*self.arrays} else ""
        if role in ("x", "y"):
            usual = f"{role}{suffix}"
            return (usual,) if role == "y" or usual in self.arrays else self._inputs(f"y{suffix}") or (usual,)
        of_train = names.get(role.removesuffix("_test"), ())
        return tuple(f"{own_name(name)}_test" for name in of_train) if len(of_train) > 1 else (role,)

    def _inputs(self, target: str) -> tuple[str, ...]:
        """All arrays that have an example for each target, where these are several inputs, in the order of the
        archive."""
        if target not in self.arrays:
            return ()
        count = self.shape(target)[:1]
        others = [
            name for name in self.arrays if name != target and own_name(name).rpartition("_")[2] not in NOT_INPUTS
        ]
        found = tuple(name for name in others if self.shape(name)[:1] == count)
        return found if len(found) > 1 else ()

    def _likely(self) -> str:
        """The options that name the arrays as their shapes say: inputs of several axes, and targets of as many
        examples; the second such pair is the test split."""
        shapes = {name: self.shape(name) for name in self.arrays}
        inputs = [name for name, shape in shapes.items() if len(shape) > 1 and shape[1:] != (1,)]
        left = [name for name in shapes if name not in inputs]
        found: list[str] = []
        for x in inputs:
            y = next((name for name in left if shapes[name][:1] == shapes[x][:1]), None)
            if y is not None and len(found) < 4:
                suffix = "_test" if found else ""
                found += [f'x{suffix} = "{x}"', f'y{suffix} = "{y}"']
                left.remove(y)
        return ", ".join(found or ['x = "images"', 'y = "labels"'])

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of an array of anything."""
        with self.file.open(f"{key}.npy") as file:
            return read_npy_head(file).shape

    def head(self, key: str, *, may_be_text: bool = False) -> tuple[tuple[int, ...], Any]:
        """Shape and dtype of an array of numbers (or of texts, where these are allowed); the numbers are not read.

        Raises:
            Unplaced: it has no examples, or something else than numbers.
            OSError: unpacked, it is larger than the limit.
        """
        entry = self.file.getinfo(f"{key}.npy")
        with self.file.open(entry) as file:
            head = read_npy_head(file)
        what = f"`{key}`" if head.dtype.kind not in "biuf" else f"`{key}` of {self.name}"
        check_numbers(head, what, may_be_text=may_be_text)
        head.check_length(entry.file_size - head.offset)
        if entry.compress_type:
            UNPACKED_LIMIT.check(self.path, entry.file_size, f"unpacked, `{key}` has {{size}}")
        return head.shape, head.dtype

    def read(self, key: str, *, may_be_text: bool = False) -> Array:
        """An array.

        Raises:
            Unplaced: it has no examples, or something else than numbers (or texts, where these are allowed).
            OSError: unpacked, it is larger than the limit.
        """
        self.head(key, may_be_text=may_be_text)
        with self.file.open(f"{key}.npy") as entry:
            array: Array = npy.read_array(entry, allow_pickle=False)
            return array if array.dtype.kind in "US" else as_numbers(array, key)
