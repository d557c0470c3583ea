"""What options of data sources and of the section `data` take, beside the kinds of netspec/language/kinds.py."""

from __future__ import annotations

from typing import Any, ClassVar

from netspec.language.kinds import nested_shape
from netspec.language.values import Extent, Symbol, to_source
from netspec.language.vocabulary import Declares
from netspec.language.word import Kind, Mismatch, Word, option


class Delimiter(Kind):
    """One character between the cells of a row."""

    def accept(self, value: object) -> str:
        if value in ("\\t", "tab"):
            return "\t"
        if not isinstance(value, str) or len(value) != 1 or value in '"\r\n':
            raise Mismatch(self.describe(), value)
        return value

    def describe(self) -> str:
        return 'a string of one character, or "\\t" for the tab'

    def to_source(self, value: object) -> str:
        return '"\\t"' if value == "\t" else super().to_source(value)


class Sign(Kind):
    """One of a few characters inside of numbers."""

    signs: str
    may_be_empty: bool = False

    def accept(self, value: object) -> str:
        if not isinstance(value, str) or value not in self._values:
            raise Mismatch(self.describe(), value)
        return value

    @property
    def _values(self) -> list[str]:
        return [*self.signs, *([""] if self.may_be_empty else [])]

    def describe(self) -> str:
        return "one of the strings " + ", ".join(f'"{sign}"' for sign in self._values)


class Encoding(Kind):
    """The name of a text encoding that Python knows."""

    def accept(self, value: object) -> str:
        try:
            "".encode(value if isinstance(value, str) else "")
        except (LookupError, ValueError):
            raise Mismatch(self.describe(), value) from None
        assert isinstance(value, str)
        return value

    def describe(self) -> str:
        return 'the name of an encoding (string) such as "utf-8", "cp1252", "latin-1" or "utf-16"'


class Names(Kind):
    """Names of columns: one, or a list; with `auto` that bare word as well."""

    auto: bool = False

    def accept(self, value: object) -> tuple[str, ...] | str:
        if self.auto and isinstance(value, Symbol) and value.name in self.names:
            return value.name
        items = value if isinstance(value, list) else [value]
        if not items or not all(isinstance(item, str) and item for item in items):
            raise Mismatch(self.describe(), value)
        return tuple(items)

    def describe(self) -> str:
        return 'a string, or a list such as ["a", "b"]' + (", or `auto`" if self.auto else "")

    def to_source(self, value: object) -> str:
        if isinstance(value, tuple):
            return to_source(value[0]) if len(value) == 1 else to_source([*value])
        return super().to_source(value)

    @property
    def names(self) -> tuple[str, ...]:
        return ("auto",) if self.auto else ()


class Missing(Kind):
    """What to do about missing values: a word, or a number that takes their place. With `category_too` they may be
    a value of their own."""

    category_too: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return ("error", "drop", "mean", "median", *(["category"] if self.category_too else []))

    def accept(self, value: object) -> str | float:
        if isinstance(value, Symbol) and value.name in self.names:
            return value.name
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise Mismatch(self.describe(), value)

    def describe(self) -> str:
        return ", ".join(f"`{name}`" for name in self.names) + ", or a number"


class Scaling(Kind):
    """How inputs are normalized: a word, or mean and deviation, each a number or a list with one for each channel."""

    names = ("none", "standard", "unit", "imagenet")

    def accept(self, value: object) -> Any:
        if isinstance(value, Symbol) and value.name in self.names:
            return value.name
        if isinstance(value, list) and len(value) == 2:
            mean, std = (tuple(item) if isinstance(item, list) else (item,) for item in value)
            is_flat = all(nested_shape(item) == () for item in (*mean, *std))
            if is_flat and mean and len(mean) == len(std) and all(number > 0 for number in std):
                return tuple(map(float, mean)), tuple(map(float, std))
        advice = "mean and std are numbers, or lists with one for each channel, and std is above 0: [0.13, 0.31]"
        raise Mismatch(self.describe(), value, advice=advice if isinstance(value, list) else "")

    def describe(self) -> str:
        words = ", ".join(f"`{name}`" for name in self.names)
        return f"{words}, or [mean, std] such as [0.13, 0.31]"

    def to_source(self, value: object) -> str:
        if isinstance(value, tuple):
            return to_source([part[0] if len(part) == 1 else [*part] for part in value])
        return super().to_source(value)


class Weights(Kind):
    """`balanced`, or a list of numbers, none below 0."""

    names = ("balanced",)

    def accept(self, value: object) -> str | tuple[float, ...]:
        if isinstance(value, Symbol) and value.name in self.names:
            return value.name
        if isinstance(value, list) and value and all(nested_shape(item) == () and item >= 0 for item in value):
            return tuple(map(float, value))
        raise Mismatch(self.describe(), value)

    def describe(self) -> str:
        return "`balanced`, or a list with a non-negative number for each class, such as [1, 5]"

    def to_source(self, value: object) -> str:
        return to_source([*value]) if isinstance(value, tuple) else super().to_source(value)


class PictureSize(Kind):
    """Height x width, or one number for a square."""

    def accept(self, value: object) -> tuple[int, ...]:
        sizes = value.sizes if isinstance(value, Extent) else (value, value)
        known = tuple(size for size in sizes if isinstance(size, int) and not isinstance(size, bool) and size > 0)
        if len(sizes) != 2 or len(known) != 2:
            raise Mismatch(self.describe(), value)
        return known

    def describe(self) -> str:
        return "height x width such as 64x64, or one number for a square"


class Channels(Kind):
    """How many channels a picture may have."""

    def accept(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value not in (1, 3, 4):
            raise Mismatch(self.describe(), value)
        return value

    def describe(self) -> str:
        return "1, 3 or 4"


class Portion(Kind):
    """A part of the examples: a fraction below 1, or a number of examples; 0 is none. With `last` the end of them."""

    last: bool = False

    @property
    def category(self) -> str | None:
        return "portion" if self.last else None

    def accept(self, value: object) -> int | float | Last:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if self.last and isinstance(value, Last):
            return value
        if is_number and value == 0:
            return 0
        if isinstance(value, int) and is_number and value > 0:
            return value
        if isinstance(value, float) and 0 < value < 1:
            return value
        advice = "write a fraction such as 20%, or a number of examples such as 500"
        raise Mismatch(self.describe(), value, advice=advice if not isinstance(value, str) or "." in value else "")

    def describe(self) -> str:
        return "a fraction below 1 such as 10%, or a number of examples" + (", or `last(10%)`" if self.last else "")


portion = Declares("portion")


@portion("last")
class Last(Word):
    """The last examples in their order, for data in the order of time: those before them are trained on.

    A table or an array is in the order of its rows. Of the source `windows` it is the end of every group, and the
    windows before it that overlap its targets are left out (with `ahead = 0` those that share any row with it). `test`
    is held out first, `val` before it.

    Example: data { val = last(20%) }
    """

    category: ClassVar[str] = "portion"

    size: int | float = option(Portion(), "a fraction, or a number of examples (of each group)", position=0)


def portion_size(portion: float | Last) -> float:
    """The fraction or the number of examples of a portion."""
    return portion.size if isinstance(portion, Last) else portion
