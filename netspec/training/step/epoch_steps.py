"""The steps of an epoch, as the programs that run them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, TypeAlias

import numpy as np

from netspec.training.feed.device_data import Data
from netspec.training.feed.prefetch import Stream
from netspec.training.step.engine import Engine

Step: TypeAlias = tuple[Any, tuple[Any, ...], int]
"""A compiled program, what it is given beside the state, and how many steps it runs: `state, loss = program(state,
*given)`, with the loss of the last of them."""


def steps_of(
    engine: Engine,
    data: Data | Stream,
    epoch: int,
    first: int = 0,
    last: int | None = None,
    *,
    apart: bool = False,
) -> Generator[Step, None, None]:
    """The steps of an epoch from one of them on and up to another. What is streamed is read ahead until the iterator is
    closed.

    Args:
        engine: what runs them.
        data: what to train on.
        epoch: from 0.
        first: the first step, from 0.
        last: the one to stop before; by default all are taken.
        apart: one step for each program.

    Raises:
        CompileError: the data cannot be read any more (NS515).
    """
    last = engine.steps_per_epoch if last is None else last
    if isinstance(data, Data):
        yield from _placed(engine, data, engine.order(epoch, data.examples), first, last, apart)
        return
    sizes = [engine.batch_size(at, data.examples) for at in range(first, last)]
    order = engine.order_of_rows(epoch, data.examples)
    begins = [at * engine.recipe.batch for at in range(first, last)]
    batches = data.batches([order[begin : begin + size] for begin, size in zip(begins, sizes, strict=True)])
    with closing(batches):
        for size, batch in zip(sizes, batches, strict=True):
            yield engine.batch_program(size), (batch,), 1


def _placed(engine: Engine, data: Data, order: Any, at: int, last: int, apart: bool) -> Iterator[Step]:
    """A step is always run by the same program, or a run that goes on would differ in the last bits."""
    most = engine.steps_at_once(data)
    while at < last:
        size = engine.batch_size(at, data.examples)
        if most == 1 or size < engine.recipe.batch:
            count = 1
            yield engine.step_program(size), (data.arrays, order), 1
        else:
            whole = data.examples // size
            count = 1 if apart else min(most, last - at, whole - at)
            yield engine.loop_program(size), (data.arrays, order, np.int32(count)), count
        at += count
