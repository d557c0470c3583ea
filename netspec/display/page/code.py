"""Specs in the colors of their syntax."""

from __future__ import annotations

from html import escape

from netspec.compiler.syntax.parser import lexed


def spec_html(text: str, key: str) -> str:
    """The text of a spec; each kind of token is of a class such as `token-keyword`, and `key` is its anchor."""
    parts = (
        f'<span class="token-{kind}">{escape(piece)}</span>' if kind else escape(piece) for kind, piece in lexed(text)
    )
    return f'<pre id="{key}"><code>{"".join(parts).strip()}</code></pre>'
