"""Words and characters: what Unicode takes for one stays together, and nothing is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from netspec.data.transforms.texts.splitting import split_pieces

HINDI, FAMILY, THUMB = (
    "\u0939\u093f\u0928\u094d\u0926\u0940",
    "\U0001f468\u200d\U0001f469\u200d\U0001f466",
    "\U0001f44d\U0001f3fd",
)
WORDS = {
    "It isn't great, is it?": ["it", "isn't", "great", ",", "is", "it", "?"],
    "Don\u2019t \u201cgo\u201d": ["don't", "\u201c", "go", "\u201d"],
    "Cafe\u0301 caf\u00e9": ["caf\u00e9", "caf\u00e9"],  # composed and decomposed
    f"{HINDI} \u092c\u094b\u0932": [HINDI, "\u092c\u094b\u0932"],
    f"good{THUMB} {FAMILY}!": ["good", THUMB, FAMILY, "!"],
    "I \u2764\ufe0fit": ["i", "\u2764\ufe0f", "it"],
    "\u6211\u5f88\u559c\u6b22": ["\u6211\u5f88\u559c\u6b22"],
    "a_1 2.5": ["a_1", "2", ".", "5"],
    " \t\n": [],
    "": [],
}


@pytest.mark.parametrize(("text", "words"), WORDS.items())
def test_words(text: str, words: list[str]) -> None:
    assert split_pieces(text, "word", lowercase=True) == words


def test_characters_keep_their_marks() -> None:
    assert split_pieces("a\u0308x\u0323\u0301 B", "char", lowercase=False) == ["\u00e4", "x\u0323\u0301", " ", "B"]
    assert split_pieces("\u6211\u5f88", "char", lowercase=True) == ["\u6211", "\u5f88"]


@given(st.text(max_size=40))
def test_no_character_is_lost_or_added(text: str) -> None:
    plain = unicodedata.normalize("NFC", text).replace("\u2019", "'")
    assert "".join(split_pieces(text, "char", lowercase=False)) == plain
    without_spaces = "".join(plain.split())
    assert (
        "".join("".join(split_pieces(text, "word", lowercase=False)).split()).replace("\u2019", "'") == without_spaces
    )
