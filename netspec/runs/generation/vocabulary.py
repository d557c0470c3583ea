"""Between texts and ids, as a run encodes them; and texts from ids that come one after the other.

`Vocabulary` is all that generation knows of a tokenizer: one of another kind is one more class, and a line in
`vocabulary_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Protocol
from unicodedata import normalize

from netspec.data.errors.prediction import Unseen
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.encoders import TextEncoder
from netspec.language.diagnostics import Diagnostic
from netspec.language.text import unix_lines

CLOSING, OPENING = ".,;:!?)]}’”…%", "([{‘“¿¡"
"""Signs without a space before them, and after them."""
TAIL = 8
"""Ids of the prompt that the first piece of a text is read with: a word needs a space after another one."""
CUT_OFF = "\ufffd"
"""How a piece that is not a whole character is decoded."""


class Vocabulary(Protocol):
    """How the ids of a network stand for texts."""

    @property
    def banned(self) -> tuple[int, ...]:
        """Ids that stand for no text."""

    def encode(self, text: str) -> tuple[list[int], Diagnostic | None]:
        """The ids of a text, and a warning about what has none."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; what is cut off within a character ends with U+FFFD."""


def vocabulary_of(preprocessing: Preprocessing | None) -> Vocabulary | None:
    """The vocabulary that a run encodes its texts with; None where it was trained on ids."""
    encoder = None if preprocessing is None else preprocessing.encoder
    return Pieces(encoder) if isinstance(encoder, TextEncoder) else None


class Pieces:
    """Characters, or words and signs, with id 0 for all others."""

    banned = (0,)

    def __init__(self, encoder: TextEncoder) -> None:
        self.encoder = encoder

    def encode(self, text: str) -> tuple[list[int], Diagnostic | None]:
        text = unix_lines(text)  # as in training
        pieces = self.encoder.pieces(text)
        ids = self.encoder.encode(pieces).tolist()
        unseen = [*dict.fromkeys(piece for piece, i in zip(pieces, ids, strict=True) if i == 0)]
        if not unseen:
            return ids, None
        unit = "character" if self.encoder.by == "char" else "word"
        what = f"the {unit}{'s' if len(unseen) > 1 else ''} {', '.join(map(_quoted, unseen[:6]))}"
        return ids, Unseen(name=text, what=what, advice=self._advise(unseen[0]))

    def decode(self, ids: Sequence[int]) -> str:
        names = [self.encoder.vocabulary[i] if i else CUT_OFF for i in ids]
        if self.encoder.by == "char":
            return "".join(names)
        text = ""
        for name in names:
            text += name if not text or name in CLOSING or text[-1] in OPENING else f" {name}"
        return text

    def _advise(self, piece: str) -> str:
        """What is known instead of a piece that is not."""
        known = self.encoder.vocabulary[1:]
        plain = normalize("NFKD", piece)[:1]
        near = [one for one in (piece.lower(), piece.upper(), plain, plain.lower()) if one in known]
        near = near[:1] or get_close_matches(piece, known, 1, 0.7)
        if near:
            return f"it is treated as unknown; known is {_quoted(near[0])}"
        shown = "".join(known) if self.encoder.by == "char" else ", ".join(known[:12])
        return f"it is treated as unknown; known are {ascii(shown)[1:-1] if shown.isascii() else shown}"


def _quoted(piece: str) -> str:
    return f'"{piece}"' if piece.isprintable() else ascii(piece)


class TextStream:
    """A text that grows with every id, up to one of some texts that end it.

    Args:
        vocabulary: what ids stand for.
        prompt: the ids before.
        stop: texts that end it, and are not part of it.
    """

    def __init__(self, vocabulary: Vocabulary, prompt: Sequence[int], stop: Sequence[str]) -> None:
        self.vocabulary, self.stop = vocabulary, stop
        self.is_ended = False
        """Whether one of the texts has come that end it."""
        self._ids = [*prompt[-TAIL:]]
        self._begin, self._end = 0, len(self._ids)
        """The ids that are read again with new ones, and the end of those whose text has been given."""
        self._held = ""

    def add(self, i: int) -> str:
        """The text that is certain now: the beginning of what may end the text is held back."""
        self._ids.append(i)
        text = self.vocabulary.decode(self._ids[self._begin :])
        if text.endswith(CUT_OFF):
            return ""
        text = self._held + text[len(self.vocabulary.decode(self._ids[self._begin : self._end])) :]
        self._begin, self._end = self._end, len(self._ids)
        places = [at for at in map(text.find, self.stop) if at >= 0]
        if places:
            self.is_ended, self._held = True, ""
            return text[: min(places)]
        sizes = [n for one in self.stop for n in range(1, len(one)) if text.endswith(one[:n])]
        sure = len(text) - max(sizes, default=0)
        self._held = text[sure:]
        return text[:sure]

    def finish(self) -> str:
        """What was held back, once no further id comes."""
        held, self._held = self._held, ""
        return held
