"""The values of the language while a spec is evaluated, and how they are printed.

Numbers, booleans, strings and lists are Python's own; the rest is here, and `Word` in word.py.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeGuard

from netspec.language.record import Frozen
from netspec.language.shape import Dim, Size


def is_plain_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is an int or a float, and not a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class Extent(Frozen):
    """`28x28x1` or `(H, W, 3)`: sizes joined to one value."""

    sizes: tuple[Size, ...]

    def __str__(self) -> str:
        return "x".join(str(s) for s in self.sizes)


class Duration(Frozen):
    """`5 epochs`, `1000 steps`, `30 minutes`."""

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{to_source(self.value)} {self.unit}"


SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
"""Units of time and how many seconds they have."""

UNITS = {form: unit for unit in ("epochs", "steps", *SECONDS) for form in (unit.removesuffix("s"), unit)}
"""Units of a duration and the form they are kept in."""


class Comparison(Frozen):
    """`val_accuracy >= 99%` that is kept instead of evaluated, for something that is only known later."""

    left: object
    operator: str
    right: object

    def __str__(self) -> str:
        return f"{to_source(self.left)} {self.operator} {to_source(self.right)}"


class Symbol(Frozen):
    """A bare word such as `same`, whose meaning depends on the option."""

    name: str


class Described:
    """Base of values with their own noun phrase in messages."""

    @property
    def noun(self) -> str:
        """What it is, for messages."""
        raise NotImplementedError


class LayerValue(Described):
    """What represents a layer while a spec is evaluated (see compiler/elaborate/values.py)."""

    span: Any
    """Where it is written; set by the subclasses."""

    @property
    def noun(self) -> str:
        return "a layer"

    @property
    def parts(self) -> tuple[object, ...]:
        """What it is made of; the layers among it count for its size and depth."""
        return ()

    @cached_property
    def size(self) -> int:
        """How many layers it stands for, blocks counted once."""
        return max(1, sum(part.size for part in self.parts if isinstance(part, LayerValue)))

    @cached_property
    def depth(self) -> int:
        """How deep it is nested."""
        return 1 + max((part.depth for part in self.parts if isinstance(part, LayerValue)), default=0)

    @property
    def bare_word(self) -> str | None:
        """The word itself where nothing else is written; in another place it may mean something else (`add`)."""
        return None

    def as_word(self, category: str) -> Any:
        """The word of a category that it stands for (`relu` as an activation, a single layer), or None."""
        return None


def describe(value: object) -> str:
    """A value as a noun phrase for messages."""
    match value:
        case bool():
            return f"`{to_source(value)}`"
        case int() | float():
            return f"the number {to_source(value)}"
        case str():
            return f'the string "{value}"'
        case Extent():
            return f"the shape {value}"
        case Duration():
            return f"the duration {value}"
        case Symbol():
            return f"the word `{value.name}`"
        case Comparison():
            return f"`{value}`"
        case list():
            return "a list"
        case Dim():
            return f"the unknown size {value}"
        case Described():
            return value.noun
        case None:
            return "nothing"
    return "a tensor"


def to_source(value: object) -> str:
    """A value as it is typed in a spec."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case str():
            return f'"{value}"'
        case tuple():
            return "x".join(to_source(v) for v in value)
        case list():
            return "[" + ", ".join(to_source(v) for v in value) + "]"
        case Symbol():
            return value.name
        case None:
            return "none"
    return str(value)


def setting_to_source(value: object) -> str:
    """A Python value as it is typed in a spec; a string is taken as it is (`"adam(1e-3)"`)."""
    return value if isinstance(value, str) else to_source(value)
