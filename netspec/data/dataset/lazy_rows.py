"""Examples that are read on demand, for data that do not fit into memory.

Input: files, and the position of each example in them. Output: `Rows`, which are used like an array of examples
and give any of them by index. All operations are lazy: selecting, changing numbers, concatenating. Files are read, not
mapped: what was read does not count as memory of the process, and a file that became shorter causes a diagnostic, where
a mapped one would kill the process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from netspec.data.errors.streaming import CannotReadOn
from netspec.language.diagnostics import CompileError, fail
from netspec.language.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"

Column: TypeAlias = "NDArray[Any] | Rows"
"""The examples of one input or target: in memory, or read on demand."""

BLOCK_BYTES = 1 << 25
"""How much is read at a time when all examples are read."""


class Rows(ABC):
    """Examples along the first axis, with the shape and the dtype that an array of them would have. `bounds` are the
    limits of their numbers, where these are known without reading, as of 8-bit images."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, bounds: tuple[float, float] | None = None) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.bounds = bounds

    @cached_property
    def min_max(self) -> tuple[Array, Array]:
        """See the function of this name; computed once."""
        return _min_max(self)

    @abstractmethod
    def read(self, index: Array) -> Array:
        """The examples with these indices, in this order; safe to call from several threads.

        Raises:
            CompileError: they can no longer be read (NS515).
        """

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """How large an array of all of them would be."""
        return prod(self.shape) * self.dtype.itemsize

    def __getitem__(self, index: Any) -> Rows:
        """Some of the examples, by a slice or an array of indices; nothing is read."""
        return _Picked(self, np.arange(len(self))[index])

    def map(
        self,
        change: Callable[[Array], Array],
        dtype: Any,
        sizes: tuple[int, ...] | None = None,
        bounds: tuple[float, float] | None = None,
    ) -> Rows:
        """The same examples changed by a function of an array of them, which returns `dtype` and examples of `sizes`
        (None: as before) with numbers in `bounds`."""
        return _Changed(self, change, dtype, sizes, bounds)

    def __array__(self, *_: Any, **__: Any) -> Array:
        raise TypeError("these examples are read on demand: use `blocks`")


class _Picked(Rows):
    """Some of the examples of others."""

    def __init__(self, base: Rows, index: Array) -> None:
        super().__init__((len(index), *base.shape[1:]), base.dtype, base.bounds)
        self.base: Rows = base.base if isinstance(base, _Picked) else base
        self.index: Array = base.index[index] if isinstance(base, _Picked) else index

    def read(self, index: Array) -> Array:
        return self.base.read(self.index[index])


class _Changed(Rows):
    """The examples of others, changed."""

    def __init__(
        self,
        base: Rows,
        change: Callable[[Array], Array],
        dtype: Any,
        sizes: tuple[int, ...] | None,
        bounds: tuple[float, float] | None,
    ) -> None:
        super().__init__((len(base), *(base.shape[1:] if sizes is None else sizes)), dtype, bounds)
        self.base, self.change = base, change

    def read(self, index: Array) -> Array:
        return self.change(self.base.read(index)).astype(self.dtype, copy=False)


class Joined(Rows):
    """The examples of several, concatenated; they have the same shape and dtype."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        super().__init__((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
        self.parts = tuple(parts)
        self.begins = np.cumsum([0, *map(len, parts)])

    def read(self, index: Array) -> Array:
        examples = np.empty((len(index), *self.shape[1:]), self.dtype)
        owner = np.searchsorted(self.begins, index, side="right") - 1
        for part, rows in enumerate(self.parts):
            (mine,) = np.nonzero(owner == part)
            if len(mine):
                examples[mine] = rows.read(index[mine] - self.begins[part])
        return examples


class FileRows(Rows):
    """Numbers in a file, the same number of bytes for each example.

    Args:
        path: the file.
        shape: examples first.
        dtype: of the numbers in the file.
        offset: where the first example begins, in bytes.
        stride: from the beginning of an example to that of the next (none: they follow each other).
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: Any, *, offset: int = 0, stride: int | None = None
    ) -> None:
        super().__init__(shape, dtype)
        self.path, self.offset = path, offset
        self.length = prod(shape[1:]) * self.dtype.itemsize
        self.stride = self.length if stride is None else stride

    def read(self, index: Array) -> Array:
        """Consecutive examples are read at once; the file is opened anew, so threads share nothing."""
        order = np.argsort(index, kind="stable")
        rising = index[order]
        raw = np.empty((len(index), self.stride), np.uint8)
        cuts = np.flatnonzero(np.diff(rising) != 1) + 1
        try:
            with self.path.open("rb", buffering=0) as file:
                for begin, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(index)], strict=True):
                    self._fill(file, raw[begin:end].reshape(-1), self.offset + int(rising[begin]) * self.stride)
        except OSError as error:
            raise cannot_read_on(self.path, error) from error
        content = raw
        if self.stride != self.length or len(cuts):
            content = np.empty((len(index), self.length), np.uint8)
            content[order] = raw[:, : self.length]
        return content.view(self.dtype).reshape(len(index), *self.shape[1:])

    def _fill(self, file: Any, buffer: Array, position: int) -> None:
        """Raises CompileError when the file ends before; what follows the last example may be missing."""
        file.seek(position)
        view, done = buffer.data, 0
        while done < len(view):
            count = file.readinto(view[done:])
            if not count:
                if len(view) - done <= self.stride - self.length:
                    return
                raise cannot_read_on(self.path, f"it ends after {file.seek(0, 2):,} bytes")
            done += count


def cannot_read_on(path: Path, reason: Exception | str) -> CompileError:
    """What to raise when examples can no longer be read."""
    if isinstance(reason, FileNotFoundError):
        reason = "the file no longer exists"
    elif not isinstance(reason, str):
        text = getattr(reason, "strerror", None) or str(reason)
        reason = text[:1].lower() + text[1:]
    return fail(CannotReadOn(file=str(path), reason=reason))


def is_streamed(column: object) -> bool:
    """Whether examples are read on demand."""
    return isinstance(column, Rows)


def blocks(column: Column, *, cut: bool = False) -> Iterator[Array]:
    """All examples in their order. An array is one block, unless `cut` asks for several: they have the same lengths as
    those of a file then, so that sums are the same to the last bit."""
    if not isinstance(column, Rows) and not cut:
        yield column
        return
    length = max(1, BLOCK_BYTES // max(1, prod(column.shape[1:]) * column.dtype.itemsize))
    for begin in range(0, len(column), length):
        if isinstance(column, Rows):
            yield column.read(np.arange(begin, min(begin + length, len(column))))
        else:
            yield column[begin : begin + length]


def in_memory(column: Column) -> Array:
    """An array that is known to be one, such as labels."""
    assert not isinstance(column, Rows), "these examples are read on demand"
    return column


def read_all(column: Column) -> Array:
    """The examples as an array; for small sets."""
    return column.read(np.arange(len(column))) if isinstance(column, Rows) else column


def converted(column: Column, dtype: str) -> Column:
    """The same numbers in another dtype; nothing is copied where it is the same."""
    if isinstance(column, Rows):
        return column if column.dtype == dtype else column.map(lambda x: x, dtype)
    return column.astype(dtype, copy=False)


def sample(column: Column, limit: int) -> Array:
    """At most `limit` examples at equal distances; of an array all."""
    return column.read(np.arange(0, len(column), -(-len(column) // limit))) if isinstance(column, Rows) else column


def min_max(column: Column) -> tuple[Array, Array]:
    """The smallest and the largest number of each feature or channel, over all axes but the last; NaN where one is."""
    return column.min_max if isinstance(column, Rows) else _min_max(column)


def _min_max(column: Column) -> tuple[Array, Array]:
    low: Array | None = None
    high: Array | None = None
    for block in blocks(column):
        # over the examples first: rows of memory are compared as a whole then, not channel by channel
        axes = tuple(range(block.ndim - 2))
        lows, highs = block.min(axis=0).min(axis=axes), block.max(axis=0).max(axis=axes)
        low = lows if low is None else np.minimum(low, lows)
        high = highs if high is None else np.maximum(high, highs)
    assert low is not None and high is not None, "there are no examples"
    return low, high
