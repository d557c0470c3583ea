"""The page around the sections."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from netspec.report.page.section import Section


def page_html(title: str, sections: Sequence[Section]) -> str:
    """A page that shows sections below each other.

    Args:
        title: of the page, plain text.
        sections: in their order.
    """
    parts = "".join(
        f'<section id="{one.key}" aria-labelledby="{one.key}-title">'
        f'<h2 id="{one.key}-title">{escape(one.title)}</h2>{one.body}</section>'
        for one in sections
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><main><h1>{escape(title)}</h1>{parts}</main></body></html>\n"
    )
