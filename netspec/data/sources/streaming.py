"""Whether data are held in memory or read during training, and inputs that are read from files.

Input: settings, a source, how much memory is free. Output: a `Dataset` whose inputs are `Rows`, or None.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from netspec.data.dataset.dataset import Dataset, Source
from netspec.data.dataset.from_arrays import MAX_ID, convert_inputs, input_sizes
from netspec.data.dataset.lazy_rows import Column, FileRows, Rows, blocks, is_streamed
from netspec.data.dataset.precision import is_exact
from netspec.data.errors.streaming import CannotStream, Streamed
from netspec.language.diagnostics import Unplaced

MEMORY_PARTS = 4
"""Data that take more than one of this many parts of the memory are streamed: as they are read, split and moved to the
device there are up to three copies of them."""


def free_memory() -> int | None:
    """How many bytes this process may still take, as far as the system reports it: what is free now, and what the limit
    of a container leaves; None where neither is known."""
    limits = [count for count in (_linux_available(), _container_left(), _physical()) if count is not None]
    return min(limits) if limits else None


def _linux_available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(sizes[0]) * 1024 if sizes else None


def _container_left(group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What the limit of a container (cgroup 2) leaves."""
    try:
        limit, used = ((group / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return None
    return max(0, int(limit) - int(used)) if limit.isdecimal() else None


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
        device: how many bytes the device has for them, where it has its own memory.

    Raises:
        Unplaced: a file is missing or wrong, or `when` is `true` and the source cannot be streamed (NS514).
    """
    if when is False:
        return None
    dataset = source.stream(folder)
    if when:
        if dataset is None:
            what = "source" if type(source).stream is Source.stream else "file"
            raise Unplaced(CannotStream, option="stream", source=source.word, reason=f"this {what} cannot be streamed")
        return dataset
    free = free_memory()
    known = (free // MEMORY_PARTS if free is not None else None, device, source.stream_above)
    limits = [limit for limit in known if limit is not None]
    return dataset if dataset is not None and limits and size_of(dataset) > min(limits) else None


def size_of(dataset: Dataset) -> int:
    """The bytes of all examples in memory."""
    parts = [part for part in (dataset.train, dataset.test) if part is not None]
    return sum(column.nbytes for part in parts for column in (*part.inputs.values(), *part.targets.values()))


def streamed_warning(dataset: Dataset) -> Streamed | None:
    """The warning about data that are streamed; None for others."""
    if not any(is_streamed(column) for column in dataset.train.inputs.values()):
        return None
    size = size_of(dataset)
    checked = dataset.checked or "numbers were checked block by block, duplicates between splits were not searched for"
    return Streamed(size=f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB", checked=checked)


def stream_inputs(raw: Column, sizes: tuple[int, ...], *, may_be_ids: bool = False) -> Column:
    """Raw numbers of a file as inputs (`convert_inputs`), which are read on demand if `raw` is."""
    if not isinstance(raw, Rows):
        return convert_inputs(raw, sizes, may_be_ids=may_be_ids)
    dtype = "int32" if may_be_ids else "float32" if is_exact(raw) else "float64"
    return raw.map(
        lambda block: convert_inputs(block, sizes, may_be_ids=may_be_ids),
        dtype,
        sizes,
        (0.0, 1.0) if raw.dtype == "uint8" and not may_be_ids else None,
    )


def stream_file(path: Path, array: Any) -> Column | None:
    """The inputs in an array that NumPy has mapped; None when its examples are not contiguous."""
    if not array.flags.c_contiguous:
        return None
    raw = FileRows(path, array.shape, array.dtype, offset=array.offset)
    sizes = input_sizes(array.shape, array.dtype)
    is_vector = raw.dtype.kind in "iu" and len(sizes) == 1
    return stream_inputs(raw, sizes, may_be_ids=is_vector and (raw.dtype.itemsize < 4 or _are_small(raw)))


def _are_small(raw: Rows) -> bool:
    """Whether integers are in the range of int32."""
    return all(int(b.min()) >= -MAX_ID and int(b.max()) <= MAX_ID for b in blocks(raw))
