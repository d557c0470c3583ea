"""The attributes of an operator: texts in JSON, such as `(3, 3)` or `True`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite

from netspec.interchange.reading.channels_first.layout import CannotSay

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?L?")
LARGEST = 2**31 - 1


class Attributes:
    """What an operator was called with; a value that is not of its kind cannot be said (`CannotSay`)."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    def text(self, name: str, default: str = "") -> str:
        found = self.texts.get(name, default).strip()
        return default if found == "None" else found

    def has(self, name: str) -> bool:
        return self.text(name) != ""

    def flag(self, name: str, default: bool) -> bool:
        text = self.text(name)
        if not text:
            return default
        if text not in ("True", "False", "true", "false", "1", "0"):
            raise CannotSay(f"`{name}` is {text!r}, which is neither True nor False")
        return text in ("True", "true", "1")

    def number(self, name: str, default: float) -> float:
        text = self.text(name)
        if not text:
            return default
        if len(text) > 50 or not NUMBER.fullmatch(text) or not isfinite(float(text.rstrip("L"))):
            raise CannotSay(f"`{name}` is {text[:50]!r}, which is not a number")
        return float(text.rstrip("L"))

    def integer(self, name: str, default: int) -> int:
        number = self.number(name, default)
        if number != int(number) or abs(number) > LARGEST:
            raise CannotSay(f"`{name}` is {number:g}, which is not an integer")
        return int(number)

    def integers(self, name: str) -> tuple[int, ...]:
        """A tuple such as `(3, 3)`; empty where there is none."""
        text = self.text(name)
        if len(text) > 1_000:
            raise CannotSay(f"`{name}` is too long")
        items = [item for item in re.split(r"[\s,()\[\]]+", text) if item]
        if not all(re.fullmatch(r"-?\d{1,10}L?", item) for item in items):
            raise CannotSay(f"`{name}` is {text[:50]!r}, which are not integers")
        return tuple(int(item.rstrip("L")) for item in items)

    def axes(self, name: str, default: int) -> int | tuple[int, ...]:
        """One number for each axis of the positions; the default for all where nothing is given."""
        return self.integers(name) or default
