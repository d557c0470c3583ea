"""Texts as words or characters.

Input: a text. Output: its pieces. The file needs only the standard library: programs that predict without netspec
contain a copy of it.
"""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
"""A word, which may have apostrophes inside (`don't`), or one other sign."""

JOINER = "\u200d"
"""Between the parts of an emoji."""


def split_pieces(text: str, by: str, lowercase: bool) -> list[str]:
    """The words of a text, each other sign being one, too; or (`char`) its characters.

    Equal texts in Unicode (NFC) have equal pieces. Combining marks stay with their letter, and the parts of an emoji
    together.
    """
    text = unicodedata.normalize("NFC", text.lower() if lowercase else text)
    if text.isascii():
        return [*text] if by == "char" else WORD.findall(text)
    spans = [(i, i + 1) for i in range(len(text))] if by == "char" else [m.span() for m in WORD.finditer(text)]
    joined: list[list[int]] = []
    for begin, end in spans:
        if joined and joined[-1][1] == begin and continues(text, joined[-1][0], begin, by):
            joined[-1][1] = end
        else:
            joined.append([begin, end])
    return [text[begin:end].replace("\u2019", "'") for begin, end in joined]


def continues(text: str, first: int, begin: int, by: str) -> bool:
    """Whether what begins here belongs to the piece before it, which begins at `first`: a combining mark, the tone of
    an emoji, the part after a joiner, or the rest of a word after a mark."""
    before, here = text[begin - 1], text[begin]
    if unicodedata.category(here)[0] == "M" or here == JOINER or "\U0001f3fb" <= here <= "\U0001f3ff":
        return True
    is_in_word = by == "word" and text[first].isalnum() and here.isalnum()
    return before == JOINER or (is_in_word and unicodedata.category(before)[0] == "M")
