"""From the section `tune` of a spec to a space.

Input: the syntax tree of `params { }` and `train { }` in it. Output: a `Space`, and diagnostics at their places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from netspec.compiler.names.given import setting_of
from netspec.compiler.syntax import tree
from netspec.language.corrections import corrections, suggest
from netspec.language.diagnostics import Note, Problems
from netspec.language.kinds import Count, Number
from netspec.language.source import Span
from netspec.language.values import to_source
from netspec.language.vocabulary import words
from netspec.language.word import Option, Word
from netspec.search.errors import UnknownTuned, WrongRange
from netspec.search.spaces.space import (
    COMPARISONS,
    Alternatives,
    Choice,
    Conditional,
    Entry,
    Part,
    Range,
    Space,
    Text,
    Value,
    has_option,
    option_settings,
)
from netspec.spec.compilation import Compilation

RANGES = ("int", "uniform", "log")
OTHER_NAMES = {
    **dict.fromkeys(["loguniform", "logspace", "logint", "qloguniform", "suggestloguniform"], "log"),
    **dict.fromkeys(["float", "suggestfloat", "real", "range", "quniform"], "uniform"),
    **dict.fromkeys(["randint", "integer", "suggestint", "intuniform"], "int"),
}
"""What ranges are called in other libraries, squeezed."""
KEPT = ("seed", "seeds", "init", "tensorboard", "init_parts")
"""Settings of `train` that are the same for all trials."""


def read_space(compilation: Compilation, problems: Problems) -> Space:
    """The space that the section `tune` describes; what is wrong in it is added to the problems."""
    block = compilation.resolution.settings.get("tune")
    inner = block.inner if block is not None else {}
    reader = _Reader(compilation, problems)
    sections = {name: inner[name] for name in ("params", "train") if name in inner}
    entries = [entry for name, section in sections.items() for entry in reader.section(name, section)]
    return Space(tuple(sorted(entries, key=lambda entry: entry.setting is not None)))


class _Reader:
    def __init__(self, compilation: Compilation, problems: Problems) -> None:
        self.compilation, self.problems = compilation, problems
        self.params = {p.name: p for p in compilation.resolution.params}
        self.train = {o.name: o for o in words("section")["train"].options()}
        self.names: dict[str, Span] = {}
        """Of dimensions, each once."""

    def section(self, name: str, section: tree.Section) -> Iterator[Entry]:
        given: dict[str, Span] = {}
        for entry in self._in_order(section):
            if not isinstance(entry, tree.Assign):
                advice = "write ranges as `name = int(1, 4)`"
                self.problems.add(WrongRange(span=entry.span, text=_one_line(entry), advice=advice))
                continue
            key = entry.name.name
            if key in given:
                note = Note(given[key], "given here")
                self.problems.add(UnknownTuned(span=entry.name.span, notes=(note,), case="twice", name=key))
                continue
            given[key] = entry.name.span
            made = self._param(entry) if name == "params" else self._setting(entry, section)
            if made is not None:
                yield made

    def _in_order(self, section: tree.Section) -> list[tree.Statement]:
        """Settings before the options of their words, which depend on them."""
        return sorted(section.entries, key=lambda e: isinstance(e, tree.Assign) and e.name.name not in self.train)

    def _param(self, entry: tree.Assign) -> Entry | None:
        key = entry.name.name
        if key not in self.params:
            fixes = corrections(entry.name.span, self.params)
            advice = suggest(key, self.params, what="params of the file") or f"add `param {key} = …`"
            if key in self.train:
                advice = f"`{key}` is a setting: give its range in `train {{ }}` inside of `tune`"
            self.problems.add(UnknownTuned(span=entry.name.span, name=key, advice=advice, fixes=fixes))
            return None
        if key in self.compilation.overrides:
            self._decided(entry, key)
            return None
        default = self.params[key].expression
        text = self._value(entry.value, key, is_whole=not _is_float(default))
        return None if text is None else Entry(key, text)

    def _setting(self, entry: tree.Assign, section: tree.Section) -> Entry | None:
        key = entry.name.name
        option = self.train.get(key)
        if option is not None and key not in KEPT:
            if f"train.{key}" in self.compilation.overrides:
                self._decided(entry, f"train.{key}")
                return None
            name = key if key not in self.params else f"train.{key}"
            text = self._value(entry.value, name, is_whole=not isinstance(option.kind, Number), category=option)
            return None if text is None else Entry(f"train.{key}", text)
        for setting in option_settings():
            written = self._texts(setting, section)
            if key not in KEPT and any(has_option(text, setting, key) for text in written):
                name = key if key not in self.params else f"train.{key}"
                text = self._value(entry.value, name, is_whole=_takes_integers(setting, key))
                own = written[-1]
                return None if text is None else Entry(f"train.{setting.name}", text, setting, key, own)
        known = [name for name in self.train if name not in KEPT]
        options = [o.name for s in option_settings() for text in self._texts(s, section) for o in _options(s, text)]
        fixes = corrections(entry.name.span, [*known, *options])
        advice = suggest(key, [*known, *options], what="settings", rest="see `netspec words train`")
        if key in KEPT:
            advice, fixes = "it is the same for all trials: set it in the section `train`", ()
        self.problems.add(UnknownTuned(span=entry.name.span, case="train", name=key, advice=advice, fixes=fixes))
        return None

    def _decided(self, entry: tree.Assign, key: str) -> None:
        advice = f"remove -D {key}=…, or its range"
        self.problems.add(UnknownTuned(span=entry.name.span, case="order", name=key, advice=advice))

    def _texts(self, setting: Option, section: tree.Section) -> list[str]:
        """The values of a setting in a search, at last the one that the spec has."""
        ranges = [e.value for e in section.entries if isinstance(e, tree.Assign) and e.name.name == setting.name]
        items = ranges[0].items if ranges and isinstance(ranges[0], tree.Branches) else ()
        own = setting_of(self.compilation.tree, "train", setting)
        return [*(_one_line(item) for item in items), _one_line(own) if own is not None else ""]

    # ------------------------------------------------------------ ranges

    def _value(
        self, node: tree.Expression, name: str, *, is_whole: bool, category: Option | None = None
    ) -> Text | None:
        """The text of a value with its dimensions; None and a diagnostic where nothing in it varies."""
        while isinstance(node, tree.Group):
            node = node.inner
        before = len(self.problems)
        text = self._text(node, name, is_whole=is_whole)
        if len(self.problems) > before:
            return None
        if not any(text.dimensions()):
            is_single = isinstance(node, tree.Number | tree.String | tree.Boolean | tree.Name | tree.Chain)
            self.problems.add(self._wrong(node, "fixed" if is_single else ""))
            return None
        return text

    def _text(self, node: tree.Expression, name: str, *, is_whole: bool = True) -> Text:
        parts: list[Part] = []
        end = node.span.start
        for hole, path in self._holes(node, name):
            parts.append(node.span.source.text[end : hole.span.start])
            end = hole.span.end
            if isinstance(hole, tree.Branches):
                parts.append(self._alternatives(hole, path))
            elif isinstance(hole, tree.IfElse):
                parts += self._conditional(hole, path, is_whole=is_whole)
            elif (found := self._range(hole, path, is_whole=is_whole or hole is not node)) is not None:
                parts.append(found)
        parts.append(node.span.source.text[end : node.span.end])
        return Text(tuple(part for part in parts if part != ""))

    def _holes(self, node: tree.Node, name: str) -> Iterator[tuple[tree.Branches | tree.Call | tree.IfElse, str]]:
        """The outermost ranges, choices and conditions in a value, each with its name."""
        if isinstance(node, tree.Branches | tree.IfElse) or (isinstance(node, tree.Call) and self._is_range(node)):
            yield node, name
        elif isinstance(node, tree.Call):
            function = node.function.span.text
            for index, argument in enumerate(node.arguments):
                own = argument.name.name if argument.name is not None else _positional(function, index)
                yield from self._holes(argument.value, f"{function}.{own}")
        else:
            for child in node.children():
                yield from self._holes(child, name)

    def _is_range(self, node: tree.Call) -> bool:
        name = node.function.span.text
        if name in RANGES:
            return True
        if name.replace("_", "").lower() in OTHER_NAMES:
            self.problems.add(self._wrong(node, ""))
        return False

    def _wrong(self, node: tree.Expression, case: str, **fields: Any) -> WrongRange:
        name = node.function.span.text if isinstance(node, tree.Call) else ""
        meant = OTHER_NAMES.get(name.replace("_", "").lower())
        if isinstance(node, tree.ListLiteral) and len(node.items) > 1:
            choices = " | ".join(_one_line(item) for item in node.items)
            return WrongRange(span=node.span, text=_one_line(node), advice=f"write it as a choice: `({choices})`")
        advice = f"did you mean `{meant}`?" if meant else "write `int(1, 4)`, `uniform(0, 0.5)`, `log(1e-4, 1e-1)`, "
        advice += "" if meant else "or values to choose from: `(a | b)`"
        span = node.function.span if isinstance(node, tree.Call) and meant else node.span
        return WrongRange(span=span, case=case, **{"text": _one_line(node), "advice": advice, **fields})

    def _range(self, node: tree.Call, name: str, *, is_whole: bool) -> Range | None:
        word = node.function.span.text
        ends = [_number(a.value) for a in node.arguments if a.name is None]
        if len(ends) != 2 or None in ends:
            self.problems.add(self._wrong(node, "ends", word=word))
            return None
        low, high = (end for end in ends if end is not None)
        shown = {"low": to_source(low), "high": to_source(high)}
        are_whole = isinstance(low, int) and isinstance(high, int)
        step: object = 1 if word == "int" or (word == "log" and are_whole and is_whole) else 0
        for argument in node.arguments:
            if argument.name is not None and (argument.name.name != "step" or word != "int"):
                wrong = WrongRange(span=argument.name.span, case="option", word=word, text=argument.name.name)
                self.problems.add(wrong)
                return None
            if argument.name is not None:
                step = _number(argument.value)
        case = "integers" if word == "int" and not are_whole else "log" if word == "log" and low <= 0 else ""
        case = case or ("empty" if low > high else "equal" if low == high else "")
        if not case and (not isinstance(step, int) or not (0 <= step <= high - low) or (word == "int" and not step)):
            case, shown["high"] = "step", to_source(high - low)
        if case:
            self.problems.add(self._wrong(node, case, word=word, **shown))
            return None
        assert isinstance(step, int)
        return Range(self._named(name, node.span), low, high, word == "log", step, node.span)

    def _conditional(self, node: tree.IfElse, name: str, *, is_whole: bool) -> list[Part]:
        """`RANGE if NAME == VALUE else OTHER`, where NAME is decided before."""
        test = node.condition.inner if isinstance(node.condition, tree.Group) else node.condition
        is_known = isinstance(test, tree.Binary) and test.operator in COMPARISONS and test.left.span.text in self.names
        if not isinstance(test, tree.Binary) or not is_known:
            advice = "a condition compares a range above it with a value, as in `int(1, 4) if kind == deep else 1`"
            advice += f"\nranges above: {', '.join(self.names)}" if self.names else ""
            self.problems.add(WrongRange(span=test.span, text=_one_line(test), advice=advice))
            return []
        number = _number(test.right)
        value: Value = _one_line(test.right) if number is None else number
        then, otherwise = (self._text(item, name, is_whole=is_whole) for item in (node.then, node.otherwise))
        return [Conditional(test.left.span.text, test.operator, value, then, otherwise)]

    def _alternatives(self, node: tree.Branches, name: str) -> Alternatives:
        named = self._named(name, node.span)
        texts = [self._text(item, name) for item in node.items]
        labels = [_one_line(item) if not any(text.dimensions()) else _head(item)
                  for item, text in zip(node.items, texts, strict=True)]  # fmt: skip
        if len(set(labels)) < len(labels):
            labels = [_one_line(item) for item in node.items]
        for index, label in enumerate(labels):
            if label in labels[:index]:
                self.problems.add(WrongRange(span=node.items[index].span, case="same", text=label))
        return Alternatives(Choice(named, tuple(labels), node.span), tuple(texts))

    def _named(self, name: str, span: Span) -> str:
        """The name of a dimension; a second one of the same name has a number."""
        number, found = 2, name
        while found in self.names:
            found, number = f"{name}_{number}", number + 1
        self.names[found] = span
        return found


def _one_line(node: tree.Node) -> str:
    return " ".join(node.span.text.split())


def _head(node: tree.Expression) -> str:
    """What a value is called: its words without arguments, or the whole of it."""
    if isinstance(node, tree.Chain):
        return " -> ".join(map(_head, node.items))
    return node.function.span.text if isinstance(node, tree.Call) else _one_line(node)


def _number(node: tree.Expression) -> int | float | None:
    if isinstance(node, tree.Unary) and node.operator == "-" and isinstance(node.operand, tree.Number):
        return -node.operand.value
    return node.value if isinstance(node, tree.Number) else None


def _is_float(node: tree.Expression | None) -> bool:
    return isinstance(node, tree.Number) and isinstance(node.value, float)


def _positional(function: str, index: int) -> str:
    """The name of a positional option of a word, which may be one of several categories."""
    found: list[type[Word]] = [
        words(category)[function]
        for category in ("optimizer", "schedule", "loss", "layer")
        if function in words(category)
    ]
    return next((o.name for word in found for o in word.options() if o.position == index), str(index + 1))


def _options(setting: Option, text: str) -> Iterator[Option]:
    for name in re.findall(r"[a-z_]\w*", text):
        if name in words(setting.kind.category or ""):
            yield from words(setting.kind.category or "")[name].options()


def _takes_integers(setting: Option, key: str) -> bool:
    """Whether an option of a word of a setting takes integers alone."""
    options = [o for word in words(setting.kind.category or "").values() for o in word.options() if o.name == key]
    return bool(options) and all(isinstance(o.kind, Count) for o in options)
