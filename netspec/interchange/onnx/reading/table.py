"""Which function reads which operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspec.interchange.onnx.reading.graph import Node
    from netspec.interchange.onnx.reading.network import Network

Read = Callable[["Network", "Node"], Any]
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
