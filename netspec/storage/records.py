"""JSON of run folders as typed records: what is missing or of another type is an error that names file and key."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from netspec.storage import errors

T = TypeVar("T")

MAX_DEPTH = 64
"""How deep lists and objects may be nested; what netspec writes is far from it."""


def checksum(content: bytes) -> str:
    """Of a text or of arrays: eight hexadecimal digits."""
    return f"{zlib.crc32(content):08x}"


def parse_record(text: str, file: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        CompileError: it is not one (NS475).
    """
    try:
        record = json.loads(text)
    except RecursionError as error:
        raise errors.damaged(file, f"it is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise errors.damaged(file, error) from error
    if not isinstance(record, dict):
        raise errors.damaged(file, "not a JSON object")
    if text.count("[") + text.count("{") > MAX_DEPTH and not _is_flat(record):
        raise errors.damaged(file, f"it is nested deeper than {MAX_DEPTH} levels")
    return record


def typed(record: Any, kind: type[T], file: Path) -> T:
    """A record as an instance of `kind`, a `msgspec.Struct`, a data class, or a type of plain data.

    Raises:
        CompileError: a key is missing, or its value is of another type (NS475).
    """
    try:
        return msgspec.convert(record, kind)
    except msgspec.ValidationError as error:
        raise errors.damaged(file, _in_words(str(error))) from error
    except (ValueError, OverflowError, RecursionError) as error:  # of an `__post_init__`, or a number without a type
        raise errors.damaged(file, str(error)) from error


def plain_value(value: Any) -> Any:
    """A number or an array of NumPy as JSON has it: the `default` of `json.dumps`."""
    return value.tolist()


def _in_words(message: str) -> str:
    """The message of msgspec, key first: "`train.epochs`: expected `int`, got `str`"."""
    match = re.fullmatch(r"(.*?)(?: - at `(?:key in )?\$\.?(.*)`)?", message, re.DOTALL)
    assert match is not None
    text = match[1][:1].lower() + match[1][1:]
    return f"`{match[2]}`: {text}" if match[2] else text


def _is_flat(record: Mapping[str, Any]) -> bool:
    """Whether nothing is nested deeper than the limit."""
    level: list[Any] = [record]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for part in level
            for item in (part.values() if isinstance(part, dict) else part)
            if isinstance(item, dict | list)
        ]
        if not level:
            return True
    return False
