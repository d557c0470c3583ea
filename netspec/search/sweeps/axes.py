"""What a sweep varies: values by the name of a param, a setting, or an option of the optimizer, schedule or loss.

Input: a spec, and texts such as `rate=1e-4,1e-3`. Output: a `Space` whose grid has every combination. An option counts
where the word of a combination has it, as in the section `tune`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from netspec.compiler.names.given import setting_of
from netspec.compiler.names.hints.settings import parse_value
from netspec.language.corrections import squeeze, suggest
from netspec.language.diagnostics import Problems, fail
from netspec.language.source import Source, Span
from netspec.language.vocabulary import words
from netspec.language.word import Option
from netspec.search.errors import WrongSweep
from netspec.search.spaces.space import (
    Alternatives,
    Choice,
    Entry,
    Point,
    Space,
    Text,
    Value,
    has_option,
    option_settings,
)
from netspec.search.trials.own import grid
from netspec.spec.compilation import Compilation

MAX_RUNS = 1000
"""Combinations of a sweep."""
SECTIONS = ("train", "data")
SHARED = ("train.optimizer", "train.seed")
"""What varies last: runs that differ in the learning rate or the seed alone share their programs."""
BRACKETS = {"(": ")", "[": "]", "{": "}"}


def parse_sweeps(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Values by name, of texts such as `rate=1e-4,1e-3`.

    Raises:
        CompileError: a text has another form, or a name is given twice (NS599).
    """
    values: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, rest = (part.strip() for part in text.partition("="))
        if not equals or not name or not rest:
            raise fail(WrongSweep(case="form", text=text))
        if name in values:
            raise fail(WrongSweep(case="twice", name=name))
        values[name] = tuple(split_values(name, rest))
    return values


def split_values(name: str, text: str) -> Iterator[str]:
    """The values between the commas that are not inside of parentheses, brackets or quotes.

    Raises:
        CompileError: a parenthesis or quote is not closed (NS599).
    """
    closing: list[str] = []
    begin = 0
    for at, character in enumerate(text):
        is_quoted = closing[-1:] == ['"']
        if character == '"' and is_quoted:
            closing.pop()
        elif is_quoted:
            continue
        elif character == '"':
            closing.append(character)
        elif character in BRACKETS:
            closing.append(BRACKETS[character])
        elif character in BRACKETS.values():
            if closing[-1:] != [character]:
                raise fail(WrongSweep(case="value", name=name, text=text, advice=f"`{character}` closes nothing"))
            closing.pop()
        elif character == "," and not closing:
            yield text[begin:at].strip()
            begin = at + 1
    if closing:
        raise fail(WrongSweep(case="value", name=name, text=text, advice=f"`{closing[-1]}` is missing"))
    yield text[begin:].strip()


def points_of(compilation: Compilation, values: Mapping[str, Sequence[str]]) -> list[Point]:
    """Every combination of the values, each once.

    Args:
        compilation: the spec.
        values: for each name its values, as they are written in a spec.

    Raises:
        CompileError: a name or a value is wrong, or there are too many combinations (NS599).
    """
    if not values:
        raise fail(WrongSweep(case="form", text=""))
    reader = _Reader(compilation, values)
    problems = Problems()
    entries: dict[str, Entry] = {}
    for name in values:
        entry = reader.entry(name, problems)
        if entry is None:
            continue
        key = f"{entry.key}.{entry.option}" if entry.setting is not None else entry.key
        if key in entries:
            problems.add(WrongSweep(case="twice", name=name))
        elif key in compilation.overrides:
            problems.add(WrongSweep(case="set", name=name))
        entries[key] = entry
    problems.raise_errors()
    count = math.prod(len(found) for found in values.values())
    if count > MAX_RUNS:
        raise fail(WrongSweep(case="many", text=f"{count:,}", limit=MAX_RUNS))
    ordered = sorted(entries.values(), key=lambda entry: (entry.setting is not None, entry.key in SHARED))
    found: dict[tuple[tuple[str, str], ...], Point] = {}
    for point in grid(Space(tuple(ordered))):
        found.setdefault(tuple(sorted(point.overrides.items())), point)
    return [*found.values()]


class _Reader:
    def __init__(self, compilation: Compilation, values: Mapping[str, Sequence[str]]) -> None:
        self.compilation, self.values = compilation, values
        self.params = [p.name for p in compilation.resolution.params]
        self.sections = {name: {o.name: o for o in words("section")[name].options()} for name in SECTIONS}

    def entry(self, name: str, problems: Problems) -> Entry | None:
        """What a name stands for; None and a diagnostic where it stands for nothing, or its values are wrong."""
        before = len(problems)
        found = self._place(name)
        if found is None:
            problems.add(WrongSweep(case="unknown", name=name, advice=self._advice(name)))
        elif found[0] in ("train.seeds", "data.folds"):
            problems.add(WrongSweep(case="repeated", name=name))
        else:
            _check_values(name, self.values[name], problems)
        if found is None or len(problems) > before:
            return None
        key, setting, option = found
        texts = tuple(map(str, self.values[name]))
        choice = Choice(name, texts, Span(Source("--sweep", ""), 0, 0))
        text = Text((Alternatives(choice, tuple(Text((one,)) for one in texts)),))
        return Entry(key, text, setting, option, self._written(key, setting) if setting is not None else "")

    def _place(self, name: str) -> tuple[str, Option | None, str] | None:
        """The full name of what is set; of an option its setting, and the name of the option."""
        section, _, key = name.partition(".")
        if name in self.params:
            return name, None, ""
        if section in self.sections and key:
            own = self.sections[section]
            if key in own:
                return name, None, ""
            outer, _, option = key.partition(".")
            setting = own.get(outer)
            if setting is not None and setting.kind.category and self._has(section, setting, option):
                return f"{section}.{outer}", setting, option
            return None
        if name in self.sections["train"]:
            return f"train.{name}", None, ""
        for setting in option_settings():
            if self._has("train", setting, name):
                return f"train.{setting.name}", setting, name
        return (f"data.{name}", None, "") if name in self.sections["data"] else None

    def _has(self, section: str, setting: Option, option: str) -> bool:
        return any(has_option(text, setting, option) for text in self._texts(section, setting))

    def _texts(self, section: str, setting: Option) -> list[str]:
        """The values of a setting in the sweep, and the one that the spec has."""
        names = (f"{section}.{setting.name}", setting.name)
        swept = [str(text) for name in names for text in self.values.get(name, ())]
        return [*swept, self._written(f"{section}.{setting.name}", setting)]

    def _written(self, key: str, setting: Option) -> str:
        value = setting_of(self.compilation.tree, key.partition(".")[0], setting)
        return value.span.text if value is not None else ""

    def _advice(self, name: str) -> str:
        section, _, key = name.partition(".")
        found = [o for s in option_settings() for text in self._texts("train", s) for o in _options(s, text)]
        inner = [option.name for option in found]
        if section in self.sections and key:
            names = [f"{section}.{one}" for one in self.sections[section]]
            names += [f"train.{one}" for one in inner] if section == "train" else []
            return suggest(name, names, what="settings", rest=f"see `netspec words {section}`")
        settings = [*self.sections["train"], *self.sections["data"], *inner]
        found += [option for own in self.sections.values() for option in own.values()]
        aliases = {squeeze(alias): option.name for option in found for alias in option.aliases}
        rest = "see `netspec words train`"
        return suggest(name, [*self.params, *settings], what="params and settings", aliases=aliases, rest=rest)


def _options(setting: Option, text: str) -> Iterator[Option]:
    for name, word in words(setting.kind.category or "").items():
        if name in text:
            yield from word.options()


def _check_values(name: str, values: Sequence[str], problems: Problems) -> None:
    shown = ",".join(map(str, values))
    seen: dict[Value, str] = {}
    if not values:
        problems.add(WrongSweep(case="value", name=name, text=shown))
    for value in values:
        if not value or parse_value(value) is None:
            advice = f"`{value}` is not a value" if value else "a value is missing between two commas, or at an end"
            problems.add(WrongSweep(case="value", name=name, text=shown, advice=advice))
            return
        same = _number(value)
        if same in seen:
            problems.add(WrongSweep(case="same", name=name, text=value))
            return
        seen[same] = value


def _number(text: str) -> Value:
    """What two texts have in common that mean the same value."""
    try:
        return float(text)
    except ValueError:
        return "".join(text.split())
