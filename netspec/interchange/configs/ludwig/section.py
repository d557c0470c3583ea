"""A mapping of a configuration: what is read of it, and, at the end, what was not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from netspec.interchange.configs.input_files import InputFile
from netspec.interchange.configs.ludwig.yaml_tree import Value
from netspec.interchange.errors import NotAModel, NotImported
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.corrections import nearest
from netspec.language.source import Span


class Reading:
    """The sketch of a configuration, and what is wrong with the text."""

    def __init__(self, sketch: Sketch, file: InputFile) -> None:
        self.sketch = sketch
        self.file = file
        self.sections: list[Section] = []

    def wrong(self, reason: str, span: Span | None, advice: str = "") -> None:
        """A value that Ludwig would not take, either (NS570)."""
        self.sketch.report(
            NotAModel(file=self.file.name, format=self.file.format, reason=reason, span=span, advice=advice)
        )

    def lost(self, what: str, reason: str, span: Span | None, advice: str = "") -> Step:
        """What the language cannot say (NS571)."""
        return self.sketch.lost(what, reason, span, advice)

    def left_out(self, what: str, reason: str, span: Span | None, advice: str = "") -> None:
        """What does not change predictions (NS572)."""
        self.sketch.report(NotImported(what=what, reason=reason, span=span, advice=advice))

    def section(self, value: Value | None, name: str) -> Section:
        """A mapping; an empty one where there is none."""
        if value is not None and value.data is not None and not isinstance(value.data, Mapping):
            self.wrong(f"`{name}` is not a mapping of keys to values", value.span)
            value = None
        made = Section(
            self, name, value.data if value is not None and value.data else {}, None if value is None else value.span
        )
        self.sections.append(made)
        return made

    def finish(self) -> None:
        """Report what was not read of any section."""
        for section in self.sections:
            section.report_rest()


class Section:
    """A mapping. Every method takes the names that a key has had; the first one that the mapping has counts."""

    def __init__(self, reading: Reading, name: str, keys: Mapping[str, Value], span: Span | None) -> None:
        self.reading = reading
        self.name = name
        self.keys = dict(keys)
        self.span = span
        self.known: set[str] = set()
        self.ignored: dict[str, str] = {}
        self.inner: dict[str, Section] = {}

    def value(self, *names: str) -> Value | None:
        """A value, None where the key is missing or null."""
        self.known.update(names)
        for name in names:
            found = self.keys.get(name)
            if found is not None and found.data is not None:
                return found
        return None

    def has(self, name: str) -> bool:
        """Whether the key is there, be it null."""
        self.known.add(name)
        return name in self.keys

    def place(self, *names: str) -> Span | None:
        """Where a key's value is, or else the section."""
        found = self.value(*names)
        return found.span if found is not None else self.span

    def integer(self, *names: str, default: int, low: int = 1, high: int = 10**7) -> int:
        number = self.number(*names, default=default, low=low, high=high)
        if number != int(number):
            self.reading.wrong(f"`{names[0]}` is not an integer", self.place(*names))
            return default
        return int(number)

    def number(self, *names: str, default: float, low: float = 0.0, high: float = 1e30) -> float:
        """A number; a text such as 1e-3, which YAML takes for one, is a number too."""
        found = self.value(*names)
        if found is None:
            return default
        number = as_number(found.data)
        if number is None or not low <= number <= high:
            limits = f"from {low:g} to {high:g}" if high < 1e7 else f"of at least {low:g}"
            self.reading.wrong(f"`{names[0]}` is not a number {limits}", found.span)
            return default
        return number

    def flag(self, *names: str, default: bool) -> bool:
        found = self.value(*names)
        if found is None:
            return default
        if not isinstance(found.data, bool):
            self.reading.wrong(f"`{names[0]}` is not true or false", found.span)
            return default
        return found.data

    def text(self, *names: str, default: str = "") -> str:
        found = self.value(*names)
        if found is None:
            return default
        if isinstance(found.data, list | Mapping):
            self.reading.wrong(f"`{names[0]}` is not a text", found.span)
            return default
        return str(found.data)

    def items(self, *names: str) -> list[Value] | None:
        """A list."""
        found = self.value(*names)
        if found is None:
            return None
        if not isinstance(found.data, list):
            self.reading.wrong(f"`{names[0]}` is not a list", found.span)
            return None
        return found.data

    def section(self, *names: str) -> Section:
        """A mapping; a text alone is its `type`."""
        if names[0] not in self.inner:
            found = self.value(*names)
            if found is not None and isinstance(found.data, str):
                found = Value({"type": found}, found.span)
            self.inner[names[0]] = self.reading.section(found, names[0])
        return self.inner[names[0]]

    def ignore(self, reason: str, names: Iterable[str]) -> None:
        """Keys that are left out for a reason; an empty reason: without a word."""
        self.ignored |= dict.fromkeys(names, reason)

    def report_rest(self) -> None:
        """Report the keys that were not read."""
        for name, value in self.keys.items():
            if name in self.known or value.data is None or self.ignored.get(name) == "":
                continue
            close = nearest(name, self.known | set(self.ignored))
            reason = self.ignored.get(name) or "netspec knows no such key of Ludwig"
            advice = f"did you mean `{close}`?" if close and name not in self.ignored else ""
            self.reading.left_out(f"{self.name}.{name}" if self.name else name, reason, value.span, advice)


def as_number(data: Any) -> float | None:
    """A number, also from a text such as 1e-3; None for anything else."""
    if isinstance(data, bool) or not isinstance(data, int | float | str):
        return None
    try:
        number = float(data)
    except (ValueError, OverflowError):
        return None
    return number if number == number and abs(number) < 1e300 else None
