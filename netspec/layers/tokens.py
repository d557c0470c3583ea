"""The one word for shapes: integer ids as an input."""

from __future__ import annotations

from netspec.kinds import Count
from netspec.record import record
from netspec.values import Word
from netspec.vocabulary import option, register


@register("shape", "tokens")
@record
class Tokens(Word):
    """Integer ids from 0 up to, not including, a vocabulary's size; a length stands in front: `128 tokens(30522)`.

    Example: input 128 tokens(30522)
    """

    vocabulary: int = option(Count(), "how many different ids there are", position=0)
