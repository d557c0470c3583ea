"""Fonts of Matplotlib for a text: of characters that its usual font lacks, those of others that are installed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from netspec.display.drawing.errors import MissingGlyphs
from netspec.language.lazy import lazy

font_manager = lazy("matplotlib.font_manager")

USUAL = "DejaVu Sans Mono"
LAST_RESORT = "Last Resort"
"""Its glyphs are frames with the code of a character."""


def families(texts: Iterable[str]) -> tuple[list[str], str]:
    """The fonts that have the characters of some texts, the usual one first, and the characters that none of them has.

    Returns:
        The names of the fonts, and the characters.
    """
    missing = {character for text in texts for character in text if not character.isspace()} - _known(_path(USUAL))
    found = [USUAL]
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda one: (one.name, one.fname)) if missing else ():
        has = missing & _known(entry.fname) if not entry.name.startswith(LAST_RESORT) else set()
        if has and entry.style == "normal":
            found.append(entry.name)
            missing -= has
    return list(dict.fromkeys(found)), "".join(sorted(missing))


def missing_glyphs(characters: Sequence[str]) -> MissingGlyphs:
    """The warning for some characters."""
    shown = ", ".join(f"`{character}`" for character in characters[:5])
    more = f" and {len(characters) - 5} more characters" if len(characters) > 5 else ""
    return MissingGlyphs(characters=shown + more)


def _path(name: str) -> str:
    path: str = font_manager.findfont(name)
    return path


@cache
def _known(path: str) -> frozenset[str]:
    """The characters of a font file; none of one that Matplotlib cannot draw, as fonts of colored pixels."""
    try:
        return frozenset(map(chr, font_manager.get_font(path).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()
