"""The text format of protobuf, in which Caffe describes networks and solvers, with the place of every field.

Input: a `Source`. Output: a `Message`, whose fields are in the order of the text. Which fields there
are is in `schema.py`. Reference: https://protobuf.dev/reference/protobuf/textformat-spec/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from netspec.interchange.configs.input_files import InputFile
from netspec.language.source import Source, Span
from netspec.language.text import shorten

MAX_DEPTH = 32
"""Messages inside of each other."""
MAX_INTEGER = 2**31 - 1
MAX_DIGITS = 400

_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|\#[^\n]*)+)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>-?\s*(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?|inf(?:inity)?\b|nan\b))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>[{}<>\[\]:;,])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|(.))")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_CLOSING = {"{": "}", "<": ">"}
_INTEGER = re.compile(r"-?(?:[0-9]{1,12}|0[xX][0-9a-fA-F]{1,12})")
_FLAGS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


@dataclass(frozen=True)
class Scalar:
    """A number, a text or a name, as it is written; `text` of a string has its quotes and escapes removed."""

    kind: str
    text: str
    span: Span


@dataclass
class Message:
    """The fields of a message. `span` is that of its name, or the start of the file."""

    name: str
    span: Span
    file: InputFile
    fields: list[Field] = field(default_factory=list)

    def all(self, *names: str) -> list[Scalar | Message]:
        """The values of a field, which may have several names, in their order."""
        return [found.value for found in self.fields if found.name in names]

    def messages(self, *names: str) -> list[Message]:
        """The messages of a field.

        Raises:
            CompileError: one of them is not a message (NS570).
        """
        found = []
        for value in self.all(*names):
            if isinstance(value, Scalar):
                raise self._wrong(value, names[0], "a message: `{ … }`")
            found.append(value)
        return found

    def message(self, name: str) -> Message:
        """A message that occurs once; empty if it does not occur. Several are joined, as protobuf does.

        Raises:
            CompileError: it is not a message (NS570).
        """
        found = self.messages(name)
        if len(found) == 1:
            return found[0]
        span = found[0].span if found else self.span
        return Message(name, span, self.file, [inner for part in found for inner in part.fields])

    def scalars(self, name: str) -> list[Scalar]:
        """The values of a field, which have to be scalars.

        Raises:
            CompileError: one of them is a message (NS570).
        """
        found = []
        for value in self.all(name):
            if isinstance(value, Message):
                raise self._wrong(value, name, "a value: `name: value`")
            found.append(value)
        return found

    def has(self, name: str) -> bool:
        """Whether a field occurs."""
        return any(found.name == name for found in self.fields)

    def place(self, name: str) -> Span:
        """The place of a field, or of the message."""
        return next((found.span for found in self.fields if found.name == name), self.span)

    def integers(self, name: str, low: int = 0) -> list[int]:
        """The integers of a repeated field, each of at least `low`.

        Raises:
            CompileError: one is not (NS570).
        """
        found = []
        for scalar in self.scalars(name):
            text = scalar.text.replace(" ", "")
            number = int(text, 16 if "x" in text.lower() else 10) if _INTEGER.fullmatch(text) else None
            if number is None or not low <= number <= MAX_INTEGER:
                raise self._wrong(scalar, name, f"an integer from {low} on")
            found.append(number)
        return found

    def integer(self, name: str, default: int, low: int = 0) -> int:
        """An integer of at least `low`; of several the last one counts.

        Raises:
            CompileError: it is not one (NS570).
        """
        return [default, *self.integers(name, low)][-1]

    def numbers(self, name: str) -> list[float]:
        """The numbers of a repeated field.

        Raises:
            CompileError: one of them is not a finite number (NS570).
        """
        found = []
        for scalar in self.scalars(name):
            text = scalar.text.replace(" ", "")
            is_number = scalar.kind == "number" and "x" not in text.lower() and len(text) <= MAX_DIGITS
            number = float(text.rstrip("fF")) if is_number and text[-1].lower() != "y" else math.inf
            if not math.isfinite(number):
                raise self._wrong(scalar, name, "a number")
            found.append(number)
        return found

    def number(self, name: str, default: float) -> float:
        """A number.

        Raises:
            CompileError: it is not a finite number (NS570).
        """
        return [default, *self.numbers(name)][-1]

    def flag(self, name: str, default: bool) -> bool:
        """Whether something is set.

        Raises:
            CompileError: it is not `true` or `false` (NS570).
        """
        for scalar in self.scalars(name)[-1:]:
            if scalar.kind == "string" or scalar.text.lower() not in _FLAGS:
                raise self._wrong(scalar, name, "`true` or `false`")
            return _FLAGS[scalar.text.lower()]
        return default

    def texts(self, name: str) -> list[str]:
        """The texts of a repeated field.

        Raises:
            CompileError: one of them is not in quotes (NS570).
        """
        found = []
        for scalar in self.scalars(name):
            if scalar.kind != "string":
                raise self._wrong(scalar, name, "a text in quotes")
            found.append(scalar.text)
        return found

    def text(self, name: str, default: str = "") -> str:
        """A text.

        Raises:
            CompileError: it is not in quotes (NS570).
        """
        return [default, *self.texts(name)][-1]

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the names of an enumeration, or its number; the first one by default.

        Raises:
            CompileError: it is another one (NS570).
        """
        for scalar in self.scalars(name)[-1:]:
            if scalar.kind == "number" and scalar.text.isdecimal() and len(scalar.text) < 4:
                index = int(scalar.text)
                if index < len(choices):
                    return choices[index]
            if scalar.kind == "string" or scalar.text not in choices:
                raise self._wrong(scalar, name, " or ".join(choices))
            return scalar.text
        return choices[0]

    def _wrong(self, value: Scalar | Message, name: str, wants: str) -> Exception:
        line = value.span.first.line
        given = f"`{shorten(value.text)}`" if isinstance(value, Scalar) else "a message"
        return self.file.bad(f"`{name}` in line {line} is {given}, not {wants}", f"write {wants}", value.span)


@dataclass(frozen=True)
class Field:
    """A field: its name, the place of the name, and its value."""

    name: str
    span: Span
    value: Scalar | Message


def parse_prototxt(source: Source, file: InputFile) -> Message:
    """The message of a text.

    Raises:
        CompileError: the text is not in the format (NS570).
    """
    return _Parser(source, file).parse()


class _Parser:
    def __init__(self, source: Source, file: InputFile) -> None:
        self.source, self.file = source, file
        self.tokens = self._tokens()
        self.kind, self.text, self.span = next(self.tokens)

    def parse(self) -> Message:
        message = Message("", Span(self.source, 0, 0), self.file)
        while self.kind != "end":
            self._field(message, 0)
        return message

    def _tokens(self) -> Iterator[tuple[str, str, Span]]:
        text, at = self.source.text, 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            span = Span(self.source, at, found.end() if found else at + 1)
            if found is None:
                what = "a text without its closing quote" if text[at] in "\"'" else f"unexpected `{shorten(text[at])}`"
                raise self._wrong(what, span)
            at = found.end()
            if found.lastgroup != "space":
                yield str(found.lastgroup), found[0], span
        yield "end", "", Span(self.source, at, at)

    def _wrong(self, what: str, span: Span, advice: str = "") -> Exception:
        return self.file.bad(f"{what} in line {span.first.line}", advice, span)

    def _next(self) -> tuple[str, str, Span]:
        token = self.kind, self.text, self.span
        if self.kind != "end":
            self.kind, self.text, self.span = next(self.tokens)
        return token

    def _accept(self, signs: str) -> str:
        """The sign that is next, if it is one of these."""
        if self.kind == "sign" and self.text in signs:
            return self._next()[1]
        return ""

    def _field(self, message: Message, depth: int) -> None:
        kind, name, span = self._next()
        if kind != "name":
            what = (
                "the name of a field is missing" if kind == "end" else f"`{shorten(name)}` is not the name of a field"
            )
            raise self._wrong(what, span, "fields are written `name: value` or `name { … }`")
        has_colon = bool(self._accept(":"))
        if self._accept("["):
            while not self._accept("]"):
                message.fields.append(Field(name, span, self._value(name, span, has_colon, depth)))
                if not self._accept(",") and not (self.kind == "sign" and self.text == "]"):
                    raise self._wrong("a list is not closed", self.span, "write `[1, 2]`")
        else:
            message.fields.append(Field(name, span, self._value(name, span, has_colon, depth)))
        self._accept(",;")

    def _value(self, name: str, span: Span, has_colon: bool, depth: int) -> Scalar | Message:
        if opening := self._accept("{<"):
            return self._message(name, span, _CLOSING[opening], depth + 1)
        kind, text, place = self._next()
        if not has_colon or kind in ("sign", "end"):
            raise self._wrong(f"`{shorten(name)}` has no value", span, f"write `{shorten(name)}: …`")
        if kind == "string":
            parts = [text]
            while self.kind == "string":
                parts.append(self._next()[1])
            text = "".join(unescaped(part[1:-1]) for part in parts)
        return Scalar(kind, text, place)

    def _message(self, name: str, span: Span, closing: str, depth: int) -> Message:
        if depth > MAX_DEPTH:
            raise self._wrong(f"more than {MAX_DEPTH} messages inside of each other", span)
        message = Message(name, span, self.file)
        while not self._accept(closing):
            if self.kind == "end":
                raise self._wrong(f"`{shorten(name)} {{` is not closed", span, f"add a `{closing}`")
            self._field(message, depth)
        return message


def unescaped(text: str) -> str:
    """A text between quotes, with its escapes replaced."""

    def character(found: re.Match[str]) -> str:
        octal, hexadecimal, other = found.groups()
        if octal or hexadecimal:
            return chr(int(octal, 8) if octal else int(hexadecimal, 16))
        return _ESCAPED.get(other, other)

    return _ESCAPE.sub(character, text)
