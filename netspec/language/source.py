"""Text and places in it: `Source` (a name and a text) and `Span` (two offsets into a source).

Line and column are computed on demand, so that the parser does not pay for them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from netspec.language.files.regular_file import Limit, read_regular
from netspec.language.record import Frozen
from netspec.language.text import Excerpt, cells, printable, unix_lines, wrap

LIMIT = Limit("NETSPEC_MAX_SPEC_MB", 16, "MB", 10**6)
"""The largest text of a spec."""


class Source(Frozen, eq=False, dict=True):
    """A text and the name under which messages show it.

    `path` is the file it was read from (`use` and data files are found relative to it), or None for a string.
    """

    name: str
    text: str
    path: Path | None = None

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read a file as UTF-8.

        Raises:
            OSError: the file cannot be read; `Refused`: it is a folder, a pipe or a device, or larger than the limit.
            UnicodeDecodeError: the file is not text.
        """
        return cls.decode(str(path), read_regular(path, LIMIT), path)

    @classmethod
    def decode(cls, name: str, content: bytes, path: Path | None = None) -> Source:
        """The text that is in UTF-8 in `content`; every line ends in a newline character.

        Raises:
            UnicodeDecodeError: it is not text.
        """
        text = content.decode("utf-8-sig")
        return cls(name, unix_lines(text), path)

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    @property
    def folder(self) -> Path:
        """The folder that relative file names start from."""
        return self.path.parent if self.path is not None else Path()

    @cached_property
    def identity(self) -> str:
        """The same for two sources of one file, however its name is written."""
        return str(self.path.resolve()) if self.path is not None else self.name

    @cached_property
    def line_starts(self) -> list[int]:
        return [0, *(i + 1 for i, character in enumerate(self.text) if character == "\n")]

    def position(self, offset: int) -> Position:
        """The line and column (both from 1) of an offset."""
        line = bisect_right(self.line_starts, offset)
        return Position(line, offset - self.line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """The text of a line (from 1), without its line end."""
        return self.text[self.line_starts[number - 1] :].partition("\n")[0].rstrip("\r")


class Position(Frozen):
    """A line and a column, both counted from 1."""

    line: int
    column: int


class Span(Frozen):
    """The characters from `start` up to, not including, `end` of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def first(self) -> Position:
        return self.source.position(self.start)

    @property
    def last(self) -> Position:
        """The position after the last character."""
        return self.source.position(self.end)

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of another."""
        return Span(self.source, self.start, max(self.end, other.end))


def place_lines(
    span: Span, marks: Sequence[tuple[Span, str, str]], paint: Callable[[str, str], str], width: int | None
) -> Iterator[str]:
    """The lines of a source with carets below them, for a message.

    Args:
        span: the place that the message is about.
        marks: this place and others, each with its label and its style: "note" is drawn with dashes.
        paint: colors a text in a style.
        width: columns of the terminal; None: only source lines are shortened.
    """
    marks = sorted(marks, key=lambda m: (m[0].source is not span.source, m[0].start))
    gutter = max(len(str(m[0].first.line)) for m in marks) + 1
    room = (MAX_WIDTH if width is None else max(MIN_WIDTH, width)) - gutter - 4
    source: Source | None = None
    line, excerpt = 0, None
    for place, label, style in marks:
        first = place.first
        if source is None or place.source is not source:
            shown = span if source is None else place
            yield f"  {paint('-->', 'gutter')} {printable(shown.source.name)}:{shown.first.line}:{shown.first.column}"
            source, excerpt = place.source, None
        start, end = _within_line(place)
        if excerpt is None or line != first.line or not excerpt.covers(start):
            line, excerpt = first.line, Excerpt.around(place.source.line(first.line), start, end, room)
            yield f" {paint(f'{line:>{gutter}} |', 'gutter')} {excerpt.text}".rstrip()
        mark = ("-" if style == "note" else "^") * excerpt.columns(start, end)
        for text in _marked(excerpt.column(start), mark, printable(label), room if width is not None else None):
            indent = len(text) - len(text.lstrip())
            yield f" {paint(' ' * gutter + ' |', 'gutter')} {text[:indent]}{paint(text[indent:], style)}"


MAX_WIDTH, MIN_WIDTH = 140, 40
"""Longer lines of a source are cut around the place in question; narrower terminals break lines themselves."""


def _within_line(place: Span) -> tuple[int, int]:
    """The first and the last character of a place in its first line, from 0."""
    first, last = place.first, place.last
    end = last.column if last.line == first.line else len(place.source.line(first.line).rstrip()) + 1
    return first.column - 1, end - 1


def _marked(column: int, mark: str, label: str, room: int | None) -> list[str]:
    """The carets with their label: beside them, or in lines below where it does not fit."""
    beside = f"{' ' * column}{mark} {label}".rstrip()
    if room is None or cells(beside) <= room:
        return [beside]
    indent = " " * max(0, min(column, room - cells(label), room // 2))
    return [" " * column + mark, *wrap(indent + label, room, indent)]
