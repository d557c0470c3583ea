"""Over how many devices the examples of a batch are split, for layers whose computation depends on it.

A program is written for the whole batch, and XLA divides it. A layer that reorders examples or splits them into parts
of its own has to keep those of a device together, or XLA moves them between devices.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_parts: ContextVar[int] = ContextVar("parts", default=1)
_is_local: ContextVar[bool] = ContextVar("is_local", default=False)


@contextmanager
def splitting(parts: int, *, is_local: bool = False) -> Iterator[None]:
    """Trace the body for batches that are split over this many devices.

    Args:
        parts: the number of parts; each is a block of consecutive examples.
        is_local: batchnorm takes the statistics of each part for itself.
    """
    before = _parts.set(parts), _is_local.set(is_local)
    try:
        yield
    finally:
        _parts.reset(before[0])
        _is_local.reset(before[1])


def parts_of(examples: int) -> int:
    """The number of parts that a batch of this size is split into; 1 if it is whole on every device."""
    parts = _parts.get()
    return parts if examples % parts == 0 else 1


def local_parts_of(examples: int) -> int:
    """The number of parts of which batchnorm takes the statistics one by one; 1: of all examples together."""
    return parts_of(examples) if _is_local.get() else 1
