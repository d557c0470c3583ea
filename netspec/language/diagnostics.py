"""Errors and warnings as data, and how they are shown.

Each kind of mistake is one class in the errors of its room: a code, a severity and three templates (title, label, hint)
over its own fields. `netspec explain CODE` prints the docstring of the class, with a wrong and a right program from the
`.net` file beside the module. `Problems` gathers them; `CompileError` carries them out of the library.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, dataclass_transform

import msgspec
from msgspec import structs

from netspec.language.record import Frozen
from netspec.language.source import Source, Span, place_lines
from netspec.language.text import MAX_VALUE, printable, shorten, terminal_html, wrap_block

KINDS: dict[str, type[Diagnostic]] = {}
"""Every kind of diagnostic by its code; filled as the classes are defined."""

Text = str | Mapping[str, str]
"""A template over the fields of a diagnostic, or one for each `case`; the key `""` stands for every other case."""


LIMITS = {"advice": 20_000}
"""The longest value of a field in a message, where that differs from others: advice lists all columns of a table."""


class Note(Frozen):
    """A second place that helps to understand a diagnostic, with a label."""

    span: Span
    label: str


class Fix(msgspec.Struct, frozen=True):
    """A change of the text that removes a mistake: `replacement` takes the place of what `span` covers.

    `is_sure` is true if the change is what was meant beyond reasonable doubt; `netspec check --fix` applies those.
    """

    span: Span
    replacement: str
    is_sure: bool = True

    @property
    def message(self) -> str:
        old, new = shorten(self.span.text), shorten(self.replacement)
        if not new.strip():
            return f"remove `{old.strip()}`"
        return f"replace `{old}` with `{new}`" if old.strip() else f"insert `{new.strip()}`"

    def as_json(self) -> dict[str, Any]:
        return {
            "message": self.message,
            **_places_json(self.span),
            "replacement": self.replacement,
            "applicability": "sure" if self.is_sure else "maybe",
        }


class _Kind(msgspec.StructMeta):
    """Makes each subclass of `Diagnostic` a frozen struct whose fields are given by name, without a decorator."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> _Kind:
        made: _Kind = super().__new__(mcls, name, bases, namespace, **{"frozen": True, "kw_only": True, **options})
        return made


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Diagnostic(msgspec.Struct, frozen=True, kw_only=True, metaclass=_Kind):
    """One mistake. Subclasses set `code` and the templates, and add the fields that the templates name.

    All words of a message are in its class; who finds the mistake passes facts. Where a kind of mistake comes in
    several forms, a template is a mapping from `case` to text:

        hint = {"sequence": "put `last` after it", "": "put `flatten` after it"}

    Each line of a hint is shown as a separate hint; an empty line is left out. `advice` is for what is computed: a list
    of names, the nearest name, the line as it should be.

    `span` is None for mistakes that have no place in a text, such as a missing file.
    """

    code: ClassVar[str] = ""
    severity: ClassVar[str] = "error"
    title: ClassVar[Text] = ""
    label: ClassVar[Text] = ""
    hint: ClassVar[Text] = "{advice}"

    span: Span | None = None
    notes: tuple[Note, ...] = ()
    case: str = ""
    advice: str = ""
    fixes: tuple[Fix, ...] = ()

    def __init_subclass__(cls) -> None:
        if cls.code:
            if cls.code in KINDS and KINDS[cls.code].__qualname__ != cls.__qualname__:
                raise ValueError(f"{cls.code} is taken by {KINDS[cls.code].__name__}")
            KINDS[cls.code] = cls

    def _fill(self, template: Text) -> str:
        if not isinstance(template, str):
            template = template[self.case] if self.case in template else template.get("", "")
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return template.format_map({name: shorten(v, LIMITS.get(name, MAX_VALUE)) for name, v in values.items()})

    @property
    def message(self) -> str:
        """The title with its values filled in."""
        return self._fill(self.title)

    @property
    def label_text(self) -> str:
        """What the carets point at."""
        return self._fill(self.label)

    @property
    def hint_text(self) -> str:
        """What to type instead; several hints are on several lines."""
        return "\n".join(line for line in self._fill(self.hint).splitlines() if line)

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    def __repr__(self) -> str:
        place = f" at {self.span.source.name}:{self.span.first.line}:{self.span.first.column}" if self.span else ""
        return f"<{self.severity} {self.code}{place}: {self.message}>"

    def _repr_html_(self) -> str:
        return terminal_html(render(self, color=True))

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints; lines and columns from 1, the end after the last character."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            **_places_json(self.span),
            "label": self.label_text,
            "hint": self.hint_text,
            "notes": [
                {"message": n.label, "file": n.span.source.name, "start": structs.asdict(n.span.first)}
                for n in self.notes
            ],
            "fixes": [fix.as_json() for fix in self.fixes],
        }


def _places_json(span: Span | None) -> dict[str, Any]:
    """The file of a span, and the positions of its start and its end."""
    if span is None:
        return {"file": None, "start": None, "end": None}
    return {"file": span.source.name, "start": structs.asdict(span.first), "end": structs.asdict(span.last)}


class Problems:
    """Gathers diagnostics; the same kind at the same place is kept once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, Source | None, int]] = set()
        self._items: list[Diagnostic] = []

    def add(self, diagnostic: Diagnostic) -> None:
        span = diagnostic.span
        key = (diagnostic.code, span.source if span else None, span.start if span else len(self._items))
        if key not in self._seen:
            self._seen.add(key)
            self._items.append(diagnostic)

    def replace(self, old: Diagnostic, new: Diagnostic) -> None:
        """Put a diagnostic in place of one that knew less."""
        self._items[self._items.index(old)] = new

    def remove(self, code: str, span: Span) -> None:
        """Take back what was said of a place, where more is known of it by now."""
        self._items = [d for d in self._items if d.code != code or d.span is None or d.span.start != span.start]
        self._seen.discard((code, span.source, span.start))

    def __iter__(self) -> Iterator[Diagnostic]:
        """In the order of the text."""
        return iter(sorted(self._items, key=lambda d: (d.span.source.name, d.span.start) if d.span else ("", -1)))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self if d.is_error]

    @property
    def warnings(self) -> list[Diagnostic]:
        return [d for d in self if not d.is_error]

    def raise_errors(self) -> None:
        """Raise `CompileError` with everything gathered if there is an error among it."""
        if self.errors:
            raise CompileError(list(self))


class _Shown:
    """Several diagnostics, shown as the command line prints them."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Diagnostic]:
        return super().__iter__()  # type: ignore[misc,no-any-return]  # of the tuple or the list

    def __repr__(self) -> str:
        return render_all(self) or "no problems"

    def _repr_html_(self) -> str:
        return terminal_html(render_all(self, color=True) or "no problems")


class Diagnostics(_Shown, tuple[Diagnostic, ...]):
    """Diagnostics that an object keeps."""

    __slots__ = ()


class DiagnosticList(_Shown, list[Diagnostic]):
    """Diagnostics that a function returns."""


class CompileError(Exception):
    """A spec, its data or its settings are wrong; `diagnostics` says where and what to type instead."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = Diagnostics(diagnostics)
        super().__init__(render_all(self.diagnostics))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.diagnostics,)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(d.code for d in self.diagnostics)}>\n{self}"

    def _repr_html_(self) -> str:
        return self.diagnostics._repr_html_()

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the messages in color, without a Python traceback."""
        return render_all(self.diagnostics, color=True).splitlines()


class Unplaced(Exception):
    """A mistake without its place in the text: a kind of diagnostic and its fields, without a span.

    Raised by the shape rules of layers, by data sources and by checks of data; a caller that knows the text makes it a
    diagnostic. `option` names the argument of the word that is at fault, or is None for the word as a whole; `at_input`
    is the input of a layer whose producer is shown as the second place; `others` are mistakes reported with this one.
    """

    def __init__(
        self,
        kind: type[Diagnostic],
        /,
        *,
        option: str | None = None,
        at_input: int = 0,
        others: Sequence[Unplaced] = (),
        **fields: Any,
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.option = option
        self.at_input = at_input
        self.others = tuple(others)
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.kind.code}: {self.diagnostic().message}"

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"option": self.option, "at_input": self.at_input, "others": self.others, **self.fields}
        return partial(type(self), **state), (self.kind,)

    @property
    def all(self) -> tuple[Unplaced, ...]:
        """This mistake and those that are reported with it."""
        return (self, *self.others)

    def diagnostic(self, span: Span | None = None) -> Diagnostic:
        """The diagnostic, at the place of the argument or the word in a text."""
        return self.kind(span=span, **self.fields)


def fail(diagnostic: Diagnostic) -> CompileError:
    """A `CompileError` with a single diagnostic, to be raised."""
    return CompileError([diagnostic])


_COLORS = {"error": "1;31", "warning": "1;33", "hint": "1;36", "gutter": "34", "note": "36"}


def render(diagnostic: Diagnostic, *, color: bool = False, width: int | None = None) -> str:
    """A diagnostic as text for people: title, place, the lines in question with carets, and the hint.

    Args:
        diagnostic: what is shown.
        color: whether escape sequences of a terminal are allowed.
        width: columns of the terminal; lines are broken at words to fit. None: only source lines are shortened.
    """

    def paint(text: str, style: str) -> str:
        return f"\x1b[{_COLORS[style]}m{text}\x1b[0m" if color else text

    def block(first: str, style: str, text: str, rest: str) -> str:
        wrapped = wrap_block(f"{first}: {printable(text)}", width, rest)
        indent = len(first) - len(first.lstrip())
        return first[:indent] + paint(first[indent:], style) + wrapped[len(first) :]

    out = [block(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity, diagnostic.message, "  ")]
    if diagnostic.span is not None:
        marks = [(note.span, note.label, "note") for note in diagnostic.notes]
        marks.append((diagnostic.span, diagnostic.label_text, diagnostic.severity))
        out.extend(place_lines(diagnostic.span, marks, paint, width))
    out.extend(block("  hint", "hint", line, " " * 8) for line in diagnostic.hint_text.splitlines())
    return "\n".join(out)


def render_all(diagnostics: Iterable[Diagnostic], *, color: bool = False) -> str:
    """Several diagnostics, with a blank line between them."""
    return "\n\n".join(render(diagnostic, color=color) for diagnostic in diagnostics)


def to_json_line(diagnostic: Diagnostic) -> str:
    return json_line(diagnostic.as_json())


def json_line(value: Any) -> str:
    """A value as JSON in one line, where numbers that are not finite are null and nothing controls a terminal."""
    return re.sub(RAW, lambda c: json.dumps(c[0])[1:-1], json.dumps(without_nan(value), ensure_ascii=False))


RAW = r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
"""Characters that JSON allows in texts as they are, though a terminal or UTF-8 does not."""


def without_nan(value: Any) -> Any:
    """Plain data in which numbers that are not finite have become None."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
