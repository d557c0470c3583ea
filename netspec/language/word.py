"""How a word of the language is declared: its base `Word`, its options, and what an option takes (`Kind`).

A word (a layer, an activation, an optimizer, a data source …) is a subclass of `Word` under a decorator such as
`@layer("conv")`. Its fields are made by `option(...)` and carry a `Kind`: what values it takes, how they are described,
which bare words may be written there. Checking, messages, docs and completion are derived from the declaration.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self, dataclass_transform

import msgspec

from netspec.language.record import Frozen
from netspec.language.shape import Dim
from netspec.language.values import Described, describe, to_source

REQUIRED: Any = msgspec.UNSET
"""The default of an option that must be given."""


_NOUNS = {
    "init": "initializer",
    "source": "data source",
    "type": "column type",
    "sound": "form of a sound",
    "stop": "stopping rule",
    "interval": "kind of intervals",
    "keep": "rule for saving weights",
    "class_ids": "numbering of classes",
    "portion": "part of the examples",
}


def noun(category: str) -> str:
    """What messages call a word of a category."""
    return _NOUNS.get(category, category)


def with_article(category: str) -> str:
    """Such a word as a noun phrase: `an initializer`."""
    return f"{'an' if noun(category)[0] in 'aeiou' else 'a'} {noun(category)}"


class Mismatch(Exception):
    """A value does not fit a kind. `expected` is a noun phrase; `unknown` is set when the value is symbolic.

    `advice` says what to type where that does not follow from the kind.
    """

    def __init__(self, expected: str, value: object, unknown: Dim | None = None, advice: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.given = describe(value)
        self.unknown = unknown
        self.advice = advice


class Kind(Frozen):
    """What an option takes. Subclasses override `accept`, and set `phrase` or override `describe`."""

    phrase: ClassVar[str] = ""
    takes_layers: ClassVar[bool] = False
    """Whether a layer may be written here."""
    takes_all: ClassVar[bool] = False
    """Whether all positional arguments of a call are this option, as a list: `quantile(0.1, 0.5, 0.9)`."""

    @abstractmethod
    def accept(self, value: object) -> Any:
        """The value in its canonical form.

        Raises:
            Mismatch: the value is of another kind or outside the limits.
        """

    def describe(self) -> str:
        """A noun phrase: what is expected."""
        return self.phrase

    def to_source(self, value: object) -> str:
        """A canonical value as it is typed."""
        return value if isinstance(value, str) and value in self.names else to_source(value)

    @property
    def names(self) -> tuple[str, ...]:
        """Bare words that mean themselves here."""
        return ()

    def takes_name(self, name: str) -> bool:
        """Whether a bare word means itself here; more than `names` where only the data say which there are."""
        return name in self.names

    @property
    def category(self) -> str | None:
        """The category of words that may be written here, if any."""
        return None

    @property
    def is_chain(self) -> bool:
        """Whether several words of the category may be joined by `->`."""
        return False

    @property
    def compares(self) -> bool:
        """Whether a comparison may be written here that is kept as it is instead of evaluated (`Comparison`)."""
        return False


class Option(Frozen, kw_only=True):
    """One argument of a word.

    `position` is its place among the positional ones, or None for keyword-only; `aliases` is what other libraries call
    it. `field` is the attribute that holds it: the name, followed by `_` where that is a keyword of Python (`return_`).
    `former` is what earlier versions called it: specs may still write it, and run folders have it.
    """

    name: str
    field: str
    kind: Kind
    doc: str
    default: Any
    position: int | None
    aliases: tuple[str, ...] = ()
    former: str = ""

    @property
    def key(self) -> str:
        """Its name in run folders."""
        return self.former or self.name

    @property
    def is_required(self) -> bool:
        return self.default is REQUIRED


class _Hidden(Frozen):
    """A field that is not an option: set by netspec, never written in a spec."""

    default: Any


def option(
    kind: Kind,
    doc: str,
    *,
    default: Any = REQUIRED,
    position: int | None = None,
    aliases: tuple[str, ...] = (),
    former: str = "",
) -> Any:
    """Declare an option of a word; where its name is a keyword of Python, append `_` to the field (`return_`).

    Args:
        kind: the values it takes.
        doc: what it does, in one line.
        default: the value when it is not written; omit it for a required option.
        position: its place among the (at most three) positional arguments, from 0.
        aliases: what other libraries call it; the message about such a name suggests this one.
        former: its name in earlier versions, which specs may still write.
    """
    names: dict[str, Any] = {"aliases": aliases, "former": former}
    return Option(name="", field="", kind=kind, doc=doc, default=default, position=position, **names)


def hidden(*, default: Any = REQUIRED) -> Any:
    """Declare a field of a word that netspec sets and a spec cannot."""
    return _Hidden(default)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, hidden))
class Word(Described):
    """Base of every word: immutable, made from keyword arguments, equal and hashable by their values."""

    word: ClassVar[str] = ""
    category: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    """What other libraries call it, for those who come from there."""
    inner_sections: ClassVar[tuple[str, ...]] = ()
    """Of a section: the sections that may be inside of it."""

    _own: ClassVar[dict[str, Option | _Hidden]] = {}
    _fields: ClassVar[dict[str, Option | _Hidden]] = {}
    _options: ClassVar[tuple[Option, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own = {}
        for name, item in list(vars(cls).items()):
            if isinstance(item, Option):
                cls._own[name] = item.replace(name=name.removesuffix("_"), field=name)
            elif isinstance(item, _Hidden):
                cls._own[name] = item
        for name in cls._own:
            delattr(cls, name)
        cls._fields = {}
        for base in cls.__mro__:
            for name, item in vars(base).get("_own", {}).items():
                cls._fields.setdefault(name, item)
        cls._defaults = {name: item.default for name, item in cls._fields.items() if item.default is not REQUIRED}
        options = [item for item in cls._fields.values() if isinstance(item, Option)]
        cls._options = tuple(sorted(options, key=lambda o: (o.position is None, o.position or 0)))

    def __init__(self, **values: Any) -> None:
        given = {**self._defaults, **values}
        if given.keys() != self._fields.keys():
            missing = [name for name in self._fields if name not in given]
            unknown = sorted(given.keys() - self._fields.keys())
            problem = f"needs {', '.join(missing)}" if missing else f"has no {', '.join(unknown)}"
            raise TypeError(f"{type(self).__name__} {problem}")
        self.__dict__.update(given)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"cannot change `{name}` of a {type(self).__name__}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete `{name}` of a {type(self).__name__}")

    def _content(self) -> tuple[Any, ...]:
        return tuple(self.__dict__[name] for name in self._fields)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((type(self), self._content()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in self._fields)})"

    def replace(self, **changes: Any) -> Self:
        """The same word with some fields changed."""
        return type(self)(**{**{name: self.__dict__[name] for name in self._fields}, **changes})

    @property
    def noun(self) -> str:
        return f"the {noun(self.category)} `{self.word}`"

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Positional options first, in their order, then those of the class itself, then those of its bases."""
        return cls._options

    def implied_defaults(self) -> dict[str, str]:
        """What options that are left open (none) resolve to, as it would be typed."""
        return {}

    def to_source(self, *, full: bool = False) -> str:
        """The call as it is typed in a spec: what differs from the defaults, or everything with `full`."""
        parts: list[str] = []
        by_name = False
        implied = self.implied_defaults()
        for item in self.options():
            value = getattr(self, item.field)
            if not item.is_required and value == item.default and not full:
                by_name = True
                continue
            is_last_word = isinstance(value, Word) and value.category == "activation"
            text = item.kind.to_source(value) if value is not None else implied.get(item.name, "none")
            if item.position is not None and (not by_name or is_last_word):
                parts.append(text)
            else:
                parts.append(f"{item.name} = {text}")
        return f"{self.word}({', '.join(parts)})" if parts else self.word

    def __str__(self) -> str:
        return self.to_source()
