"""How much the server takes from anybody, before it refuses."""

from __future__ import annotations

from netspec.language.record import Frozen

MAX_BATCH, MAX_WAIT_MS = 4096, 1000
"""Examples that are computed together at most, and how long a batch may wait for them."""


class Limits(Frozen):
    """Sizes in bytes, times in seconds.

    Args:
        head: of the request line with all headers (431).
        body: of a request (413).
        total: of all requests that are in memory; further large ones get 503.
        connections: that are open at once; further ones get 503.
        queue: requests that one model has taken and not yet answered (429).
        head_time: from the first byte of a request to its last header (408).
        body_time: from there to the last byte of the body (408).
        idle_time: without a request, until a connection is closed.
        request_time: from a complete request to its response (504).
        write_time: for a client to read a response.
        stop_time: for requests that are being computed when the server stops.
    """

    head: int = 32 << 10
    body: int = 16 << 20
    total: int = 256 << 20
    connections: int = 512
    queue: int = 256
    head_time: float = 10.0
    body_time: float = 30.0
    idle_time: float = 75.0
    request_time: float = 30.0
    write_time: float = 30.0
    stop_time: float = 10.0
