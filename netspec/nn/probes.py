"""Recording results as a model computes them, to find the layer in which a number goes wrong, or to change them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Change = Callable[[Any, str, Any], Any]
"""From a module, the name of a layer in it and the result of that layer to the result that is computed with."""

_RECORDING: ContextVar[tuple[list[tuple[Any, str, Any]], Change | None] | None] = ContextVar("recording", default=None)


def probe(owner: Any, name: str, value: Any) -> Any:
    """Record the result of the layer `name` of the module `owner`, changed as `record` says; outside of it the result
    is returned as it is."""
    if (recording := _RECORDING.get()) is None:
        return value
    results, change = recording
    if change is not None:
        value = change(owner, name, value)
    results.append((owner, name, value))
    return value


@contextmanager
def record(change: Change | None = None) -> Iterator[list[tuple[Any, str, Any]]]:
    """Collect what probes record: (module, layer name, result), in the order of the computation.

    Args:
        change: replaces results; None: they stay as they are.
    """
    results: list[tuple[Any, str, Any]] = []
    token = _RECORDING.set((results, change))
    try:
        yield results
    finally:
        _RECORDING.reset(token)
