"""A connection: requests one after the other, each with a response, within the limits of the server.

Everything here runs in the thread of the event loop. A slow client costs a connection and no thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from netspec.serving.http.limits import Limits
from netspec.serving.http.messages import Parser, Request, Response, refused
from netspec.serving.http.refusal import Refusal

LINGER = 2.0
"""Seconds for a client to read a last response, while what it still sends is thrown away: a socket that is closed with
unread bytes resets the connection, and the response may be lost."""
MAX_AHEAD = 64 << 10
"""Bytes of further requests that are read while one is computed."""


@dataclass(eq=False)
class Hub:
    """What all connections share: `handle` gets each request, `open` has the connections, `date` is the time now."""

    limits: Limits
    handle: Callable[[Exchange], None]
    finished: Callable[[Exchange, Response], None]
    open: set[Connection] = field(default_factory=set)
    date: str = ""
    is_stopping: bool = False
    refused: int = 0
    """Connections that were too many."""
    held: int = 0
    """Bytes of requests that are in memory."""


class Exchange:
    """A request, and its response, which is given once: a later one is not sent."""

    __slots__ = ("_connection", "_then", "arrived", "is_begun", "is_done", "label", "model", "request")

    def __init__(self, connection: Connection, request: Request, arrived: float) -> None:
        self._connection, self.request, self.arrived = connection, request, arrived
        self.is_done = self.is_begun = False
        self._then: Callable[[], None] | None = None
        self.label, self.model = "other", ""
        """What metrics call the kind of request, and the model that it is for."""

    def finish(self, response: Response) -> None:
        if not self.is_done:
            self.is_done = True
            self._connection.respond(self, response)

    def refuse(self, refusal: Refusal) -> None:
        self.finish(refused(refusal))

    def send(self, data: bytes, media_type: str, then: Callable[[], None]) -> None:
        """Send a piece of a response that has no known length.

        Args:
            data: the piece.
            media_type: of the whole.
            then: called when the client has taken enough of it to get more, or is gone.
        """
        if self.is_done:
            then()
            return
        self._then = then
        if not self.is_begun:
            self.is_begun = True
            self._connection.begin_pieces(_open(media_type))
        self._connection.send_piece(self, data)

    def proceed(self) -> None:
        """The client can take more, or is gone."""
        then, self._then = self._then, None
        if then is not None:
            then()

    def end(self, media_type: str) -> None:
        """The last piece of a response is sent."""
        if not self.is_done:
            self.is_done = True
            self._connection.end_pieces(self, _open(media_type))

    def forget(self) -> None:
        """The client is gone."""
        self.is_done = True
        self.proceed()


def _open(media_type: str) -> Response:
    return Response(200, b"", media_type, {"Cache-Control": "no-store"}, is_open=True)


class Connection(asyncio.Protocol):
    """One connection; see `Hub`. It is closed when `deadline`, in seconds of the loop, is over."""

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop) -> None:
        self.hub, self.now = hub, loop.time
        self.parser = Parser(hub.limits)
        self.exchange: Exchange | None = None
        self.deadline = self.now() + hub.limits.head_time
        self.is_lingering = False
        self._held = 0
        self._has_begun = True
        """Whether a part of a request has arrived, or is due because the connection is new."""
        self._is_paused = self._is_blocked = self._is_in_body = self._is_at_end = False

    # ------------------------------------------------------------ events of the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        hub = self.hub
        if len(hub.open) >= hub.limits.connections:
            hub.refused += 1
            if len(hub.open) >= 2 * hub.limits.connections:
                self.transport.abort()
                return
            hub.open.add(self)
            message = f"the server has {hub.limits.connections} connections, and takes no more"
            self._send_last(refused(Refusal(503, message, {"Retry-After": "1"})))
            return
        hub.open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.hub.open.discard(self)
        self._hold(0)
        if self.exchange is not None:
            self.exchange.forget()

    def data_received(self, data: bytes) -> None:
        if self.is_lingering:
            return
        self.parser.buffer += data
        self._hold(self._held + len(data))
        if self._held > MAX_AHEAD and self.hub.held > self.hub.limits.total and self.exchange is None:
            message = "the requests that are being received are too large together; try again"
            self._send_last(refused(Refusal(503, message, {"Retry-After": "1"})))
        elif self.exchange is None and not self._is_blocked:
            self._advance()
        elif len(self.parser.buffer) > MAX_AHEAD and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()

    def _hold(self, size: int) -> None:
        """The bytes of requests of this connection in memory are this many now."""
        self.hub.held += size - self._held
        self._held = size

    def eof_received(self) -> bool:
        self._is_at_end = True
        # a client that has closed only its half still gets its response; TLS has no halves
        return self.exchange is not None and self.transport.can_write_eof()

    def pause_writing(self) -> None:
        """The client reads slowly: nothing further is computed for it."""
        self._is_blocked = True
        self.deadline = self.now() + self.hub.limits.write_time

    def resume_writing(self) -> None:
        self._is_blocked = False
        if self.is_lingering:
            self.deadline = self.now() + LINGER
        elif self.exchange is None:
            self._proceed()
        elif self.exchange.is_begun:
            self.deadline = self.now() + self.hub.limits.request_time
            self.exchange.proceed()

    # ------------------------------------------------------------ requests and responses

    def _advance(self) -> None:
        """Handle the next request, if it is complete."""
        try:
            request = self.parser.next()
        except Refusal as refusal:
            self._send_last(refused(refusal))
            return
        if request is None:
            self._await_more()
            return
        self._has_begun = self._is_in_body = False
        self.exchange = exchange = Exchange(self, request, self.now())
        self.deadline = exchange.arrived + self.hub.limits.request_time
        self.hub.handle(exchange)

    def _await_more(self) -> None:
        """The rest of a request is due: first its head, then its body."""
        limits = self.hub.limits
        if self.parser.request is not None and not self._is_in_body:
            self._is_in_body = True
            self.deadline = self.now() + limits.body_time
            if self.parser.wants_continue:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif self.parser.buffer and not self._has_begun:
            self._has_begun = True
            self.deadline = self.now() + limits.head_time

    def _await_request(self) -> None:
        self.deadline = self.now() + self.hub.limits.idle_time
        self._has_begun = False

    def respond(self, exchange: Exchange, response: Response) -> None:
        """Send the response to the request that is being handled."""
        self.hub.finished(exchange, response)
        keeps_alive = exchange.request.keeps_alive and not (self.hub.is_stopping or self._is_at_end)
        self.exchange = None
        self._hold(len(self.parser.buffer))
        if not keeps_alive:
            self._send_last(response, has_body=exchange.request.method != "HEAD")
            return
        self.transport.write(
            response.encode(self.hub.date, keeps_alive=True, has_body=exchange.request.method != "HEAD")
        )
        if not self._is_blocked:
            self._proceed()

    def begin_pieces(self, response: Response) -> None:
        """Send the head of a response whose body comes in pieces."""
        self.transport.write(response.encode(self.hub.date, keeps_alive=False))

    def send_piece(self, exchange: Exchange, data: bytes) -> None:
        """Send a piece, and ask for the next one as soon as the client has read enough."""
        self.transport.write(data)
        if not self._is_blocked:
            self.deadline = self.now() + self.hub.limits.request_time
            asyncio.get_running_loop().call_soon(exchange.proceed)

    def end_pieces(self, exchange: Exchange, response: Response) -> None:
        """The body is complete: it ends with the connection."""
        self.hub.finished(exchange, response)
        self.exchange = None
        self._close_after(b"")

    def _proceed(self) -> None:
        """The response is sent, or nearly: go to the next request."""
        self._await_request()
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()
        if self.parser.buffer:
            asyncio.get_running_loop().call_soon(self._continue)  # not here: many requests would be a deep stack

    def _continue(self) -> None:
        is_free = self.exchange is None and not self._is_blocked and not self.is_lingering
        if is_free and not self.transport.is_closing():
            self._advance()

    def _send_last(self, response: Response, *, has_body: bool = True) -> None:
        """Send a response after which the connection is closed."""
        self._close_after(response.encode(self.hub.date, keeps_alive=False, has_body=has_body))

    def _close_after(self, data: bytes) -> None:
        """Send what is last, and close the connection."""
        self.is_lingering = True
        self.parser = Parser(self.hub.limits)  # what has arrived is not needed any more
        self._hold(0)
        self.transport.write(data)
        self.deadline = self.now() + (self.hub.limits.write_time if self._is_blocked else LINGER)
        try:
            if self.transport.can_write_eof():
                self.transport.write_eof()
            else:
                self.transport.close()
        except OSError:  # the client has reset the connection, which the loop has not noticed yet
            self.transport.abort()
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()

    def check_time(self, now: float) -> None:
        """Called now and then: end what takes too long."""
        if now < self.deadline:
            return
        is_begun = self.exchange is not None and self.exchange.is_begun  # its status cannot be changed any more
        if self.is_lingering or self._is_blocked or is_begun:
            self.transport.abort()
        elif self.exchange is not None:
            seconds = self.hub.limits.request_time
            self.exchange.refuse(Refusal(504, f"no result after {seconds:g} s; send fewer examples, or try later"))
        elif self._has_begun:
            self._send_last(refused(Refusal(408, "the request did not arrive in time")))
        else:
            self.transport.close()

    def stop(self) -> None:
        """Close the connection unless a request is being handled."""
        if self.exchange is None and not self.is_lingering:
            self.transport.close()
