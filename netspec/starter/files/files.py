"""Arrays of NumPy, texts for a language model, and data sets that come with netspec.

Input: a file, or the name of a data set. Output: `Found`.
"""

from __future__ import annotations

from pathlib import Path

from netspec.data.formats.files import read_file
from netspec.language.diagnostics import fail
from netspec.language.values import to_source
from netspec.starter.draft import Found
from netspec.starter.errors import UnknownData

MIN_CHARACTERS = 1000
"""Shorter texts have nothing to learn from."""

LENGTHS = ((200_000, 128), (20_000, 64), (0, 32))
"""The characters of a piece, by those of the text from which on it is as long."""


def survey_array(path: Path, written: str) -> Found:
    """What an archive of NumPy gives."""
    title = f"Predicts `y` from `x` of {path.name}."
    return Found("steps", f"npz({to_source(written)})", title)


def survey_text(path: Path, written: str) -> Found:
    """What a text gives: the next character is predicted.

    Raises:
        Unplaced: it cannot be read.
        CompileError: it is too short, or not text (NS661).
    """
    try:
        text = read_file(path, "text", "file").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise fail(UnknownData(path=str(path), reason="it is not UTF-8 text", advice="save it as UTF-8")) from None
    if len(text) < MIN_CHARACTERS:
        reason = f"it has {len(text):,} characters, too few for a language model"
        advice = f"give a text of at least {MIN_CHARACTERS:,} characters; a table has the ending .csv or .tsv"
        raise fail(UnknownData(path=str(path), reason=reason, advice=advice))
    length = next(length for least, length in LENGTHS if len(text) >= least)
    title = f"A language model of the characters of {path.name}."
    findings = (f"{len(text):,} characters, {len({*text}):,} different ones", "`netspec generate RUN` continues a text")
    source = f"text({to_source(written)}, length = {length}, stride = {length // 2})"
    return Found("language", source, title, findings)


def survey_named(name: str) -> Found:
    """What a data set gives that is a word of the language."""
    return Found("steps", name, f"Learns the data set {name}, which comes with netspec or is downloaded once.")
