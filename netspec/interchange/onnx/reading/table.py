"""Which function reads which operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Read = Callable[[Any, Any], Any]
"""Takes a `Network` and a `Node`."""
OPERATORS: dict[str, Read] = {}
"""By type, as in `Node.kind`. A function returns a tensor, or a list with one for each output."""


def reads(*kinds: str) -> Callable[[Read], Read]:
    """Declares the function that reads operators of these types."""

    def declare(read: Read) -> Read:
        for kind in kinds:
            assert kind not in OPERATORS, kind
            OPERATORS[kind] = read
        return read

    return declare
