"""Which function reads a class of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

READERS: dict[str, Callable[..., Any]] = {}
"""By the class of the layer (`ops.Relu` for an operation that is not a layer): a function of a `Site` and of the
tensors that the layer takes, as `Value`s; it returns a `Value`, or one for each output."""


def reads(*kinds: str) -> Callable[[F], F]:
    """Declare the function that reads layers of these classes."""

    def add(function: F) -> F:
        READERS.update(dict.fromkeys(kinds, function))
        return function

    return add
