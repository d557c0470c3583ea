"""A picture that a notebook shows, and that can be written as a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path

from netspec.display.drawing.picture import picture_of
from netspec.language.files.atomic_files import replace_file

VECTOR = ("svg", "png", "pdf")


class Picture:
    """A picture as SVG, without any reference to other files, in light and dark.

    A notebook shows it; `save` writes it; `svg` is its text.
    """

    def __init__(self, svg: str, others: Mapping[str, Callable[[], bytes]] | None = None) -> None:
        self.svg = svg
        self._others = others or {}

    def save(self, file: str | Path) -> None:
        """Write the picture, completely or not at all; an existing file is replaced.

        Args:
            file: its ending says what is written: .svg, .png, .pdf, and for drawings of networks .html, .mmd or .dot.

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
        return self.svg.encode() if form == "svg" else picture_of(self.svg, form)

    def __repr__(self) -> str:
        title = re.search(r"<title>(.*?)</title>", self.svg)
        return f"<Picture {unescape(title[1]) if title is not None else ''}>"

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return in_notebook(self.svg)


def in_notebook(svg: str) -> str:
    """A picture as an element of a page: scrolled where it is large."""
    return f'<div style="max-height:44em;overflow:auto">{svg}</div>'
