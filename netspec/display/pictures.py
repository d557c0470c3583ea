"""A picture that a notebook shows, and that can be written as a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path

from netspec.display.drawing.picture import picture_of
from netspec.display.drawing.theme import style_sheet
from netspec.language.files.atomic_files import replace_file
from netspec.language.text import encodable

VECTOR = ("svg", "png", "pdf", "html")
HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
"""Of the heading of a page with a picture, which has its title in it."""


class Picture:
    """A picture as SVG, without any reference to other files, in light and dark.

    A notebook shows it; `save` writes it; `svg` is its text.
    """

    def __init__(self, svg: str, others: Mapping[str, Callable[[], bytes]] | None = None) -> None:
        self.svg = encodable(svg)
        self._others = others or {}

    def save(self, file: str | Path) -> None:
        """Write the picture, completely or not at all; an existing file is replaced.

        Args:
            file: its ending says what is written: .svg, .png, .pdf, .html, and for drawings of networks .mmd or .dot.

        Raises:
            ValueError: its ending is another one.
            OSError: it cannot be written.
        """
        path = Path(file)
        form = path.suffix[1:].lower()
        if form not in (*VECTOR, *self._others):
            endings = ", ".join(f".{name}" for name in (*VECTOR, *self._others))
            raise ValueError(f"a picture is written as {endings}, not as `{path.name}`")
        replace_file(path, [self.content(form)])

    def content(self, form: str) -> bytes:
        """The bytes of a file of this format, `svg`, `png`, …"""
        if form in self._others:
            return self._others[form]()
        if form in ("svg", "html"):
            return (self.svg if form == "svg" else self._page()).encode()
        return picture_of(self.svg, form)

    @property
    def _title(self) -> str:
        """What the picture shows, escaped."""
        found = re.search(r"<title>(.*?)</title>", self.svg, re.DOTALL)
        return found[1] if found is not None else "picture"

    def _page(self) -> str:
        """A page that has nothing but the picture, as wide as the window at most."""
        style = f"{style_sheet(':root')}body{{margin:0;background:var(--page)}}svg{{max-width:100%;height:auto}}"
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{self._title}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
            f'<body><main><h1 style="{HIDDEN}">{self._title}</h1>{self.svg}</main></body></html>\n'
        )

    def __repr__(self) -> str:
        return f"<Picture {unescape(self._title)}>"

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return in_notebook(self.svg)


def in_notebook(svg: str) -> str:
    """A picture as an element of a page: scrolled where it is large."""
    return f'<div style="max-height:44em;overflow:auto">{svg}</div>'
