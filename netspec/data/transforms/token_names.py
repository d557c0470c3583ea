"""What token ids stand for, for those who show them.

Input: an encoder, and an input in the data. Output: `Tokens`.
"""

from __future__ import annotations

from netspec.data.transforms.encoders import Encoder, RowEncoder, TextEncoder
from netspec.language.record import Frozen


class Tokens(Frozen):
    """What the ids of an input are called, and what is between two of them when they are shown."""

    names: tuple[str, ...]
    separator: str

    @property
    def is_joint(self) -> bool:
        return not self.separator

    def name(self, number: int) -> str:
        """What an id is called, as far as that is known."""
        return self.names[number] if 0 <= number < len(self.names) else str(number)


def tokens_of(encoder: Encoder | None, raw_name: str) -> Tokens | None:
    """What the ids of an input stand for, by its name in the data; None where nothing is known of them."""
    if isinstance(encoder, TextEncoder):
        return Tokens(encoder.vocabulary, "" if encoder.by == "char" else " ")
    if isinstance(encoder, RowEncoder):
        coder = next((encoder.texts.get(c.name) for name, c in encoder.own_inputs() if name == raw_name), None)
        return Tokens(coder.vocabulary, coder.separator) if coder is not None else None
    return None
