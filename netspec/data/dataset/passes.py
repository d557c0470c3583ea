"""Iterables of batches that are read once for each epoch: what they are, and what is in a batch.

Input: what a user passes to `netspec.train`: a `DataLoader`, a Grain or Hugging Face data set, a list of batches, a
function that makes an iterator. Output: `Passes`, and a batch as NumPy arrays. None of these libraries is imported.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from netspec.data.errors.streaming import NotBatches
from netspec.language.diagnostics import Unplaced, fail
from netspec.language.lazy import np

SPLIT_NAMES = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}
"""The names of splits in a dict of iterables, as Hugging Face has them, too."""
TARGET_NAMES = ("y", "label", "labels", "target", "targets", "output", "outputs")
"""What targets are called in a batch that is a dict, where the spec does not name its outputs."""
ENDLESS = 1 << 40
"""At least the length of a data set of Grain that is repeated without end, also in batches."""
MAX_SLICE = 256
"""The examples of a batch of arrays that are given in the place of an iterable."""
HUGGING_FACE_BATCH = 32


class Passes:
    """Batches that are read anew in each epoch.

    Args:
        source: the iterable, or a function that makes one, perhaps from the number of the epoch, from 0.
        what: what messages call it.
    """

    def __init__(self, source: Any, what: str) -> None:
        self.source, self.what = source, what
        self.is_function = callable(source) and not hasattr(source, "__iter__") and not hasattr(source, "__getitem__")
        self.takes_epoch = self.is_function and _takes_argument(source)
        self.is_hugging_face = is_hugging_face(source)
        self.size = HUGGING_FACE_BATCH
        self.order_seed: int | None = None
        self.targets: Sequence[str] = ()
        self.first_size = 1
        """The number of examples of the first batch."""
        self.looked = self.trained = ""
        """The checksums of the first batch: when it was looked at, and when it was trained on."""
        self.is_whole = False
        """Whether the examples that were looked at are all."""

    def settle(self, size: int, order_seed: int | None, targets: Sequence[str]) -> bool:
        """Set the number of examples of a batch and the seed of their order, where the iterable gives single rows as
        data sets of Hugging Face do, and the names of targets in batches that are dicts; whether that changes what is
        read."""
        before = (self.size, self.order_seed, self.targets)
        self.targets = tuple(targets)
        if self.is_hugging_face:
            self.size = size
            self.order_seed = order_seed if hasattr(self.source, "__len__") else None
        return before != (self.size, self.order_seed, self.targets)

    @property
    def length(self) -> int | None:
        """The number of batches of a pass, where the iterable tells."""
        if self.is_function:
            return None
        try:
            count = len(self.source)
        except TypeError:
            return None
        return -(-count // self.size) if self.is_hugging_face else count

    @property
    def repeats(self) -> bool:
        """Whether the first batch was the same each time, as far as it is known."""
        return self.trained in ("", self.looked)

    def class_names(self, target: str) -> tuple[str, ...] | None:
        """The names of classes, where the data set has some, as those of torchvision and Hugging Face do."""
        features = getattr(self.source, "features", None)
        if isinstance(features, Mapping):
            names = getattr(features.get(target), "names", None)
        else:
            names = getattr(getattr(self.source, "dataset", None), "classes", None)
        is_texts = isinstance(names, list | tuple) and bool(names) and all(isinstance(name, str) for name in names)
        return tuple(names) if is_texts and names is not None else None

    def open(self, epoch: int) -> Generator[Any, None, None]:
        """The batches of an epoch, from 0, as they are given.

        Raises:
            CompileError: there is none (NS665).
        """
        iterator, is_empty = self._iterator(epoch), True
        try:
            for batch in iterator:
                is_empty = False
                yield batch
        finally:
            if hasattr(iterator, "close"):
                iterator.close()
        if is_empty:
            raise fail(NotBatches(what=self.what, case="exhausted" if self.looked else "empty", epoch=epoch + 1))

    def _iterator(self, epoch: int) -> Any:
        source = self.source
        if self.is_function:
            source = source(epoch) if self.takes_epoch else source()
        parts: list[Any] = [source, getattr(source, "sampler", None), getattr(source, "dataset", None)]
        for part in parts:
            if hasattr(part, "set_epoch"):
                part.set_epoch(epoch)
        if is_hugging_face(source):
            if self.order_seed is not None:
                source = source.shuffle(seed=np.random.default_rng((self.order_seed, epoch)))
            return source.with_format("numpy").iter(batch_size=self.size)
        try:
            return iter(source)
        except TypeError:
            found = f"an object of type `{type(source).__name__}`"
            raise fail(NotBatches(case="function", what=self.what, found=found)) from None

    def read(self, batch: Any, where: str) -> tuple[Any, Any]:
        """Inputs and targets of a batch: arrays of NumPy or dicts of them; None for no targets.

        Raises:
            CompileError: it is neither `(x, y)` nor a dict (NS665).
        """
        if isinstance(batch, list | tuple):
            if len(batch) not in (1, 2):
                found = f"a {type(batch).__name__} of {len(batch)} parts"
                raise fail(NotBatches(case="parts", what=self.what, where=where, found=found))
            x, y = batch if len(batch) == 2 else (batch[0], None)
        elif isinstance(batch, Mapping):
            x, y = self._by_name(batch)
        elif hasattr(batch, "shape"):
            x, y = batch, None
        else:
            found = f"of type `{type(batch).__name__}`"
            raise fail(NotBatches(case="parts", what=self.what, where=where, found=found))
        x, y = _arrays(x), _arrays(y)
        parts = [*(x.values() if isinstance(x, dict) else [x]), *(y.values() if isinstance(y, dict) else [y])]
        if any(part is not None and np.ndim(part) == 0 for part in parts):
            raise fail(NotBatches(case="examples", what=self.what))
        return x, y

    def _by_name(self, batch: Mapping[Any, Any]) -> tuple[Any, Any]:
        if "x" in batch and {*batch} <= {"x", "y"}:
            return batch["x"], batch.get("y")
        named = [name for name in batch if name in self.targets] or [name for name in batch if name in TARGET_NAMES]
        inputs = {name: part for name, part in batch.items() if name not in named}
        return inputs, {name: batch[name] for name in named} or None


def passes_of(value: Any) -> dict[str, Passes] | None:
    """Iterables of batches by split (`train`, `val`, `test`), in any of the forms of `netspec.train`; None for other
    data, such as arrays.

    Raises:
        Unplaced: one of them can be read only once, or has no end (NS665).
    """
    if isinstance(value, Mapping):
        parts = {SPLIT_NAMES.get(name, ""): part for name, part in value.items()}
        if "train" not in parts or "" in parts or not is_batches(parts["train"]):
            return None
    elif isinstance(value, tuple) and 1 <= len(value) <= 3 and is_batches(value[0]):
        parts = dict(zip(("train", "val", "test"), value, strict=False))
    elif is_batches(value):
        parts = {"train": value}
    else:
        return None
    return {split: _passes(part, split, len(parts) > 1) for split, part in parts.items() if part is not None}


def _passes(part: Any, split: str, is_named: bool) -> Passes:
    named = f"the iterable for `{split}`" if is_named else "the iterable"
    what = f"the {type(part).__name__}" if hasattr(part, "__len__") and not isinstance(part, list | tuple) else named
    if isinstance(part, tuple) and len(part) == 2 and all(hasattr(one, "shape") for one in part):
        begins = range(0, len(part[0]), MAX_SLICE)
        part = [(part[0][begin : begin + MAX_SLICE], part[1][begin : begin + MAX_SLICE]) for begin in begins]
    if not is_batches(part):
        raise Unplaced(
            NotBatches, case="parts", what="the data", where=f"`{split}`", found=f"of type `{type(part).__name__}`"
        )
    if hasattr(part, "__next__"):
        raise Unplaced(NotBatches, case="one-shot", what=f"{named} (a {type(part).__name__})")
    passes = Passes(part, what)
    if (passes.length or 0) >= ENDLESS:
        raise Unplaced(NotBatches, case="endless", what=what)
    return passes


def is_batches(value: Any) -> bool:
    """Whether a value is an iterable of batches, or a function that makes one; arrays, data frames and lists of numbers
    are not."""
    if is_hugging_face(value):
        return True
    if isinstance(value, list):  # of batches; one of arrays is `[x, y]`
        return bool(value) and all(
            (isinstance(one, Mapping) and all(getattr(part, "shape", ()) for part in one.values()))
            or (isinstance(one, tuple) and len(one) < 3 and all(hasattr(part, "shape") for part in one))
            for one in value
        )
    if isinstance(value, str | bytes | tuple | Mapping | type) or hasattr(value, "shape") or hasattr(value, "columns"):
        return False
    is_sequence = hasattr(value, "__getitem__") and hasattr(value, "__len__")
    return hasattr(value, "__iter__") or is_sequence or (callable(value) and not hasattr(value, "compilation"))


def is_hugging_face(value: Any) -> bool:
    """Whether a value is a data set of Hugging Face, in memory or streamed: it gives rows, and batches on request."""
    return all(hasattr(value, name) for name in ("with_format", "iter", "features"))


def checksum(x: Any, y: Any) -> str:
    """A checksum over the numbers of a batch."""
    value = 0
    for part in (x, y):
        for name, array in sorted(part.items()) if isinstance(part, dict) else [("", part)]:
            if array is not None:
                value = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), value)
                value = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, value)
    return f"{value:08x}"


def _takes_argument(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in positional if p.default is p.empty]
    return len(needed) == 1 or any(p.name == "epoch" for p in positional)


def _arrays(part: Any) -> Any:
    if part is None:
        return None
    if isinstance(part, Mapping):
        return {str(name): _array(one) for name, one in part.items()}
    return _array(part)


def _array(part: Any) -> Any:
    """Anything that is like an array, such as a tensor of PyTorch, as one of NumPy."""
    if hasattr(part, "detach") and hasattr(part, "cpu"):
        part = part.detach().cpu()
        part = part.float().numpy() if "bfloat16" in str(part.dtype) else part.numpy()
    if isinstance(part, list | tuple) and part and all(hasattr(one, "detach") for one in part):
        part = [_array(one) for one in part]
    try:
        array = np.asarray(part)
    except ValueError:
        return part  # rows of unequal length, which are reported where arrays are read
    if array.dtype == object and array.ndim and array.size and all(hasattr(one, "dtype") for one in array.flat):
        array = np.asarray(array.tolist())
    return array
