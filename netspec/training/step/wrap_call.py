"""Parts of a live module that are called in another way, under the same names and with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

Wrapper = Callable[[Callable[..., Any]], Callable[..., Any]]
"""From the `__call__` of a class to the one that takes its place."""


def wrap_calls(part: Any, wrapper: Wrapper) -> None:
    """Let a part of a module, and no other of its class, be called through `wrapper`.

    `__call__` is looked up in the class, so the part becomes an instance of a subclass.
    """
    kind: Any = type(part)
    object.__setattr__(part, "__class__", _subclass(kind, wrapper))


@cache
def _subclass(kind: Any, wrapper: Wrapper) -> Any:
    """One for each class and wrapper: the structure of a module names its classes, and equal ones compile once."""
    inside = {"__call__": wrapper(kind.__call__), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind)(kind.__name__, (kind,), inside)
