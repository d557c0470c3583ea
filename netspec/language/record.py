"""Frozen dataclasses without generated code: `record` takes its values by name, `value` by place too.

netspec declares some three hundred small classes (words, diagnostics, tree nodes). `dataclass(frozen=True)` compiles
five methods for each of them, a tenth of a second at every start of `netspec check`. Here the methods stand once, in a
base; `dataclasses.fields` and `dataclasses.replace` work as usual.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, TypeVar, dataclass_transform

import msgspec


class Record:
    """Base of every record. Its values cannot be changed; records compare and hash by them."""

    _defaults: ClassVar[dict[str, Any]] = {}
    _required: ClassVar[frozenset[str]] = frozenset()
    _compared: ClassVar[tuple[str, ...]] = ()
    _order: ClassVar[tuple[str, ...]] = ()
    """The values that may be given by place."""

    def __init__(self, *by_place: Any, **values: Any) -> None:
        if by_place:
            values = self._named(by_place, values)
        if not self._required <= values.keys() <= self._required | self._defaults.keys():
            self._refuse(values)
        self.__dict__.update(self._defaults)
        self.__dict__.update(values)

    def _named(self, by_place: tuple[Any, ...], values: dict[str, Any]) -> dict[str, Any]:
        given = dict(zip(self._order, by_place, strict=False))
        if len(by_place) > len(given) or given.keys() & values.keys():
            raise TypeError(f"{type(self).__name__} takes {', '.join(self._order) or 'its values by name'}, each once")
        return {**given, **values}

    def _refuse(self, values: dict[str, Any]) -> None:
        missing = sorted(self._required - values.keys())
        unknown = sorted(values.keys() - self._required - self._defaults.keys())
        problem = f"needs {', '.join(missing)}" if missing else f"has no {', '.join(unknown)}"
        raise TypeError(f"{type(self).__name__} {problem}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot change `{name}` of a {type(self).__name__}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete `{name}` of a {type(self).__name__}")

    def _key(self) -> tuple[Any, ...]:
        values = self.__dict__
        return tuple(values[name] for name in self._compared)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, Record)
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __repr__(self) -> str:
        shown = [f.name for f in dataclasses.fields(self) if f.repr]  # type: ignore[arg-type]  # `record` makes them
        return f"{type(self).__name__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in shown)})"


R = TypeVar("R", bound=type)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
def record(cls: R) -> R:
    """A class decorator: the annotated names of a subclass of `Record` become its fields, given by name.

    A diagnostic needs no decorator and comes back as it is.
    """
    return cls if isinstance(cls, msgspec.StructMeta) else _make(cls)


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def value(cls: R) -> R:
    """As `record`, for small things whose values may also be given by place."""
    made = _make(cls)
    made._order = tuple(f.name for f in dataclasses.fields(made))  # type: ignore[attr-defined]
    return made


def _make(cls: R) -> R:
    assert issubclass(cls, Record), f"{cls.__name__} is no subclass of Record"
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False, kw_only=True)(cls)
    fields = dataclasses.fields(made)
    made._defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    made._required = frozenset(f.name for f in fields if f.default is dataclasses.MISSING)
    made._compared = tuple(f.name for f in fields if f.compare)
    for f in fields:
        if f.default_factory is not dataclasses.MISSING:
            raise TypeError(f"{cls.__name__}.{f.name}: a record has no default factories; use an immutable default")
    found: R = made
    return found
