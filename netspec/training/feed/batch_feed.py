"""Batches from an iterable, read ahead by a thread while the device works on those before.

Input: a `BatchSplit`. Output: `BatchFeed`, which gives the batches of an epoch on the device, in their order. An
iterable is read by one thread, since iterators cannot be shared; it may have processes of its own, as a PyTorch
`DataLoader` has.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import repeat
from typing import Any, NamedTuple

from netspec.data.dataset.dataset import Arrays
from netspec.data.prepare_batches import BatchSplit
from netspec.storage.tree_paths import Tree
from netspec.training.feed.device_data import as_placed
from netspec.training.feed.placement import Placement
from netspec.training.feed.prefetch import ahead
from netspec.training.feed.spreads import RunningSpreads
from netspec.training.recipe.recipe import Recipe

BATCHES_AHEAD = 3


class Batch(NamedTuple):
    """A batch on the device: its inputs and targets, how many of its examples count, how many it has with those that
    fill it up, and whether it is the last one of the epoch."""

    arrays: tuple[Tree, Tree]
    examples: int
    size: int
    is_last: bool


class BatchFeed:
    """A split that an iterable gives batch by batch.

    `examples` counts those of the epoch so far, and `spreads` are those of their targets (feed/spreads.py). `steps` is
    the number of batches of an epoch, where it is known: from the iterable, or after the first epoch.
    """

    def __init__(self, split: BatchSplit, recipe: Recipe, names: tuple[str, ...], placement: Placement) -> None:
        self.split, self.recipe, self.names, self.placement = split, recipe, names, placement
        self.examples, self.steps = 0, split.passes.length
        self._spreads = RunningSpreads(recipe)

    @property
    def spreads(self) -> dict[str, Any]:
        return self._spreads.spreads

    def steps_from(self, at: int) -> int:
        """The number of steps of an epoch of which `at` are done; 0 where it is not known."""
        return 0 if self.steps is None else max(self.steps, at)

    def batches(self, epoch: int, *, size: int | None = None) -> Generator[Batch, None, None]:
        """The batches of an epoch, from 0; `size`: smaller ones are filled up with copies of their first example.

        Raises:
            CompileError: one of them is unlike the first (NS666), or there is none (NS665).
        """
        self.examples, self._spreads = 0, RunningSpreads(self.recipe)
        steps, before = 0, None
        given = self.split.open(epoch)
        try:
            with closing(ahead(lambda _: self._read(given, size), repeat(None), 1, BATCHES_AHEAD)) as taken:
                for found in taken:
                    if before is not None:
                        steps += 1
                        yield self._counted(*before, is_last=found is None)
                    if found is None:
                        break
                    before = found
            self.steps = steps
        finally:
            given.close()  # type: ignore[attr-defined]  # after the thread, which may be reading

    def _read(self, given: Iterator[Arrays], size: int | None) -> tuple[Any, Any, int, int] | None:
        """The next batch on the device, with what it adds to the spreads; None after the last one."""
        arrays = next(given, None)
        if arrays is None:
            return None
        count = len(arrays)
        rows = max(count, size or 0)
        placed = self.placement.put_own_rows(as_placed(arrays, self.recipe, self.names, rows), rows)
        return placed, self._spreads.of_batch(arrays), count, rows

    def _counted(self, arrays: Any, moments: Any, count: int, rows: int, *, is_last: bool) -> Batch:
        self.examples += count
        self._spreads.add(moments)
        return Batch(arrays, count, rows, is_last)
