"""The space of a search: ranges for params and settings, some of which count only where another value is chosen.

A `Space` is drawn from rather than listed: `Space.draw` walks over its entries and asks a function for the value of
each dimension that it comes to. Samplers, grids, checks of the ends and the repetition of a trial are such functions.
What a range depends on need not be said anywhere: a range inside of a value that is not chosen is never come to.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from netspec.compiler.names.hints.settings import parse_value, with_option_of_setting
from netspec.language.record import Frozen
from netspec.language.source import Span
from netspec.language.vocabulary import words
from netspec.language.word import Option

DIGITS = 4
"""Significant digits of the numbers that are tried, so that a spec with them can be read."""

MANY = 50
"""Of more numbers to choose from only the smallest and the largest are compiled before the first trial."""

Value = int | float | str
"""Of a dimension: a number, or the label of a choice."""


class Range(Frozen):
    """Numbers from `low` to `high`, both included. `step` is 0 for numbers that need not be integers."""

    name: str
    low: float
    high: float
    is_log: bool
    step: int
    span: Span

    @property
    def ends(self) -> tuple[Value, ...]:
        return (self.at(0.0), self.at(1.0))

    def at(self, fraction: float) -> int | float:
        """The number at a fraction (0 to 1) of the range, on its scale."""
        if self.is_log:
            number = math.exp(math.log(self.low) + fraction * (math.log(self.high) - math.log(self.low)))
        else:
            number = self.low + fraction * (self.high - self.low)
        return self.rounded(number)

    def rounded(self, number: float) -> int | float:
        """The nearest number that may be tried."""
        if self.step:
            steps = round((number - self.low) / self.step)
            return int(min(max(self.low + steps * self.step, self.low), self.highest))
        return min(max(float(f"{number:.{DIGITS}g}"), self.low), self.high)

    def fraction_of(self, value: float) -> float:
        """Where a number is in the range, from 0 to 1 on its scale."""
        low, high, at = (math.log(x) if self.is_log else x for x in (self.low, self.high, value))
        return (at - low) / (high - low)

    @property
    def highest(self) -> float:
        """The largest number that steps from the lowest one come to."""
        return self.low + (self.high - self.low) // self.step * self.step if self.step else self.high


class Choice(Frozen):
    """One of several values, by their labels."""

    name: str
    labels: tuple[str, ...]
    span: Span

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values that are compiled before the first trial: all of them, but of many numbers the two extremes."""
        numbers = [number for label in self.labels if isinstance(number := _number_of(label), float)]
        if len(self.labels) <= MANY or len(numbers) < len(self.labels):
            return self.labels
        return self.labels[numbers.index(min(numbers))], self.labels[numbers.index(max(numbers))]


Dimension = Range | Choice
Draw = Callable[[Dimension], Value]
"""Decides the value of a dimension."""


class Alternatives(Frozen):
    """A choice, with the text of each value, in which there may be further dimensions."""

    choice: Choice
    items: tuple[Text, ...]


class Conditional(Frozen):
    """`int(1, 4) if kind == deep else 1`: what counts depends on the value of an earlier dimension."""

    name: str
    operator: str
    value: Value
    then: Text
    otherwise: Text

    def chosen(self, values: Mapping[str, Value]) -> Text:
        given: Any = _number_of(values.get(self.name))
        if given is None or (isinstance(given, str) != isinstance(self.value, str)):
            return self.otherwise
        return self.then if COMPARISONS[self.operator](given, self.value) else self.otherwise


def _number_of(value: Value | None) -> Value | None:
    """The number that a label is, if it is one."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Part = str | Range | Alternatives | Conditional


class Text(Frozen):
    """The text of a value in a spec; dimensions are in the places of what they decide."""

    parts: tuple[Part, ...]

    def write(self, draw: Draw, values: Mapping[str, Value]) -> str:
        """The text; `values` are those of the dimensions so far, to which `draw` adds."""
        return "".join(part if isinstance(part, str) else _write(part, draw, values) for part in self.parts)

    def dimensions(self) -> Iterator[Dimension]:
        for part in self.parts:
            inner: tuple[Text, ...] = ()
            if isinstance(part, Range):
                yield part
            elif isinstance(part, Alternatives):
                yield part.choice
                inner = part.items
            elif isinstance(part, Conditional):
                inner = (part.then, part.otherwise)
            for text in inner:
                yield from text.dimensions()


def _write(part: Range | Alternatives | Conditional, draw: Draw, values: Mapping[str, Value]) -> str:
    if isinstance(part, Range):
        return number_source(draw(part))
    if isinstance(part, Conditional):
        return part.chosen(values).write(draw, values)
    label = draw(part.choice)
    return part.items[part.choice.labels.index(str(label))].write(draw, values)


def number_source(value: Value) -> str:
    """A number as a person would write it: `64`, `0.25`, `3e-4`."""
    if not isinstance(value, float):
        return str(value)
    if value and not 1e-3 <= abs(value) < 1e6:
        digits, _, power = f"{value:.{DIGITS - 1}e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}e{int(power)}"
    return f"{value:.{DIGITS + 3}g}" if "." in f"{value:.{DIGITS + 3}g}" else f"{value:.1f}"


class Entry(Frozen):
    """What a line of `params` or `train` decides.

    `key` is the full name of what is set, such as `width` or `train.batch`. For an `option` of a word of a setting,
    `setting` is that setting, `key` its full name, and `written` its value where the search does not decide it.
    """

    key: str
    text: Text
    setting: Option | None = None
    option: str = ""
    written: str = ""


class Point(Frozen):
    """A point of the space: the values of the dimensions that count, and what is set by them, as text of a spec."""

    values: dict[str, Value]
    overrides: dict[str, str]

    @property
    def values_as_text(self) -> dict[str, str]:
        return {name: number_source(value) for name, value in self.values.items()}


class Space(Frozen):
    """The ranges of a search, in the order in which they are decided."""

    entries: tuple[Entry, ...]

    def draw(self, draw: Draw) -> Point:
        """A point, whose dimensions `draw` decides; only those that count are asked for."""
        values: dict[str, Value] = {}
        overrides: dict[str, str] = {}

        def decide(dimension: Dimension) -> Value:
            values[dimension.name] = value = draw(dimension)
            return value

        for entry in self.entries:
            if entry.setting is None:
                overrides[entry.key] = entry.text.write(decide, values)
                continue
            before = overrides.get(entry.key, entry.written)
            if has_option(before, entry.setting, entry.option):
                overrides[entry.key] = with_option(
                    before, entry.setting, entry.option, entry.text.write(decide, values)
                )
        return Point(values, overrides)

    def point(self, values: Mapping[str, Value]) -> Point:
        """The point with these values.

        Raises:
            KeyError: one that counts is missing.
        """
        return self.draw(lambda dimension: values[dimension.name])

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """All dimensions, those inside of values too."""
        return tuple(dimension for entry in self.entries for dimension in entry.text.dimensions())

    def corners(self) -> Iterator[tuple[Dimension, Value, Point]]:
        """For each end of each range and each value of each choice a point that has it. Other ranges are at their
        lowest number, and other choices at their first value, where that is possible."""
        seen: set[tuple[str, Value]] = set()
        waiting: list[tuple[tuple[str, Value] | None, dict[str, Value]]] = [(None, {})]
        for target, forced in waiting:  # which grows
            if target in seen:
                continue
            met: list[tuple[Dimension, Value]] = []

            def decide(dimension: Dimension) -> Value:
                value = forced.get(dimension.name, dimension.ends[0])  # noqa: B023  # it is called in this round
                met.append((dimension, value))  # noqa: B023
                return value

            point = self.draw(decide)
            for dimension, value in met:
                if (dimension.name, value) not in seen:
                    seen.add((dimension.name, value))
                    yield dimension, value, point
                for end in dimension.ends:
                    if (dimension.name, end) not in seen:
                        waiting.append(((dimension.name, end), {**point.values, dimension.name: end}))


def has_option(text: str, setting: Option, option: str) -> bool:
    """Whether a word of the value of a setting has an option of this name."""
    value = parse_value(text)
    found = with_option_of_setting(value, setting, option, "0") if value is not None else None
    return found is not None and found[0].name == option


def with_option(text: str, setting: Option, option: str, value: str) -> str:
    """The value of a setting, whose first word with an option of this name has another value of it."""
    parsed = parse_value(text)
    found = with_option_of_setting(parsed, setting, option, value) if parsed is not None else None
    assert found is not None
    return found[1]


def option_settings() -> list[Option]:
    """The settings of `train` whose words have options that can vary by their names."""
    wanted = ("optimizer", "schedule", "loss")
    return [o for name in wanted for o in words("section")["train"].options() if o.name == name]
