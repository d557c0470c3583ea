"""The page around the sections."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from netspec.display.drawing.theme import DARK, FONT, LIGHT, style_sheet, variables
from netspec.display.page.section import Section
from netspec.language.files.assets import asset
from netspec.language.text import encodable

PACKAGE = "netspec.display.page"

CONTENTS = "Contents"
"""What the navigation is called."""
OF_PICTURES = f"<style>{style_sheet('.net')}</style>"
"""The style sheet in every picture, which a page has once for all of them."""


def page_html(title: str, sections: Sequence[Section], *, note: str = "") -> str:
    """A page that shows sections below each other, with links to them; it loads nothing.

    Args:
        title: of the page, plain text.
        sections: in their order, with different keys.
        note: a line below the title, plain text.
    """
    links = "".join(f'<li><a href="#{escape(one.key)}">{escape(one.title)}</a></li>' for one in sections)
    parts = "".join(map(section_html, sections))
    below = f'<p class="under">{escape(note)}</p>' if note else ""
    return encodable(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style_sheet('.net')}{_colors()}{asset(PACKAGE, 'page.css')}{asset(PACKAGE, 'quality.css')}</style>"
        "</head><body>"
        '<a class="skip-link" href="#content">Skip to the content</a>'
        f"<header><h1>{escape(title)}</h1>{below}</header>"
        f'<nav aria-label="{CONTENTS}"><ul>{links}</ul></nav>'
        f'<main id="content" tabindex="-1">{parts}</main>'
        f"<script>{asset(PACKAGE, 'page.js')}</script><script>{asset(PACKAGE, 'quality.js')}</script></body></html>\n"
    )


def section_html(one: Section) -> str:
    """A section as it is in the page."""
    key = escape(one.key)
    return (
        f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{escape(one.title)}</h2>'
        f"{one.body.replace(OF_PICTURES, '')}</section>"
    )


def _colors() -> str:
    """The colors of the page, those of the drawings, as custom properties."""
    return (
        f":root{{{variables(LIGHT)}color-scheme:light dark;--mono:{FONT}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    )
