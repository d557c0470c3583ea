"""A small web server for one page, on this machine only.

A request is served if it names this machine as its host (a page elsewhere cannot pose as this one by its name: DNS
rebinding) and has the token of the address. Nothing that a request names is ever opened, and the browser is told to
run, and to connect to, nothing but what is in the page itself.
"""

from __future__ import annotations

import json
import re
import secrets
import socket
from base64 import b64encode
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from netspec.analysis.pages.live.feed import Feed, Update
from netspec.language.text import encodable

ADDRESS = "127.0.0.1"
HOSTS = (ADDRESS, "localhost", "[::1]")
"""The host of a request, whatever its port: it is another one where a connection is forwarded."""
RETRY_MS = 1000
"""After this time a browser connects again."""
REQUEST_SECONDS = 20
"""A connection that sends, or takes, nothing for so long is closed."""
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
CLOSED_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


class LiveServer(ThreadingHTTPServer):
    """Serves the page of a feed.

    Args:
        feed: what is served.
        port: 0: any that is free.
        token: what an address must have; None: a new one.

    Raises:
        OSError: the port cannot be used.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, feed: Feed, port: int = 0, token: str | None = None) -> None:
        self.feed, self.token = feed, token or secrets.token_urlsafe(24)
        super().__init__((ADDRESS, port), _Handler)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.server_address[1]}/?token={self.token}"

    def server_bind(self) -> None:
        """Without looking up the name of this machine, as the base class does."""
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # on Windows SO_REUSEADDR takes the port of another server
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection may end at any moment; nothing is printed."""


class _Handler(BaseHTTPRequestHandler):
    """A request."""

    server: LiveServer
    timeout = REQUEST_SECONDS
    server_version, sys_version = "netspec", ""

    def do_GET(self) -> None:
        """The page, or its updates."""
        with suppress(ConnectionError, TimeoutError):  # nobody reads it any more
            if (query := self._query()) is None:
                self._send_text(HTTPStatus.FORBIDDEN, "403: use the address that `netspec watch` has printed\n")
            elif (path := self.path.partition("?")[0]) == "/":
                page = self.server.feed.page()
                self._send(HTTPStatus.OK, "text/html; charset=utf-8", page.encode(), policy_of(page))
            elif path == "/events":
                self._send_updates(self.headers.get("Last-Event-ID") or query.get("since", [""])[0])
            else:
                self._send_text(HTTPStatus.NOT_FOUND, "404: there is only one page\n")

    def _query(self) -> dict[str, list[str]] | None:
        """What is after the `?` of a request that may be served."""
        host = re.sub(r":\d*\Z", "", self.headers.get("Host", ""))
        try:
            query = parse_qs(urlsplit(self.path).query)
        except ValueError:
            return None
        given = query.get("token", [""])[0]
        is_right = secrets.compare_digest(given.encode(errors="replace"), self.server.token.encode())
        return query if is_right and host.lower() in HOSTS else None

    def _send_updates(self, since: str) -> None:
        """Server-sent events, as long as there is somebody who reads them."""
        self._send_head(HTTPStatus.OK, "text/event-stream; charset=utf-8")
        self.wfile.write(f"retry: {RETRY_MS}\n\n".encode())
        for update in self.server.feed.updates(since):
            self.wfile.write(event_text(update).encode())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses, above all methods other than GET; an address without the token says nothing."""
        status = HTTPStatus(code)
        if status == HTTPStatus.NOT_IMPLEMENTED:
            is_known = self._query() is not None
            status = HTTPStatus.METHOD_NOT_ALLOWED if is_known else HTTPStatus.FORBIDDEN
        with suppress(ConnectionError, TimeoutError):
            self._send_text(status, f"{int(status)}: {status.phrase}\n")

    def _send_text(self, status: HTTPStatus, text: str) -> None:
        self._send(status, "text/plain; charset=utf-8", text.encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes, policy: str = CLOSED_POLICY) -> None:
        self._send_head(status, kind, policy, length=len(content))
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_head(self, status: HTTPStatus, kind: str, policy: str = CLOSED_POLICY, length: int | None = None) -> None:
        self.send_response(status)
        more = {"Content-Type": kind, "Content-Security-Policy": policy}
        more |= {"Content-Length": str(length)} if length is not None else {}
        more |= {"Allow": "GET"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        for name, value in {**HEADERS, **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not printed: their addresses have the token."""


def policy_of(page: str) -> str:
    """The content security policy under which a page may run its own script, use its own style sheets, and connect to
    where it comes from."""
    found: dict[str, list[str]] = {"style": [], "script": []}
    for tag, text in INLINE.findall(page):
        found[tag].append(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")
    allowed = "; ".join(f"{tag}-src {' '.join(hashes)}" for tag, hashes in found.items())
    return f"{CLOSED_POLICY}; {allowed}; img-src data:; connect-src 'self'"


def event_text(update: Update | None) -> str:
    """An update as a server-sent event; None as a comment."""
    if update is None:
        return ":\n\n"
    data = {key: encodable(text) for key, text in update.data.items()}
    return f"id: {update.version}\nevent: {update.event}\ndata: {json.dumps(data)}\n\n"
