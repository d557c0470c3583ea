"""Which function reads an operator, by its name in ATen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Read = Callable[..., Any]
F = TypeVar("F", bound=Read)

ATTENTION = "attention"
PATTERN = "pattern"
"""What reads the calls that are attention, or another layer, together."""
OPERATORS: dict[str, Read] = {}
"""Each function takes what translates and the call; it returns a `Value`, or several of them for several results."""


def reads(*names: str) -> Callable[[F], F]:
    """Declares the function that reads operators of these names."""

    def declared(function: F) -> F:
        for name in names:
            OPERATORS[name] = function
        return function

    return declared
