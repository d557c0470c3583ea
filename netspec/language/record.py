"""The bases of small immutable records."""

from __future__ import annotations

from typing import Any, ClassVar, Self, dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Frozen(msgspec.Struct, frozen=True):
    """Base of immutable records: a `msgspec.Struct` that type checkers know to be frozen without saying so each time.

    Its fields are the annotated names, given by position or by name (`kw_only=True`: by name). Records compare and hash
    by their values; a class with a `cached_property` needs `dict=True`.
    """

    def replace(self, **changes: Any) -> Self:
        """The same record with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class Placed(Frozen):
    """A record with fields that say where it comes from (`aside`): these do not count when it is compared or hashed."""

    aside: ClassVar[frozenset[str]] = frozenset({"span"})

    def _content(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name not in self.aside)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Placed) and type(other) is type(self) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((type(self), self._content()))
