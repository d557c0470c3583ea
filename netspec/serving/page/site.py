"""The pages of the server: files of `assets/`, and the reference of its addresses.

Input: the models. Output: responses that load nothing from elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from netspec.display.drawing.theme import DARK, FONT, LIGHT, variables
from netspec.language.files.assets import asset
from netspec.serving.http.messages import Response

PACKAGE = "netspec.serving.page"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
HTML = "text/html; charset=utf-8"


def page(name: str, media_type: str) -> Response:
    """A file of `assets/` as a response."""
    return Response(200, asset(PACKAGE, name).encode(), media_type, HEADERS)


def style_page() -> Response:
    """The style of all pages, in the colors of reports."""
    light = f":root{{{variables(LIGHT)}--font:{FONT};color-scheme:light dark}}"
    dark = f"@media(prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    return Response(200, (light + dark + asset(PACKAGE, "page.css")).encode(), "text/css; charset=utf-8", HEADERS)


def docs_page(document: Mapping[str, Any]) -> Response:
    """The OpenAPI document for people."""
    title = escape(document["info"]["title"])
    schemas = document["components"]["schemas"]
    operations = [
        _operation(path, method, operation, schemas)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    body = (
        f'<header><h1>{title}</h1><nav><a href="/">try the models</a> <a href="/openapi.json">openapi.json</a></nav>'
        f"</header><main class=docs>{_paragraphs(document['info']['description'])}{''.join(operations)}</main>"
    )
    return Response(200, _document(title, body).encode(), HTML, HEADERS)


def _document(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"></head><body>{body}</body></html>\n'
    )


def _paragraphs(text: str) -> str:
    """Paragraphs with code and links, as OpenAPI has them in Markdown."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    linked = re.sub(r"\[([^\]]+)\]\((https://[^)\s]+)\)", r'<a href="\2">\1</a>', marked)
    return "".join(f"<p>{part}</p>" for part in linked.split("\n\n"))


def _operation(path: str, method: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {})
    takes = "".join(
        f"<dt>{escape(kind)}</dt><dd>{_schema(content['schema'], schemas)}</dd>" for kind, content in body.items()
    )
    statuses = "".join(
        f"<dt>{status}</dt><dd>{_inline(response['description'])}</dd>"
        for status, response in operation["responses"].items()
    )
    sent = f"<h3>Body</h3><dl>{takes}</dl>" if takes else ""
    example = body.get("application/json", {}).get("example")
    if example is not None:
        sent += (
            f'<h3>Example</h3><pre tabindex="0"><code>{escape(json.dumps(example, ensure_ascii=False))}</code></pre>'
        )
    return (
        f'<section><h2><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h2>'
        f"<p>{_inline(operation['summary'])}</p>{sent}"
        f"<details><summary>Responses</summary><dl>{statuses}</dl></details></section>"
    )


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _schema(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """A schema as nested lists."""
    if "$ref" in schema:
        return _schema(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "oneOf" in schema:
        return f"one, or a list of: {_schema(schema['oneOf'][0], schemas)}"
    if "properties" in schema:
        required = schema.get("required", [])
        items = (
            f"<li><code>{escape(name)}</code>{'' if name in required else ' (optional)'}: "
            f"{_schema(inner, schemas)}</li>"
            for name, inner in schema["properties"].items()
        )
        return f"<ul>{''.join(items)}</ul>"
    if "items" in schema:
        return f"a list of: {_schema(schema['items'], schemas)}"
    kinds = schema.get("type", ["one of " + ", ".join(map(str, schema["enum"]))] if "enum" in schema else [])
    kind = kinds if isinstance(kinds, str) else " or ".join(one for one in kinds if one != "null")
    examples = ", ".join(f"“{one}”" for one in schema.get("examples", []))
    notes = [schema.get("description", ""), f"such as {examples}" if examples else ""]
    return escape(", ".join(part for part in [kind, *notes] if part))
