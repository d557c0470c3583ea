"""Recording results as a model computes them, to find the layer in which a number goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_RECORDING: ContextVar[list[tuple[Any, str, Any]] | None] = ContextVar("recording", default=None)


def probe(owner: Any, name: str, value: Any) -> None:
    """Record the result of the layer `name` of the module `owner`; does nothing outside `record`."""
    if (results := _RECORDING.get()) is not None:
        results.append((owner, name, value))


@contextmanager
def record() -> Iterator[list[tuple[Any, str, Any]]]:
    """Collect what probes record: (module, layer name, result), in the order of the computation."""
    results: list[tuple[Any, str, Any]] = []
    token = _RECORDING.set(results)
    try:
        yield results
    finally:
        _RECORDING.reset(token)
