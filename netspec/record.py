"""Frozen keyword-only dataclasses without generated code.

netspec declares some three hundred small classes (words, diagnostics, tree nodes). `dataclass(frozen=True)` compiles
five methods for each of them, a tenth of a second at every start of `netspec check`. Here the methods stand once, in a
base; `dataclasses.fields` and `dataclasses.replace` work as usual.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, TypeVar, dataclass_transform


class Record:
    """Base of every record. Values are given by name and cannot be changed; records compare and hash by them."""

    _defaults: ClassVar[dict[str, Any]] = {}
    _required: ClassVar[frozenset[str]] = frozenset()
    _compared: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **values: Any) -> None:
        if not self._required <= values.keys() <= self._required | self._defaults.keys():
            self._refuse(values)
        self.__dict__.update(self._defaults)
        self.__dict__.update(values)

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


R = TypeVar("R", bound=type[Record])


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
def record(cls: R) -> R:
    """A class decorator: the annotated names of the class become the fields of a record."""
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False, kw_only=True)(cls)
    fields = dataclasses.fields(made)
    made._defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    made._required = frozenset(f.name for f in fields if f.default is dataclasses.MISSING)
    made._compared = tuple(f.name for f in fields if f.compare)
    for f in fields:
        if f.default_factory is not dataclasses.MISSING:
            raise TypeError(f"{cls.__name__}.{f.name}: a record has no default factories; use an immutable default")
    return cls
