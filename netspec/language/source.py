"""Text and places in it: `Source` (a name and a text) and `Span` (two offsets into a source).

Line and column are computed on demand, so that the parser does not pay for them.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from pathlib import Path

from netspec.language.record import Frozen


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
            OSError: the file cannot be read.
            UnicodeDecodeError: the file is not text.
        """
        return cls(str(path), path.read_text(encoding="utf-8-sig"), path)

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
