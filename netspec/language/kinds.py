"""What an option takes: limits, bare words, categories, and the phrase that messages use."""

from __future__ import annotations

from typing import Any

from netspec.language.shape import Dim, Size
from netspec.language.values import SECONDS, Duration, Extent, LayerValue, Symbol, to_source
from netspec.language.word import Kind, Mismatch, Word, with_article

MAX_COUNT = 2**31 - 1
"""The largest count where a word sets no smaller one: sizes and indices are 32-bit integers."""
MAX_SEED = 2**32 - 1
"""The largest seed: random keys of JAX are made from 32 bits."""
SEED_ALIASES = ("random_state", "random_seed", "manual_seed")
"""What other libraries call a seed."""


def _number(kind: Kind, value: object) -> int | float:
    """A value that must be a number, and known."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Mismatch(kind.describe(), value, unknown=value if isinstance(value, Dim) else None)
    return value


class Count(Kind):
    """An integer within limits."""

    minimum: int = 1
    maximum: int | None = None

    def accept(self, value: object) -> int:
        number = _number(self, value)
        number = int(number) if isinstance(number, float) and number.is_integer() else number
        if not isinstance(number, int) or not self.minimum <= number <= (self.maximum or MAX_COUNT):
            is_huge = self.maximum is None and number > MAX_COUNT
            raise Mismatch(f"{self.describe()} of at most {MAX_COUNT}" if is_huge else self.describe(), number)
        return number

    def describe(self) -> str:
        if self.maximum is not None:
            return f"an integer from {self.minimum} to {self.maximum}"
        named = {0: "a non-negative integer", 1: "a positive integer"}
        return named.get(self.minimum, f"an integer of at least {self.minimum}")


class Number(Kind):
    """A number within limits, the limits belonging to it unless `open_low` or `open_high`."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    def accept(self, value: object) -> float:
        number = _number(self, value)
        low = self.low is None or (number > self.low if self.open_low else number >= self.low)
        high = self.high is None or (number < self.high if self.open_high else number <= self.high)
        if not (low and high):
            raise Mismatch(self.describe(), value)
        return float(number)

    def describe(self) -> str:
        low, high = to_source(self.low), to_source(self.high)
        if self.low is not None and self.high is not None:
            return f"a number in {'(' if self.open_low else '['}{low}, {high}{')' if self.open_high else ']'}"
        if self.high is not None:
            return f"a number {'below' if self.open_high else 'of at most'} {high}"
        if self.low == 0:
            return "a positive number" if self.open_low else "a non-negative number"
        return "a number" if self.low is None else f"a number {'above' if self.open_low else 'of at least'} {low}"


class Flag(Kind):
    """`true` or `false`."""

    phrase = "`true` or `false`"

    def accept(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise Mismatch(self.describe(), value)
        return value


class Text(Kind):
    """A string."""

    what: str = "a string"

    def accept(self, value: object) -> str:
        if not isinstance(value, str):
            raise Mismatch(self.describe(), value)
        return value

    def describe(self) -> str:
        return self.what


class Identifier(Kind):
    """A string that is a valid name in Python source."""

    phrase = 'a name (string) of letters, digits and _, such as "stem"'

    def accept(self, value: object) -> str:
        if not isinstance(value, str) or not value.isascii() or not value.isidentifier() or value.startswith("_"):
            raise Mismatch(self.describe(), value)
        return value


class Choice(Kind):
    """One of a few bare words."""

    choices: tuple[str, ...]

    def accept(self, value: object) -> str:
        word = value.name if isinstance(value, Symbol) else None
        if isinstance(value, LayerValue):  # an argument of a `def`, evaluated before it is known where it goes
            word = value.bare_word
        if word not in self.choices:
            raise Mismatch(self.describe(), value)
        return word

    def describe(self) -> str:
        return "one of " + ", ".join(f"`{c}`" for c in self.choices)

    @property
    def names(self) -> tuple[str, ...]:
        return self.choices


class OneWord(Kind):
    """A word of a category, with or without arguments."""

    of: str

    def accept(self, value: object) -> Any:
        word = value.as_word(self.of) if isinstance(value, LayerValue) else value
        if not isinstance(word, Word) or word.category != self.of:
            raise Mismatch(self.describe(), value)
        return word

    def describe(self) -> str:
        return with_article(self.of)

    @property
    def category(self) -> str | None:
        return self.of


class Chain(OneWord):
    """Words of a category joined by `->`, or given as a list."""

    is_chain = True

    def accept(self, value: object) -> Any:
        return tuple(
            super(Chain, self).accept(word) for word in (value if isinstance(value, list | tuple) else [value])
        )

    def to_source(self, value: object) -> str:
        return " -> ".join(to_source(word) for word in value) if isinstance(value, tuple) else to_source(value)


class Sizes(Kind):
    """One number for every axis, or a shape with a number for each: a kernel, a stride."""

    minimum: int = 1

    def accept(self, value: object) -> int | tuple[int, ...]:
        count = Count(self.minimum)
        try:
            if isinstance(value, Extent):
                return tuple(count.accept(size) for size in value.sizes)
            return count.accept(value)
        except Mismatch as wrong:
            raise Mismatch(self.describe(), value, wrong.unknown) from None

    def describe(self) -> str:
        return f"{Count(self.minimum).describe()}, or a shape such as 3x3"


class Padding(Kind):
    """`same`, `valid`, or numbers."""

    phrase = "`same`, `valid`, a number such as 1, or a shape such as 1x2"
    names = ("same", "valid")

    def accept(self, value: object) -> str | int | tuple[int, ...]:
        if isinstance(value, Symbol) and value.name in self.names:
            return value.name
        try:
            return Sizes(0).accept(value)
        except Mismatch as wrong:
            raise Mismatch(self.describe(), value, wrong.unknown) from None


class OneSize(Kind):
    """A size inside a tuple, known or not."""

    phrase = "an integer"

    def accept(self, value: object) -> Size:
        return value if isinstance(value, Dim) else Count(0).accept(value)


class NewShape(Kind):
    """The sizes of a tensor."""

    phrase = "sizes such as 7x7x16"

    def accept(self, value: object) -> tuple[Size, ...]:
        sizes = value.sizes if isinstance(value, Extent) else (value,)
        return tuple(s if isinstance(s, Dim) else Count().accept(s) for s in sizes)

    def to_source(self, value: object) -> str:
        if isinstance(value, tuple) and any(isinstance(size, Dim) for size in value):
            return f"({', '.join(map(str, value))})"
        return super().to_source(value)


Nested = Any
"""A number or a list of nested values."""


class Constant(Kind):
    """Numbers in (nested) lists, every list of a level equally long."""

    phrase = "a list of numbers, or of lists of equal length, such as [[1, 0], [0, 1]]"

    def accept(self, value: object) -> Nested:
        if not isinstance(value, list) or nested_shape(value) is None:
            wrong = Mismatch(self.describe(), value)
            if isinstance(value, list):
                wrong.given = "a list whose parts differ in length, or hold other things"
            raise wrong
        return value


def nested_shape(value: object) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers; None when they are ragged, empty, or hold something else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ()
    if not isinstance(value, list) or not value:
        return None
    inner = {nested_shape(v) for v in value}
    if len(inner) != 1:
        return None
    (shape,) = inner
    return None if shape is None else (len(value), *shape)


class Body(Kind):
    """A layer, or layers joined to one."""

    phrase = "a layer"
    takes_layers = True

    def accept(self, value: object) -> LayerValue:
        if not isinstance(value, LayerValue):
            raise Mismatch(self.describe(), value)
        return value


class Time(Kind):
    """A duration in one of some units; a bare number is counted in the first of them, unless these are of a clock."""

    units: tuple[str, ...] = ("epochs", "steps")
    is_whole: bool = False

    def accept(self, value: object) -> Duration:
        time = value
        if isinstance(value, int | float) and not isinstance(value, bool) and self.units[0] not in SECONDS:
            time = Duration(value, self.units[0])
        is_good = isinstance(time, Duration) and time.value > 0 and time.unit in self.units
        if not isinstance(time, Duration) or not is_good or (self.is_whole and time.value % 1):
            raise Mismatch(self.describe(), value)
        return time

    def describe(self) -> str:
        examples = {"epochs": "5 epochs", "steps": "1000 steps", "minutes": "30 minutes", "hours": "2 hours"}
        what = f"a whole number of {self.units[0]}" if self.is_whole else "a duration"
        return f"{what} such as " + " or ".join(examples[unit] for unit in self.units if unit in examples)


class Either(Kind):
    """The first of several kinds that takes the value."""

    kinds: tuple[Kind, ...]

    def accept(self, value: object) -> Any:
        for kind in self.kinds:
            try:
                return kind.accept(value)
            except Mismatch as wrong:
                if wrong.unknown is not None:
                    raise
        raise Mismatch(self.describe(), value)

    def describe(self) -> str:
        return ", or ".join(kind.describe() for kind in self.kinds)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for kind in self.kinds for name in kind.names)

    @property
    def category(self) -> str | None:
        return next((kind.category for kind in self.kinds if kind.category), None)

    @property
    def is_chain(self) -> bool:
        return any(kind.is_chain for kind in self.kinds)
