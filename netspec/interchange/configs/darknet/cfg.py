"""The text of a cfg: sections in brackets, each with options, as Darknet reads them.

Darknet removes all spaces, ignores lines that begin with `#` or `;`, and reads numbers up to the first character that
does not belong to one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from netspec.interchange.configs.input_files import InputFile
from netspec.language.source import Source, Span
from netspec.language.text import shorten

_INTEGER = re.compile(r"[+-]?\d{1,9}(?![\d.eE])")
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,60}|\.\d{1,60})(?:[eE][+-]?\d{1,3})?")


@dataclass(frozen=True)
class Option:
    """The text of an option, without spaces, and its place."""

    text: str
    span: Span


@dataclass
class Section:
    """A section: what it is (`convolutional`), the place of its name, and its options.

    `used` are the options that were asked for: the others are unknown.
    """

    kind: str
    span: Span
    file: InputFile
    options: dict[str, Option] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def text(self, name: str, default: str) -> str:
        """The text of an option."""
        self.used.add(name)
        return self.options[name].text if name in self.options else default

    def place(self, name: str) -> Span:
        """The place of an option, or of the section."""
        return self.options[name].span if name in self.options else self.span

    def integer(self, name: str, default: int, low: int = 0) -> int:
        """An integer of at least `low`.

        Raises:
            CompileError: it is not one (NS570).
        """
        text = self.text(name, str(default))
        found = _INTEGER.fullmatch(text)
        if found is None or int(text) < low:
            raise self.wrong(name, f"an integer from {low} on")
        return int(text)

    def number(self, name: str, default: float) -> float:
        """A number.

        Raises:
            CompileError: it is not one (NS570).
        """
        text = self.text(name, repr(default))
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            raise self.wrong(name, "a number")
        return float(text)

    def flag(self, name: str) -> bool:
        """Whether an option is set, to any number but 0."""
        return bool(self.integer(name, 0, low=-(10**9)))

    def integers(self, name: str) -> list[int]:
        """A list of integers, separated by commas; empty if there is none.

        Raises:
            CompileError: it is not one (NS570).
        """
        parts = [part for part in self.text(name, "").split(",") if part]
        if not all(_INTEGER.fullmatch(part) for part in parts):
            raise self.wrong(name, "a list of integers, such as -1,36")
        return [int(part) for part in parts]

    def numbers(self, name: str) -> list[float]:
        """A list of numbers, separated by commas; empty if there is none.

        Raises:
            CompileError: it is not one (NS570).
        """
        parts = [part for part in self.text(name, "").split(",") if part]
        if not all(_NUMBER.fullmatch(part) for part in parts):
            raise self.wrong(name, "a list of numbers, such as .1,.1")
        return [float(part) for part in parts]

    def wrong(self, name: str, wants: str) -> Exception:
        """The error that says what an option takes (NS570), to be raised."""
        given = self.options[name]
        line = given.span.first.line
        reason = f"`{name}` in line {line} is `{shorten(given.text)}`, not {wants}"
        return self.file.bad(reason, f"write {wants}", given.span)


def parse_cfg(source: Source, file: InputFile) -> list[Section]:
    """The sections of a cfg, the first of which is `net`.

    Raises:
        CompileError: it is not in the format (NS570).
    """
    sections: list[Section] = []
    for start, line in zip(source.line_starts, source.text.split("\n"), strict=True):
        text = "".join(line.split())
        if not text or text[0] in "#;":
            continue
        begin = start + len(line) - len(line.lstrip())
        span = Span(source, begin, start + len(line.rstrip()))
        text = re.split("[#;]", text, maxsplit=1)[0]
        if text.startswith("["):
            if not text.endswith("]"):
                raise file.bad(f"a section is not closed in line {span.first.line}", "write `[convolutional]`", span)
            sections.append(Section(text[1:-1], span, file))
            continue
        name, sign, value = text.partition("=")
        if not sign or not name:
            wants = "options are written `filters=32`, and sections `[convolutional]`"
            raise file.bad(f"line {span.first.line} is neither an option nor a section", wants, span)
        if not sections:
            raise file.bad(f"the option in line {span.first.line} is before the first section", "add `[net]`", span)
        sections[-1].options[name] = Option(value, span)
    if not sections or sections[0].kind not in ("net", "network"):
        first = sections[0].span if sections else None
        raise file.bad("it does not begin with the section `[net]`", "give the cfg of a network", first)
    return sections
