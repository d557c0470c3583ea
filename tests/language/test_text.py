"""Messages on a terminal: lines end at words, long names are shortened, nothing of a file controls the terminal."""

from __future__ import annotations

import json
import math
import unicodedata
from itertools import pairwise

import pytest

from netspec.compiler.errors.names import UnknownName
from netspec.language.diagnostics import KINDS, Note, json_line, render
from netspec.language.reference.entries import explanation_text
from netspec.language.source import Source, Span
from netspec.language.text import cells, printable, reflow, shorten, wrap


def columns(text: str) -> int:
    """The width of a line, counted independently."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_lines_end_at_words_and_code_stays_together() -> None:
    text = "  hint: write `data { source = csv }` or give the file"
    assert wrap(text, 32, " " * 8) == ["  hint: write", "        `data { source = csv }`", "        or give the file"]
    assert wrap("a very/long/path/that/fits/nowhere b", 12, "  ") == ["a", "  very/long/path/that/fits/nowhere", "  b"]
    assert wrap("`code that is longer than a line`", 12, "") == ["`code that", "is longer", "than a line`"]
    assert wrap("    pasted  line", 80) == ["    pasted  line"], "spaces inside a line stay"
    assert "".join(wrap("日本語 " * 20, 30)).replace(" ", "") == "日本語" * 20
    assert max(columns(line) for line in wrap("日本語 " * 20, 30)) <= 30


def test_paragraphs_are_broken_anew_but_code_is_not() -> None:
    assert reflow("one two\nthree four\n\n    code\n    more", 12) == "one two\nthree four\n\n    code\n    more"
    assert reflow("one\ntwo\n* a\n* b", 80) == "one two\n* a\n* b"


@pytest.mark.parametrize("size", [60, 80, 120])
@pytest.mark.parametrize("place", [0, 30, 500, 4980])
def test_excerpts_of_long_lines_fit_and_the_carets_are_below_what_they_mean(size: int, place: int) -> None:
    line = "x" * place + "WRONG" + "y" * (5000 - place)
    span = Span(Source("a.net", f"input 8\n{line}\n"), 8 + place, 8 + place + 5)
    shown = UnknownName(span=span, name="WRONG", kind="layer", advice="did you mean `right`? " * 10)
    lines = render(shown, width=size).splitlines()
    assert max(map(len, lines)) <= size
    text, carets = next((a, b) for a, b in pairwise(lines) if "^" in b)
    assert text[carets.index("^") : carets.rindex("^") + 1] == "WRONG"


def test_carets_below_wide_characters_and_tabs() -> None:
    for before in ("日本語 = ", "\tx = ", "e\u0301 = "):
        line = before + "WRONG"
        lines = render(UnknownName(span=Span(Source("a.net", line), len(before), len(line)), name="W", kind="layer"))
        text, carets = lines.splitlines()[2:4]
        shown = unicodedata.normalize("NFC", text)
        assert columns(shown[: shown.index("WRONG")]) == carets.index("^")


def test_two_marks_far_apart_in_a_line_are_both_shown() -> None:
    source = Source("a.net", "FIRST" + " " * 1000 + "SECOND")
    main, note = Span(source, 1005, 1011), Note(Span(source, 0, 5), "here")
    text = render(UnknownName(span=main, name="SECOND", kind="layer", notes=(note,)), width=80)
    assert "FIRST" in text and "SECOND" in text and "----- here" in text and max(map(len, text.splitlines())) <= 80


def test_a_long_name_makes_a_short_message() -> None:
    span = Span(Source("a.net", "n" * 1_000_000), 0, 1_000_000)
    found = UnknownName(span=span, name="n" * 1_000_000, kind="layer", advice="did you mean `" + "m" * 1_000_000 + "`?")
    assert len(render(found, width=80)) < 3_000 and len(json.dumps(found.as_json())) < 3_000
    assert found.message.startswith("unknown layer `nnn") and "…" in found.message
    assert len(shorten("word " * 1_000_000)) < 2_500 and shorten("n" * 200) == "n" * 200


def test_what_files_contain_does_not_control_the_terminal() -> None:
    evil = "\x1b[31mred\x07\x9b2J\u202egnp\x00\r"
    found = UnknownName(span=Span(Source(f"{evil}.net", evil), 0, 3), name=evil, kind="layer", advice=f"not {evil}")
    text = render(found, width=80)
    assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in text.replace("\n", ""))
    assert r"\x1b[31mred\x07\x9b2J\u202egnp\x00\r" in text
    assert printable("naïve 日本 👩‍🔬\n") == "naïve 日本 👩‍🔬\n"
    line = json_line({"name": evil + "\udcff", "loss": [math.nan, math.inf, 1.5]})
    assert json.loads(line) == {"name": evil + "\udcff", "loss": [None, None, 1.5]}
    assert line.encode() and not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in line)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)
def test_explanations_fit_and_name_no_field(kind: type) -> None:
    prose = explanation_text(kind, 80).partition("Wrong:\n")[0]
    assert max(cells(line) for line in prose.splitlines()) <= 80
    assert not [name for name in kind.__struct_fields__ if f"<{name}>" in prose or f"{{{name}}}" in prose]
