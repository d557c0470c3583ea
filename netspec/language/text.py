"""Text for a terminal: lines that end at a word, excerpts of long lines, nothing that would control the terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from netspec.language.record import Frozen

MAX_WORD = 300
"""Longer names are shortened in messages."""
MAX_VALUE = 2_000
"""The same for a value of several words."""
TAB = "    "


def unix_lines(text: str) -> str:
    """The text with lines that end in a newline character, whatever system it comes from."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shorten(value: Any, limit: int = MAX_VALUE) -> Any:
    """A value for a message: of a long text, or of a long word in it, the middle is replaced by `…`."""
    if not isinstance(value, str) or len(value) <= MAX_WORD:
        return value
    text = re.sub(rf"\S{{{MAX_WORD + 1},}}", lambda word: _middle_out(word[0], MAX_WORD), value)
    return _middle_out(text, limit)


def _middle_out(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit * 2 // 3]}…{text[-limit // 4 :]}"


def printable(text: str) -> str:
    """The text with characters that control a terminal, or the direction of writing, as escapes such as `\\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _is_shown(character) else _escape(character) for character in text)


def encodable(text: str) -> str:
    """The text with what UTF-8 cannot encode as escapes such as `\\udcff`: names of files may be of any bytes."""
    return text.encode("utf-8", "backslashreplace").decode()


def json_text(value: Any) -> str:
    """Plain data as JSON in several lines; see `json_line`."""
    return json_line(value, indent=2) + "\n"


def json_line(value: Any, indent: int | None = None) -> str:
    """Plain data as JSON which UTF-8 can encode, and which gives equal data when it is read."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return re.sub(r"[\ud800-\udfff]", lambda found: json.dumps(found[0])[1:-1], text)


def _is_shown(character: str) -> bool:
    joins_emoji = character in "\u200c\u200d"
    return character.isprintable() or character == "\n" or joins_emoji or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def cells(text: str) -> int:
    """The columns that a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, width: int, *, right: bool = False) -> str:
    """A text in a column of a table; on the right side of it where numbers are."""
    space = " " * (width - cells(text))
    return space + text if right else text + space


def truncated(text: str, width: int) -> str:
    """A name in a column that is too narrow for it: its beginning, and `…`."""
    if cells(text) <= width:
        return text
    while cells(text) > width - 1:
        text = text[:-1]
    return text + "…"


PIECE = re.compile(r"(\s*)((?:`[^`\n]*`|\S)+)")
"""A word with the space before it; code between backticks counts as one word."""


def wrap(text: str, width: int, rest: str = "") -> list[str]:
    """A line as lines of at most `width` columns.

    It is broken at spaces only, and in code between backticks only where that is longer than a line; a longer word is
    left whole.

    Args:
        text: one line, which may begin with spaces.
        width: columns of the terminal.
        rest: the indentation of all lines but the first.
    """
    lines, line = [], ""
    for gap, piece in _pieces(text, width - len(rest)):
        if line.strip() and cells(line) + cells(gap) + cells(piece) > width:
            lines.append(line)
            line = rest + piece
        else:
            line += gap + piece
    return [*lines, line]


def _pieces(text: str, room: int) -> Iterable[tuple[str, str]]:
    for gap, piece in PIECE.findall(text):
        if cells(piece) <= room:
            yield gap, piece
        else:
            yield from ((space or gap, word) for space, word in re.findall(r"(\s*)(\S+)", gap + piece))


def wrap_block(text: str, width: int | None, rest: str = "") -> str:
    """A text of several lines with each one wrapped; None leaves it as it is."""
    if width is None:
        return text
    return "\n".join(part for line in text.split("\n") for part in wrap(line, width, rest))


def wrap_lines(text: str, width: int) -> str:
    """Lines of source or of a report, wrapped: what continues a line is indented further, and an option is not parted
    from its value."""
    lines = []
    for line in text.split("\n"):
        rest = " " * (len(line) - len(line.lstrip()) + 4)
        name, sign, value = line.partition(" = ")
        joined = name + sign + value.replace(" = ", "\0=\0")
        lines += [part.replace("\0", " ") for part in wrap(joined, width, rest)]
    return "\n".join(lines)


def fit_columns(rows: Sequence[Sequence[str]], width: int | None, gap: int = 2) -> list[int]:
    """How wide the columns of a table are: as their cells, or less for the widest of them where the table would be
    wider than the terminal."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    while width is not None and sum(widths) + gap * (len(widths) - 1) > width and max(widths) > MIN_COLUMN:
        widths[widths.index(max(widths))] -= 1
    return widths


MIN_COLUMN = 8
"""Columns are not made narrower."""


def wrap_row(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    """A row of a table, with the texts that are wider than their columns continued in further lines."""
    parts = [wrap_cell(text, width) for text, width in zip(row, widths, strict=True)]
    lines = []
    for number in range(max(map(len, parts))):
        texts = [part[number] if number < len(part) else "" for part in parts]
        lines.append("  ".join(pad(t, w, right=r) for t, w, r in zip(texts, widths, right, strict=True)).rstrip())
    return lines


def wrap_cell(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` columns, broken at spaces, or else where a word of a name ends."""
    if cells(text) <= width:
        return [text]
    indent = text[: len(text) - len(text.lstrip())] + "  "
    indent = indent if len(indent) < width // 2 else ""
    lines = []
    for line in wrap(text, width, indent):
        rest = line
        while cells(rest) > width:
            fitting = [i for i in range(len(indent) + 1, width + 1) if cells(rest[:i]) <= width]
            end = max([i for i in fitting if rest[i - 1] in "_-/.,("] or fitting)
            lines.append(rest[:end])
            rest = indent + rest[end:]
        lines.append(rest)
    return lines


class Excerpt(Frozen):
    """What is shown of a line: the characters from `left` to `right`."""

    line: str
    left: int
    right: int

    @classmethod
    def around(cls, line: str, start: int, end: int, width: int) -> Excerpt:
        """At most `width` columns of a line, with as much as possible of the characters from `start` to `end`."""
        if len(line) <= width and cells(_shown(line)) <= width:
            return cls(line, 0, len(line))
        fits = cells(_shown(line[: min(end, width)])) < width - 1 and end < width - 1
        left = 0 if fits else max(0, start - width // 4)
        right, room = left, width - 2
        while right < len(line) and (room := room - cells(_shown(line[right]))) >= 0:
            right += 1
        return cls(line, left, right)

    @property
    def text(self) -> str:
        dots = "…" * (self.left > 0), "…" * (self.right < len(self.line))
        return f"{dots[0]}{_shown(self.line[self.left : self.right])}{dots[1]}"

    def covers(self, start: int) -> bool:
        return self.left <= start <= self.right

    def column(self, start: int) -> int:
        """The columns of the terminal before a character."""
        return (self.left > 0) + cells(_shown(self.line[self.left : start]))

    def columns(self, start: int, end: int) -> int:
        """The columns of the characters from `start` to `end` that are shown; at least one."""
        return max(1, cells(_shown(self.line[start : min(end, self.right)])))


def _shown(text: str) -> str:
    """Source text: tabs as spaces, and what cannot be printed as a replacement character."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(TAB if c == "\t" else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def reflow(text: str, width: int) -> str:
    """Paragraphs as docstrings have them, broken anew; lines that are indented or begin a list stay lines."""
    lines: list[str] = []
    for line in text.split("\n"):
        continues = lines and lines[-1].strip() and line[:1].strip() and not re.match(r"[-*|] ", line)
        if continues:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return "\n".join(part for line in lines for part in wrap(line, width, " " * (len(line) - len(line.lstrip()))))


_STYLES = {
    "1;31": "color:#e5484d;font-weight:bold",
    "1;33": "color:#b7791f;font-weight:bold",
    "1;36": "color:#0e8a9d;font-weight:bold",
    "34": "color:#5b8def",
    "36": "color:#0e8a9d",
    "0": "",
}
"""What a terminal is told, and the style that shows it; the background stays that of the page."""

PRE = (
    "margin:0.4em 0;padding:0;border:0;background:none;color:inherit;white-space:pre;overflow-x:auto;"
    "font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;line-height:1.35;tab-size:4"
)


def terminal_html(text: str) -> str:
    """A block of text with color codes, character for character: what is aligned stays so."""
    first, *parts = re.split(r"\x1b\[([\d;]*)m", text)
    out = [escape(first)]
    for style, piece in zip(parts[::2], parts[1::2], strict=True):
        css = _STYLES.get(style, "")
        out.append(f'<span style="{css}">{escape(piece)}</span>' if css and piece else escape(piece))
    return f'<pre style="{PRE}">{"".join(out)}</pre>'
