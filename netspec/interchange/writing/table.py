"""Which function writes a word in a format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
W = TypeVar("W", bound=Callable[..., Any])


class WriterTable(dict[type[Any], W]):
    """Functions by the class of the word that they write. A subclass that computes something else needs its own."""

    def writes(self, *kinds: type[Any]) -> Callable[[F], F]:
        """Declare the function that writes words of these classes."""

        def add(function: F) -> F:
            self.update(dict.fromkeys(kinds, function))  # type: ignore[arg-type]
            return function

        return add
