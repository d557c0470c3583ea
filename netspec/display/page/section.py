"""A part of a page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A part of a page, with its heading.

    Args:
        key: its anchor in the page, such as `curves`.
        title: its heading, plain text.
        body: HTML, with texts escaped already; headings in it begin at `h3`.
    """

    key: str
    title: str
    body: str
