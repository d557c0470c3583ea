"""A small algebra of layouts: text with places where a line may end, and the printer that chooses among them.

Input: a `Doc` built with the functions here. Output: text of which no line is longer than `WIDTH` where a line end
was allowed. The printer keeps its own stack, so the depth of nesting does not matter; it takes linear time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from netspec.language.record import Frozen

WIDTH = 100
"""Lines get no longer than this where they can be broken; trailing comments do not count."""

INDENT = 4


class Line(Frozen):
    """A place where a line may end: `flat` is printed when it does not; a `forced` one always ends it."""

    flat: str = " "
    forced: bool = False


class Concat(Frozen):
    parts: tuple[Doc, ...]
    forced: bool


class Indent(Frozen):
    """Lines that begin inside are indented."""

    inner: Doc
    forced: bool


class Group(Frozen):
    """Either all of its lines (not those of groups inside it) end, or none does."""

    inner: Doc
    forced: bool


class IfBroken(Frozen):
    """Text that is printed only if the group around it is broken: a comma after the last item."""

    text: str
    forced: bool = False


class Comment(Frozen):
    """A comment at the end of whatever line it gets printed on."""

    text: str
    forced: bool = True


class Fill(Frozen):
    """Items separated by a space or a line end, as many on a line as fit; `breaks[i]` puts item i on a new line.

    Lines after the first one are indented by `hang`. `start` and `is_broken` are the printer's progress.
    """

    items: Sequence[Doc]
    breaks: Sequence[bool]
    hang: int
    forced: bool
    start: int = 0
    is_broken: bool = False


Doc = str | Line | Concat | Indent | Group | IfBroken | Comment | Fill

SOFT = Line("")
SPACE = Line(" ")
HARD = Line("", forced=True)


def is_forced(doc: Doc) -> bool:
    """Whether a line end inside is certain, so that every group around it is broken."""
    return not isinstance(doc, str) and doc.forced


def concat(*parts: Doc) -> Doc:
    """One after the other."""
    return Concat(parts, any(map(is_forced, parts)))


def indent(*parts: Doc) -> Doc:
    """One after the other, with new lines further right."""
    inner = concat(*parts)
    return Indent(inner, is_forced(inner))


def group(*parts: Doc, forced: bool = False) -> Doc:
    """On one line if that is possible."""
    inner = concat(*parts)
    return Group(inner, forced or is_forced(inner))


def fill(items: Sequence[Doc], breaks: Sequence[bool], hang: int = 0) -> Doc:
    """As many of the items on a line as fit."""
    return Fill(items, breaks, hang, any(breaks) or any(map(is_forced, items)))


def join(separator: Doc, items: Iterable[Doc]) -> Doc:
    """The items with the separator between them."""
    parts: list[Doc] = []
    for item in items:
        parts.extend((separator, item) if parts else (item,))
    return concat(*parts)


def fits_flat(doc: Doc, room: int) -> bool:
    """Whether it can be printed on one line of that width."""
    return not is_forced(doc) and _Printer().fits(doc, room)


class _Task(Frozen):
    indent: int
    is_flat: bool
    doc: Doc


@dataclass
class _Printer:
    lines: list[tuple[str, str]] = field(default_factory=list)
    """Finished lines: their text, and the comment at their end."""
    line: list[str] = field(default_factory=list)
    column: int = 0
    comment: str = ""
    tasks: list[_Task] = field(default_factory=list)

    def print(self, doc: Doc) -> list[tuple[str, str]]:
        self.tasks.append(_Task(0, False, doc))
        while self.tasks:
            self._step(self.tasks.pop())
        self._end_line(0)
        return self.lines

    def _step(self, task: _Task) -> None:
        doc = task.doc
        match doc:
            case str():
                self._write(doc)
            case Line():
                if task.is_flat:
                    self._write(doc.flat)
                else:
                    self._end_line(task.indent)
            case Concat():
                self.tasks.extend(_Task(task.indent, task.is_flat, part) for part in reversed(doc.parts))
            case Indent():
                self.tasks.append(_Task(task.indent + INDENT, task.is_flat, doc.inner))
            case Group():
                is_flat = task.is_flat or (not doc.forced and self.fits(doc.inner, WIDTH - self.column))
                self.tasks.append(_Task(task.indent, is_flat, doc.inner))
            case IfBroken():
                self._write("" if task.is_flat else doc.text)
            case Comment():
                assert not self.comment, "two comments at the end of one line"
                self.comment = doc.text
            case Fill():
                self._step_fill(task, doc)

    def _step_fill(self, task: _Task, doc: Fill) -> None:
        """Print one item, and leave the others on the stack."""
        index, is_broken = doc.start, doc.is_broken
        if index == len(doc.items):
            return
        item = doc.items[index]
        self.tasks.append(_Task(task.indent, task.is_flat, doc.replace(start=index + 1)))
        if index:
            stays = task.is_flat or (not doc.breaks[index] and self.fits(item, WIDTH - self.column - 1))
            if stays:
                self._write(" ")
            else:
                is_broken = True
                self._end_line(task.indent + doc.hang)
        self.tasks[-1] = _Task(task.indent, task.is_flat, doc.replace(start=index + 1, is_broken=is_broken))
        self.tasks.append(_Task(task.indent + doc.hang * is_broken, task.is_flat, item))

    def _write(self, text: str) -> None:
        self.line.append(text)
        self.column += len(text)

    def _end_line(self, indentation: int) -> None:
        self.lines.append(("".join(self.line).rstrip(" "), self.comment))
        self.line, self.column, self.comment = [" " * indentation], indentation, ""

    def fits(self, doc: Doc, room: int) -> bool:
        """Whether it fits without a line end, with all that follows it up to the next possible line end."""
        following = len(self.tasks)
        stack = [(True, doc)]
        while room >= 0:
            if not stack:
                if not following:
                    return True
                following -= 1
                stack.append((self.tasks[following].is_flat, self.tasks[following].doc))
            is_flat, item = stack.pop()
            match item:
                case str():
                    room -= len(item)
                case Line():
                    if item.forced or not is_flat:
                        return True
                    room -= len(item.flat)
                case Concat():
                    stack.extend((is_flat, part) for part in reversed(item.parts))
                case Indent():
                    stack.append((is_flat, item.inner))
                case Group():
                    stack.append((is_flat and not item.forced, item.inner))
                case IfBroken():
                    room -= 0 if is_flat else len(item.text)
                case Fill() if item.start < len(item.items):
                    if item.start and (item.breaks[item.start] or not is_flat):
                        return True
                    room -= bool(item.start)
                    stack.append((is_flat, item.replace(start=item.start + 1)))
                    stack.append((is_flat, item.items[item.start]))
        return False


def render(doc: Doc) -> list[str]:
    """The lines of a document; comments at the ends of adjacent lines with equal indentation are aligned."""
    out: list[str] = []
    run: list[tuple[str, str]] = []
    for text, comment in [*_Printer().print(doc), ("", "")]:
        if run and (not comment or _indentation(text) != _indentation(run[0][0])):
            width = max(len(code) for code, _ in run)
            out.extend(f"{code:<{width}}  {words}" for code, words in run)
            run = []
        if comment:
            run.append((text, comment))
        else:
            out.append(text)
    return out[:-1]


def _indentation(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
