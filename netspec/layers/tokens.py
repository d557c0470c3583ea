"""The one word for shapes: integer ids as an input."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.kinds import Count
from netspec.values import Word
from netspec.vocabulary import option, register


@register("shape", "tokens")
@dataclass(frozen=True, kw_only=True)
class Tokens(Word):
    """Integer ids from 0 up to, not including, a vocabulary's size; a length stands in front: `128 tokens(30522)`.

    Example: input 128 tokens(30522)
    """

    vocabulary: int = option(Count(), "how many different ids there are", position=0)
