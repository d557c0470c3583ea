"""The tables of the parser in the cache folder, as JSON: making them from the grammar takes half a second.

What is in the file is data and runs no code. A file that was truncated, changed, or made from another grammar is
ignored, and the tables are made again.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeAlias

import msgspec

from netspec.language.files.atomic_files import replace_file
from netspec.language.files.cache_dir import cache_folder
from netspec.language.files.regular_file import Limit, read_regular

Tables: TypeAlias = "tuple[dict[str, Any], dict[int, Any]]"
"""What Lark's `memo_serialize` makes: the parser, and the objects that it refers to by number."""

FILE = "grammar.json"
LIMIT = Limit("NETSPEC_MAX_GRAMMAR_MB", 16, "MB", 10**6)


def load_tables(made_from: str) -> Tables | None:
    """The tables that were saved for this text, or None."""
    folder = cache_folder()
    try:
        content = b"" if folder is None else read_regular(folder / FILE, LIMIT)
        head, _, body = content.partition(b"\n")
        return _decoded(body) if head == _head(made_from, body) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def save_tables(made_from: str, tables: Tables) -> None:
    """Save tables for `load_tables`, if there is a cache folder and it can be written to."""
    folder = cache_folder()
    if folder is None:
        return
    body = msgspec.json.encode(tables)
    with suppress(OSError):  # they are made again the next time
        replace_file(folder / FILE, [_head(made_from, body), b"\n", body], is_shared=True, mode=0o600)


def _head(made_from: str, body: bytes) -> bytes:
    return f"{sha256(made_from.encode()).hexdigest()} {zlib.crc32(body):08x}".encode()


def _decoded(body: bytes) -> Tables:
    """JSON has texts for keys, where the tables have numbers."""
    data, memo = msgspec.json.decode(body)
    table = data["parser"]["parser"]
    table["tokens"] = _numbered(table["tokens"])
    table["states"] = {int(state): _numbered(actions) for state, actions in table["states"].items()}
    return data, _numbered(memo)


def _numbered(entries: dict[str, Any]) -> dict[int, Any]:
    return {int(key): value for key, value in entries.items()}
