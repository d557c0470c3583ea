"""Values that are given from outside of a spec, on the command line or in Python: how messages show them, and what to
give instead of a name that is not known."""

from __future__ import annotations

import re

from netspec.compiler.names.hints.foreign import rewrite
from netspec.compiler.names.hints.settings import (
    find_meanings,
    find_option,
    merged_text,
    parse_value,
    with_option_of_setting,
)
from netspec.compiler.names.hints.tables import SETTINGS
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.language.corrections import is_misspelling, nearest, squeeze
from netspec.language.diagnostics import Problems
from netspec.language.source import Source, Span
from netspec.language.vocabulary import words
from netspec.language.word import Option


class ParamsText(str):
    """A value in `params={…}` of a Python function, as it is written in a spec."""


class KeywordText(ParamsText):
    """A keyword argument such as `epochs=3` of `netspec.train`; `call` is what messages show around it."""

    call = "netspec.train(…, {})"


class Given(Source, eq=False, dict=True):
    """A name and its value from outside of the file, as a text that messages point at."""

    key: str = ""
    value: str = ""

    @classmethod
    def of(cls, key: str, value: str) -> Given:
        if not isinstance(value, ParamsText):
            return cls("command line", f"-D {key}={value}", key=key, value=value)
        text = _in_python(key, value, value)
        if isinstance(value, KeywordText) and _is_keyword(key, value):
            text = value.call.format(text)
        return cls("Python", text, key=key, value=value)

    def value_source(self, text: str) -> GivenValue:
        """The value by itself, as a text that messages point at."""
        name = "--data" if self.key == "data.source" else f"-D {self.key}"
        if isinstance(self.value, ParamsText):
            name = f"Python: {self.key.removeprefix('train.') if _is_keyword(self.key, self.value) else self.key}"
        return GivenValue(name, text, given=self)

    def span(self, part: str) -> Span:
        """The place of the key, or of the end of it."""
        shown = self.key.removeprefix("train.") if _is_keyword(self.key, self.value) else self.key
        end = self.text.index(shown) + len(shown)
        return Span(self, end - min(len(part), len(shown)), end)

    def write(self, key: str, value: str) -> str:
        """How another name or value is given in the same way."""
        if isinstance(self.value, ParamsText):
            return _in_python(key, value, self.value)
        if key == "data.source":
            return f"--data '{value}'" if '"' in value else f"--data {value}"
        text = f"{key}={value}"
        if re.fullmatch(r"[\w.=:/,+%-]+", text):
            return f"-D {text}"
        return f"-D '{text}'" if '"' in text else f'-D "{text}"'


class GivenValue(Source, eq=False, dict=True):
    """The text of a value that is given from outside of the file."""

    given: Given | None = None

    def write(self, span: Span, text: str) -> str | None:
        """How a text is given instead of the whole value; None for a part of it."""
        is_whole = span.text == self.text.strip()
        return self.given.write(self.given.key, text) if is_whole and self.given is not None else None


def _is_keyword(key: str, like: str) -> bool:
    return isinstance(like, KeywordText) and re.fullmatch(r"train\.\w+", key) is not None


def _in_python(key: str, value: str, like: str) -> str:
    """A keyword argument, or `params={…}` for what is not a setting of `train`."""
    shown = f"'{value}'" if '"' in value else f'"{value}"'
    if value in ("true", "false"):
        shown = value.title()
    elif re.fullmatch(r"-?[0-9.]+([eE]-?[0-9]+)?|\[[-0-9., ]*\]", value):
        shown = value
    return f"{key.removeprefix('train.')}={shown}" if _is_keyword(key, like) else f'params={{"{key}": {shown}}}'


def advise_given(given: Given, value: tree.Expression, file: tree.File) -> str:
    """What to give instead of a name that is neither a `param` nor a setting: the setting of that name, here or in
    another library, an option of one of its words, or the nearest name; empty where none is near."""
    before, _, key = given.key.rpartition(".")
    first, params = before.partition(".")[0], [s.name.name for s in file.statements if isinstance(s, tree.Param)]
    if key in params:
        return f"did you mean `{given.write(key, given.value)}`?"
    sections = sorted(words("section").items(), key=lambda pair: pair[0] != first)
    for name, section in sections:
        if (option := find_option(section, key)) is not None:
            return f"did you mean `{given.write(f'{name}.{option.name}', rewrite(value, option.kind))}`?"
    entry = tree.Assign(span=value.span, name=tree.Name(span=value.span, name=key), value=value)
    for name, section in sections:
        options = find_meanings(section, entry, entries_of(file, name))
        if texts := list(filter(None, (_as_option(given, name, option, entry, file) for option in options))):
            return "\nor ".join(f"write `{text}`" for text in texts)
    if SETTINGS.get(squeeze(key), "").startswith("remove it"):
        return SETTINGS[squeeze(key)]
    known = {o.name: f"{name}.{o.name}" for name, section in sections for o in section.options()}
    close = nearest(key, params) or next((full for name, full in known.items() if is_misspelling(key, name)), None)
    return f"did you mean `{given.write(close, given.value)}`?" if close is not None else ""


def advise_given_text(name: str, text: str) -> str:
    """As `advise_given`, for a value that is given without `-D`, and before a file is read."""
    value = parse_value(text)
    if value is None:
        return ""
    return advise_given(Given.of(name, text), value, parse_source(Source("", ""), Problems()))


def entries_of(file: tree.File, name: str) -> tuple[tree.Statement, ...]:
    """What is in a section of a file."""
    sections = (s for s in file.statements if isinstance(s, tree.Section) and s.name.name == name)
    return next((s.entries for s in sections), ())


def _entry_of(file: tree.File, section: str, option: Option) -> tree.Assign | None:
    entries = (e for e in entries_of(file, section) if isinstance(e, tree.Assign))
    return next((e for e in entries if e.name.name == option.name), None)


def setting_of(file: tree.File, section: str, option: Option) -> tree.Expression | None:
    """The value of a setting as it is written here, or its default; None where it has none."""
    if (entry := _entry_of(file, section, option)) is not None:
        text = rewrite(entry.value, option.kind)
        return entry.value if text == entry.value.span.text else parse_value(text)
    return None if option.is_required or option.default is None else parse_value(option.kind.to_source(option.default))


def _as_option(given: Given, section: str, option: Option, entry: tree.Assign, file: tree.File) -> str:
    """How an option of a word of a setting is given, or a further word."""
    name = f"{section}.{option.name}"
    value = setting_of(file, section, option)
    changed = with_option_of_setting(value, option, entry.name.name, given.value) if value is not None else None
    if changed is None:
        text = merged_text(option, entry, _entry_of(file, section, option))
        return given.write(name, text) if text else ""
    if isinstance(given.value, KeywordText):
        return given.write(name, changed[1])
    return given.write(f"{name}.{changed[0].name}", given.value)
