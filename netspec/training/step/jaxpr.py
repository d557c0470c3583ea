"""What JAX has traced, walked through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def inner_computations(equation: Any) -> Iterator[Any]:
    """The computations inside one of a computation: branches, bodies of loops, calls."""
    for value in equation.params.values():
        for item in value if isinstance(value, tuple | list) else (value,):
            inner = getattr(item, "jaxpr", item)
            if hasattr(inner, "eqns"):
                yield inner
