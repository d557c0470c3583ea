"""Batches of data that are larger than memory: read ahead by threads, while the device works on those before.

Input: a split whose inputs are `Rows`. Output: `Stream`, which gives the batches of an epoch in their order, on
the device. What is in memory at any time is bounded by the buffers: the batches that are being read or are ready.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import Column, Rows, is_streamed, read_all
from netspec.storage.tree_paths import Tree
from netspec.training.feed.device_data import narrow
from netspec.training.feed.placement import Placement
from netspec.training.recipe.recipe import Recipe

T = TypeVar("T")

BUFFER_BYTES = 1 << 28
"""How much is read ahead at most, but for two batches that always are."""

MAX_READERS = 8
"""Threads that read; files are read and images are unpacked outside of the lock of the interpreter."""


@dataclass(frozen=True)
class Stream:
    """A split that is read on demand: `inputs` in the order of the network's, `targets` by output."""

    split: Arrays
    recipe: Recipe
    names: tuple[str, ...]
    placement: Placement

    @property
    def examples(self) -> int:
        return len(self.split.inputs[self.names[0]])

    def read(self, index: Any) -> tuple[Tree, Tree]:
        """The examples with these indices, on the device: inputs, and targets by output. Of several processes each
        reads those that its devices take.

        Raises:
            CompileError: they cannot be read any more (NS515).
        """
        rows = len(index)
        index = np.asarray(index)[self.placement.own_rows(rows)]
        inputs = tuple(narrow(_taken(self.split.inputs[name], index)) for name in self.names)
        targets = {
            name: output.place_targets(_taken(self.split.targets[name], index))
            for name, output in self.recipe.outputs.items()
        }
        batch: tuple[Tree, Tree] = self.placement.put_own_rows((inputs, targets), rows)
        return batch

    def batches(self, indices: Sequence[Any]) -> Generator[tuple[Tree, Tree], None, None]:
        """Examples batch by batch, in this order; those after the one at work are read meanwhile.

        Raises:
            CompileError: some cannot be read any more (NS515), when it is their turn.
        """
        total = sum(int(column.nbytes) for column in (*self.split.inputs.values(), *self.split.targets.values()))
        largest = max(map(len, indices), default=1) * max(1, total // max(1, self.examples))
        readers = max(1, min(MAX_READERS, os.cpu_count() or 1, BUFFER_BYTES // largest))
        return ahead(self.read, indices, readers, readers + 1)


def is_stream(split: Arrays) -> bool:
    """Whether a split is too large to be transferred to the device as a whole."""
    return any(is_streamed(column) for column in (*split.inputs.values(), *split.targets.values()))


def ahead(work: Callable[[Any], T], given: Iterable[Any], workers: int, most: int) -> Generator[T, None, None]:
    """The results of `work`, in order; at most `most` calls are started before their results are needed.

    No call is started after the iterator is closed.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="netspec-read")
    running: deque[Future[T]] = deque()
    try:
        for item in given:
            running.append(pool.submit(work, item))
            if len(running) >= most:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _taken(column: Column, index: Any) -> Any:
    return column.read(index) if isinstance(column, Rows) else np.asarray(read_all(column))[index]
