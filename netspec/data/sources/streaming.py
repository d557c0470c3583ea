"""Whether data are held in memory or read while training runs, and datasets of the second kind.

Comes in: settings, a source, how much memory there is. Goes out: a `Dataset` whose inputs are `Rows`, or None.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source
from netspec.data.dataset.from_arrays import LARGEST_ID, input_sizes
from netspec.data.dataset.lazy_rows import Array, Column, FileRows, Rows, blocks, is_streamed
from netspec.data.errors.streaming import CannotStream, Streamed
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np

SHARE = 4
"""Data that take more than this part of the memory are streamed: as they are read, divided and brought to the device
there are up to three copies of them."""


def free_memory() -> int | None:
    """How many bytes this process may still take, as far as the system tells: what is free now, and what a container
    leaves of it; None where nobody knows."""
    found = [count for count in (_linux_available(), _container_left(), _physical()) if count is not None]
    return min(found) if found else None


def _linux_available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(sizes[0]) * 1024 if sizes else None


def _container_left(group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a container with a limit (cgroup 2) leaves."""
    try:
        most, taken = ((group / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return None
    return max(0, int(most) - int(taken)) if most.isdecimal() else None


def _physical() -> int | None:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def open_stream(source: Source, folder: Path, when: bool | None, device: int | None = None) -> Dataset | None:
    """The data of a source as they are streamed; None when they are to be loaded.

    Args:
        source: the source.
        folder: of the spec.
        when: the setting `stream`; None where the size decides.
        device: how many bytes the device has for them, where that is not the memory of the host.

    Raises:
        Unplaced: a file is missing or wrong, or `when` is `true` and the source cannot be streamed (NS514).
    """
    if when is False:
        return None
    found = source.stream(folder)
    if when:
        if found is None:
            reason = "this file cannot be streamed" if _can_stream(source) else "this source cannot be streamed"
            raise Unplaced(CannotStream, option="stream", source=source.word, reason=reason)
        return found
    free = free_memory()
    limits = [limit for limit in (free // SHARE if free is not None else None, device) if limit is not None]
    return found if found is not None and limits and size_of(found) > min(limits) else None


def _can_stream(source: Source) -> bool:
    return type(source).stream is not Source.stream


def size_of(dataset: Dataset) -> int:
    """The bytes of all examples, as they are in memory."""
    parts = [part for part in (dataset.train, dataset.test) if part is not None]
    return sum(column.nbytes for part in parts for column in (*part.inputs.values(), *part.targets.values()))


def streamed_warning(dataset: Dataset) -> Streamed | None:
    """What is to be told about data that are streamed."""
    if not any(is_streamed(column) for column in dataset.train.inputs.values()):
        return None
    checked = dataset.checked or "numbers were checked block by block, equal examples in two parts not looked for"
    return Streamed(size=_shown(size_of(dataset)), checked=checked)


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


# ---------------------------------------------------------------- datasets of rows


def stream_images(raw: Rows, sizes: tuple[int, ...], *, whole: bool = False) -> Rows:
    """Raw numbers of a file as inputs, in the types that `Arrays` promises: see `data.dataset.from_arrays.input_array`.
    `whole` is set for vectors of whole numbers, which may be token ids."""
    is_image = raw.dtype == np.uint8 and len(sizes) > 1

    def decode(block: Array) -> Array:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, which the checks tell with its place
            found = block.astype(np.int32 if whole else np.float32).reshape(len(block), *sizes)
        if is_image:
            np.divide(found, 255, out=found)
        return found

    return Decoded(raw, decode, sizes, "int32" if whole else "float32")


class Decoded(Rows):
    """Raw numbers as inputs; the shape may get an axis."""

    def __init__(self, raw: Rows, decode: Callable[[Array], Array], sizes: tuple[int, ...], dtype: Any) -> None:
        bounds = (0.0, 1.0) if raw.dtype == "uint8" and dtype == "float32" else None
        super().__init__((len(raw), *sizes), dtype, bounds)
        self.raw, self.decode = raw, decode

    def read(self, index: Array) -> Array:
        return self.decode(self.raw.read(index))


def may_be_ids(raw: Rows) -> bool:
    """Whether vectors of whole numbers are small enough for int32 (`netspec.data.dataset.from_arrays.LARGEST_ID`)."""
    if raw.dtype.kind not in "iu" or len(input_sizes(raw.shape, raw.dtype)) != 1:
        return False
    if raw.dtype.itemsize < 4:
        return True
    return all(int(b.min()) >= -LARGEST_ID and int(b.max()) <= LARGEST_ID for b in blocks(raw))


def rows_of_file(path: Path, array: Any) -> Rows | None:
    """The inputs in an array that NumPy has mapped, for reading; None when its examples do not lie one by one."""
    if not array.flags.c_contiguous:
        return None
    raw = FileRows(path, array.shape, array.dtype, offset=array.offset)
    return stream_images(raw, input_sizes(array.shape, array.dtype), whole=may_be_ids(raw))


def dataset_of_rows(
    x: Rows,
    targets: Mapping[str, Column],
    x_test: Rows | None,
    test_targets: Mapping[str, Column],
    facts: Facts,
    **more: Any,
) -> Dataset:
    """One streamed input and its targets, which are in memory."""
    test = Arrays({"input": x_test}, test_targets) if x_test is not None else None
    return Dataset(train=Arrays({"input": x}, targets), test=test, facts=facts, **more)
