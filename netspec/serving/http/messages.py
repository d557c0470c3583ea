"""Requests as they come in, and responses as they go out (RFC 9110 and 9112).

Input: bytes. Output: complete requests; whatever differs from the RFC is refused instead of guessed, because a proxy
before the server may guess in another way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

import msgspec

from netspec.serving.http.limits import Limits
from netspec.serving.http.refusal import Refusal

REQUEST_LINE = re.compile(r"([A-Za-z]{1,20}) (\S+) HTTP/1\.([01])")
HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*?)[ \t]*")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")
SINGLE = ("content-length", "transfer-encoding", "host", "content-type")
"""Headers that a request has at most once."""
MAX_HEADERS = 100
MAX_CHUNK_LINE = 256

JSON = "application/json"
REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Request:
    """A request: `path` is split at its slashes and decoded, `headers` have names in lower case."""

    method: str
    target: str
    path: tuple[str, ...]
    headers: dict[str, str]
    keeps_alive: bool
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """The type of the body without its parameters, in lower case; empty if none is given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def may_be_json(self) -> bool:
        """Whether the body is JSON, or nothing is said about it: curl calls it a form then."""
        return self.media_type in ("", JSON, "application/x-www-form-urlencoded")


@dataclass(slots=True)
class Response:
    """What is sent. The body of an open one comes in pieces, and ends with the connection (RFC 9112, section 6.3)."""

    status: int = 200
    body: bytes = b""
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = False

    def encode(self, date: str, *, keeps_alive: bool, has_body: bool = True) -> bytes:
        """The bytes to send; those of a response to HEAD have no body."""
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        more += "" if keeps_alive else "Connection: close\r\n"
        more += "" if self.is_open else f"Content-Length: {len(self.body)}\r\n"
        head = (
            f"HTTP/1.1 {self.status} {REASONS.get(self.status, '')}\r\nDate: {date}\r\n"
            f"Content-Type: {self.media_type}\r\nX-Content-Type-Options: nosniff\r\n{more}\r\n"
        )
        return head.encode("latin-1", "replace") + (self.body if has_body else b"")


def refused(refusal: Refusal) -> Response:
    """The response to a request that is not served."""
    return Response(refusal.status, msgspec.json.encode({"error": refusal.message}), headers=refusal.headers)


class Parser:
    """Takes bytes in pieces of any size and gives requests; it holds no more than the limits say.

    Args:
        limits: those of the server.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.buffer = bytearray()
        self.request: Request | None = None
        """The request whose head is complete, and whose body is not."""
        self._length: int | None = None
        """Bytes of its body; None: it is in chunks."""
        self._chunks = bytearray()
        self._is_at_trailers = False

    @property
    def wants_continue(self) -> bool:
        """Whether the client waits for a sign before it sends the body."""
        return self.request is not None and self.request.headers.get("expect", "").lower() == "100-continue"

    def next(self) -> Request | None:
        """The next complete request, or None.

        Raises:
            Refusal: it is not HTTP/1.1, or too large; nothing that follows can be read.
        """
        if self.request is None and not self._read_head():
            return None
        request = self.request
        assert request is not None
        if self._length is None:
            if not self._read_chunks():
                return None
            request.body, self._chunks, self._is_at_trailers = bytes(self._chunks), bytearray(), False
        elif len(self.buffer) < self._length:
            return None
        else:
            request.body = bytes(self.buffer[: self._length])
            del self.buffer[: self._length]
        self.request = None
        return request

    def _read_head(self) -> bool:
        while self.buffer.startswith(b"\r\n"):  # some clients send it after a body
            del self.buffer[:2]
        end = self.buffer.find(b"\r\n\r\n")
        if max(end, len(self.buffer) if end < 0 else 0) > self.limits.head:
            raise Refusal(431, f"the headers are longer than {self.limits.head} bytes")
        if end < 0:
            return False
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        del self.buffer[: end + 4]
        self.request = request = _head(lines)
        self._length = _body_length(request.headers)
        if self._length is not None and self._length > self.limits.body:
            raise too_large(self.limits)
        return True

    def _read_chunks(self) -> bool:
        """Move complete chunks out of the buffer; whether the last one is there."""
        buffer = self.buffer
        while True:
            end = buffer.find(b"\r\n", 0, MAX_CHUNK_LINE)
            if end < 0:
                if len(buffer) >= MAX_CHUNK_LINE:
                    raise Refusal(400, "the body is not in chunks as RFC 9112 has them")
                return False
            if self._is_at_trailers:
                del buffer[: end + 2]
                if end == 0:
                    return True
                continue
            line = CHUNK.fullmatch(buffer, 0, end)
            if line is None:
                raise Refusal(400, "the body is not in chunks as RFC 9112 has them")
            size = int(line[1], 16)
            if len(self._chunks) + size > self.limits.body:
                raise too_large(self.limits)
            begin, after = end + 2, end + 2 + size
            if size == 0:
                self._is_at_trailers = True
                del buffer[:begin]
                continue
            if len(buffer) < after + 2:
                return False
            if buffer[after : after + 2] != b"\r\n":
                raise Refusal(400, "a chunk of the body has another length than it says")
            self._chunks += buffer[begin:after]
            del buffer[: after + 2]


def too_large(limits: Limits) -> Refusal:
    return Refusal(413, f"the body is larger than {limits.body:,} bytes; send fewer examples in a request")


def _head(lines: list[str]) -> Request:
    """The request line and the headers."""
    first = REQUEST_LINE.fullmatch(lines[0])
    if first is None:
        raise Refusal(400, "not a request of HTTP/1.1")
    if len(lines) > MAX_HEADERS + 1:
        raise Refusal(431, f"there are more than {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        header = HEADER.fullmatch(line)
        if header is None:
            raise Refusal(400, "a header is not `name: value`")
        name = header[1].lower()
        if name in headers and name in SINGLE:
            raise Refusal(400, f"the header {name} is given twice")
        headers[name] = f"{headers[name]}, {header[2]}" if name in headers else header[2]
    is_1_1 = first[3] == "1"
    if is_1_1 and "host" not in headers:
        raise Refusal(400, "a request of HTTP/1.1 has the header Host")
    tokens = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    keeps_alive = "close" not in tokens if is_1_1 else "keep-alive" in tokens
    return Request(first[1].upper(), first[2], _path(first[2]), headers, keeps_alive)


def _path(target: str) -> tuple[str, ...]:
    """The parts of a path: `/v2/models/a%20b` has `v2`, `models`, `a b`."""
    path = target.partition("?")[0]
    if not path.startswith("/") or path.startswith("//"):
        raise Refusal(400, "the target of a request is a path, such as /v2")
    try:
        parts = [unquote(part, "utf-8", "strict") for part in path.split("/")[1:]]
    except UnicodeDecodeError:
        raise Refusal(400, "the path is not UTF-8") from None
    return tuple(parts[:-1] if len(parts) > 1 and parts[-1] == "" else parts)


def _body_length(headers: Mapping[str, str]) -> int | None:
    """The bytes of a body, None if it is in chunks."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if length is not None:
            raise Refusal(400, "a request has Content-Length or Transfer-Encoding, not both")
        if coding.lower() != "chunked":
            raise Refusal(400, "the only Transfer-Encoding is chunked")
        return None
    if length is not None and re.fullmatch(r"[0-9]{1,18}", length) is None:
        raise Refusal(400, "Content-Length is not a number")
    return int(length or 0)
