"""The values of the language while a spec is evaluated, and how they are printed.

Numbers, truth values, texts and lists are Python's own; the rest is here. `Word` is the base of everything that is
declared in the vocabulary.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from functools import cache, cached_property
from typing import Any, ClassVar

from netspec.language.record import Record, record, value
from netspec.language.shape import Dim, Size

REQUIRED: Any = dataclasses.MISSING


@value
class Extent(Record):
    """`28x28x1` or `(H, W, 3)`: sizes joined to one value; `is_tuple` remembers the form with parentheses."""

    sizes: tuple[Size, ...]

    def __str__(self) -> str:
        return "x".join(str(s) for s in self.sizes)


@value
class Duration(Record):
    """`5 epochs`, `1000 steps`, `30 minutes`."""

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{spell(self.value)} {self.unit}"


SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
"""Units of time and how many seconds they have."""

UNITS = {form: unit for unit in ("epochs", "steps", *SECONDS) for form in (unit.removesuffix("s"), unit)}
"""Units of a duration and the form they are kept in."""


@value
class Comparison(Record):
    """`val_accuracy >= 99%` where it is kept as it stands, for something that is only known later."""

    left: object
    operator: str
    right: object

    def __str__(self) -> str:
        return f"{spell(self.left)} {self.operator} {spell(self.right)}"


@value
class Symbol(Record):
    """A bare word such as `same` that only its place gives a meaning."""

    name: str


class LayerValue:
    """What stands for a layer while a spec is evaluated (see graph/values.py)."""

    span: Any
    """Where it is written; set by the subclasses."""

    @property
    def noun(self) -> str:
        """What it is, for messages."""
        return "a layer"

    @property
    def parts(self) -> tuple[object, ...]:
        """What it is made of; the layers among it count for its size and depth."""
        return ()

    @cached_property
    def size(self) -> int:
        """How many layers it stands for, blocks counted once."""
        return max(1, sum(part.size for part in self.parts if isinstance(part, LayerValue)))

    @cached_property
    def depth(self) -> int:
        """How deep it is nested."""
        return 1 + max((part.depth for part in self.parts if isinstance(part, LayerValue)), default=0)

    @property
    def bare_word(self) -> str | None:
        """The word itself where nothing else is written; in another place it may mean something else (`add`)."""
        return None

    def as_word(self, category: str) -> Word | None:
        """The word of a category that it stands for (`relu` as an activation, a single layer), or None."""
        return None


class Mismatch(Exception):
    """A value does not go with a kind. `expected` is a noun phrase; `unknown` is set when the value is symbolic.

    `advice` says what to type where that does not follow from the kind.
    """

    def __init__(self, expected: str, value: object, unknown: Dim | None = None, advice: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.found = describe(value)
        self.unknown = unknown
        self.advice = advice


class Kind(Record):
    """What an option takes. Subclasses override `accept` and `describe`."""

    @abstractmethod
    def accept(self, value: object) -> Any:
        """The value in its canonical form.

        Raises:
            Mismatch: the value is of another kind or outside the limits.
        """

    @abstractmethod
    def describe(self) -> str:
        """A noun phrase: what is expected."""

    def spell(self, value: object) -> str:
        """A canonical value as it is typed."""
        return value if isinstance(value, str) and value in self.names else spell(value)

    @property
    def names(self) -> tuple[str, ...]:
        """Bare words that mean themselves here."""
        return ()

    @property
    def category(self) -> str | None:
        """The category of words that may stand here, if any."""
        return None

    @property
    def is_chain(self) -> bool:
        """Whether several words of the category may be joined by `->`."""
        return False

    @property
    def compares(self) -> bool:
        """Whether a comparison may stand here that is not worked out, but kept (`Comparison`)."""
        return False


@value
class Option(Record):
    """One argument of a word. `position` is its place among the positional ones, or None for by-name only; `elsewhere`
    is what other libraries call it. `field` is the attribute that holds it: the name, with a `_` behind it where that
    is a keyword of Python (`return_`)."""

    name: str
    field: str
    kind: Kind
    doc: str
    default: Any
    position: int | None
    elsewhere: tuple[str, ...] = ()

    @property
    def is_required(self) -> bool:
        return self.default is REQUIRED


@record
class Word(Record):
    """Base of every declared word; subclasses are frozen dataclasses made of `option` fields."""

    word: ClassVar[str] = ""
    category: ClassVar[str] = ""
    elsewhere: ClassVar[tuple[str, ...]] = ()
    """What other libraries call it, for those who come from there."""

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Positional options first, in their order, then the others as declared."""
        return _options(cls)  # type: ignore[arg-type]  # mypy takes a class of hashables for unhashable

    def follows(self) -> dict[str, str]:
        """What options that are left open (none) come to, as it would be typed."""
        return {}

    def spelling(self, *, full: bool = False) -> str:
        """The call as it is typed in a spec: what differs from the defaults, or everything with `full`."""
        parts: list[str] = []
        by_name = False
        follows = self.follows()
        for item in self.options():
            value = getattr(self, item.field)
            if not item.is_required and value == item.default and not full:
                by_name = True
                continue
            is_last_word = isinstance(value, Word) and value.category == "activation"
            text = item.kind.spell(value) if value is not None else follows.get(item.name, "none")
            if item.position is not None and (not by_name or is_last_word):
                parts.append(text)
            else:
                parts.append(f"{item.name} = {text}")
        return f"{self.word}({', '.join(parts)})" if parts else self.word


@cache
def _options(cls: type[Word]) -> tuple[Option, ...]:
    """Positional ones by position, then those of the class itself, then those of its bases."""
    owners = {
        name: depth
        for depth, base in reversed([*enumerate(cls.__mro__)])
        for name in vars(base).get("__annotations__", ())
    }
    found = [
        Option(
            name=f.name.removesuffix("_"),
            field=f.name,
            kind=f.metadata["kind"],
            doc=f.metadata["doc"],
            default=f.default,
            position=f.metadata["position"],
            elsewhere=f.metadata["elsewhere"],
        )
        for f in dataclasses.fields(cls)
        if "kind" in f.metadata
    ]
    return tuple(sorted(found, key=lambda o: (o.position is None, o.position or 0, owners[o.field])))


def describe(value: object) -> str:
    """A value as a noun phrase for messages."""
    match value:
        case bool():
            return f"`{spell(value)}`"
        case int() | float():
            return f"the number {spell(value)}"
        case str():
            return f'the text "{value}"'
        case Extent():
            return f"the extent {value}"
        case Duration():
            return f"the duration {value}"
        case Symbol():
            return f"the word `{value.name}`"
        case Comparison():
            return f"`{value}`"
        case Word():
            return f"the {value.category} `{value.word}`"
        case list():
            return "a list"
        case Dim():
            return f"the unknown size {value}"
        case LayerValue():
            return value.noun
        case None:
            return "nothing"
    return "a tensor"


def spell(value: object) -> str:
    """A value as it is typed in a spec."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case str():
            return f'"{value}"'
        case tuple():
            return "x".join(spell(v) for v in value)
        case list():
            return "[" + ", ".join(spell(v) for v in value) + "]"
        case Symbol():
            return value.name
        case Word():
            return value.spelling()
        case None:
            return "none"
    return str(value)


def spell_value(value: object) -> str:
    """A Python value as it is typed in a spec; a string is taken as it stands (`"adam(1e-3)"`)."""
    return value if isinstance(value, str) else spell(value)
