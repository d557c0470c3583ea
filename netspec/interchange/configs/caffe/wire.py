"""The binary format of protobuf: the fields of one message, read without knowing what they mean.

Messages inside are bytes until they are read in turn, so that nothing is deeper than the reader wants, and no number is
believed before the bytes it stands for are there. Reference: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netspec.language.lazy import np

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The kinds of values; the others are groups, which Caffe does not use."""
MAX_VARINT = 10
"""Bytes of a number at most."""


class BadMessage(Exception):
    """Bytes that are not a message; the text says why, and where."""


def message_fields(data: memoryview) -> Iterator[tuple[int, int, Any]]:
    """The number, the kind and the value of each field.

    Values are integers (VARINT) or the bytes themselves.

    Raises:
        BadMessage: the bytes end too early, or are not a message.
    """
    at = 0
    while at < len(data):
        start = at
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise BadMessage(f"byte {start} does not begin a field")
        if kind == VARINT:
            value: Any
            value, at = _varint(data, at)
        elif kind in (FIXED32, FIXED64, BYTES):
            length = {FIXED32: 4, FIXED64: 8}.get(kind, 0)
            if kind == BYTES:
                length, at = _varint(data, at)
            if length > len(data) - at:
                raise BadMessage(f"field {number} has {length:,} bytes, and {len(data) - at:,} are left")
            value, at = data[at : at + length], at + length
        else:
            raise BadMessage(f"field {number} is of kind {kind}, which is not in use")
        yield number, kind, value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for index in range(MAX_VARINT):
        if at + index >= len(data):
            raise BadMessage("it ends within a number")
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & (2**64 - 1), at + index + 1
    raise BadMessage(f"the number at byte {at} has more than {MAX_VARINT} bytes")


def text_value(value: Any) -> str:
    """The text of a field, which has to be bytes.

    Raises:
        BadMessage: it is a number, or not in UTF-8.
    """
    if isinstance(value, int):
        raise BadMessage("there is a number where a text is expected")
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise BadMessage("a text is not in UTF-8") from None


def integers(kind: int, value: Any) -> list[int]:
    """The integers of a repeated field: one, or a packed list.

    Raises:
        BadMessage: they are not integers.
    """
    if kind == VARINT:
        return [value]
    if kind != BYTES:
        raise BadMessage("there are fractions where integers are expected")
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(number)
    return found


def numbers(kind: int, value: Any, size: int) -> Any:
    """The numbers of a repeated field of floats or doubles, of `size` bytes each: one, or a packed list.

    Raises:
        BadMessage: they have another size.
    """
    if kind == VARINT or len(value) % size or (kind != BYTES and len(value) != size):
        raise BadMessage(f"a list of numbers has not {size} bytes each")
    return np.frombuffer(value, "<f4" if size == 4 else "<f8")
