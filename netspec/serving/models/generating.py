"""Generations for clients: each computes for a moment in one of a few threads, and waits while its client reads.

Input: a `Generation` of a request. Output: its pieces, sent in the thread of the event loop as they come.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from netspec.language.diagnostics import CompileError
from netspec.runs.generation.generator import Generation
from netspec.serving.http.connection import Exchange
from netspec.serving.http.messages import Response
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.served import Served
from netspec.serving.protocol.examples import message_of
from netspec.serving.protocol.generation import (
    EVENTS,
    error_event,
    event,
    last_event,
    read_generation,
    whole_text,
)

MOMENT = 0.02
"""Seconds that one generation computes before another one may: pieces that come in them are sent together."""

log = logging.getLogger(__name__)


class Generating:
    """The generation of one request.

    Args:
        exchange: the request, which may be given up by its client.
        served: the model.
        pool: threads that compute.
        post: calls a function in the thread of the event loop.
        ended: called there once, at the end.
    """

    def __init__(
        self,
        exchange: Exchange,
        served: Served,
        pool: ThreadPoolExecutor,
        post: Callable[..., object],
        ended: Callable[[], None],
    ) -> None:
        self.exchange, self.served, self.pool, self.post, self.ended = exchange, served, pool, post, ended
        self._generation: Generation | None = None
        self._pieces: Any = None
        self._is_stream = False
        self._whole: list[Any] = []

    def advance(self) -> None:
        """In the thread of the event loop: compute a further moment, unless the client is gone."""
        if self.exchange.is_done:
            self._end()
            return
        self.pool.submit(lambda: self.post(self._deliver, *self._compute()))

    def _compute(self) -> tuple[list[Any], bool, Refusal | None]:
        """In a thread: the pieces of a moment, whether they are the last ones, and what went wrong."""
        found: list[Any] = []
        try:
            if self._pieces is None:
                self._generation, self._is_stream = read_generation(self.exchange.request, self.served)
                self._pieces = self._generation.pieces()
            until = time.monotonic() + MOMENT
            for piece in self._pieces:
                found.append(piece)
                if time.monotonic() > until:
                    return found, False, None
        except Refusal as refusal:
            return found, True, refusal
        except CompileError as error:
            return found, True, Refusal(400, message_of(error))
        except Exception:  # the server goes on for others
            log.exception("the model %s cannot generate", self.served.name)
            return found, True, Refusal(500, f"the model {self.served.name} cannot generate")
        return found, True, None

    def _deliver(self, pieces: list[Any], is_last: bool, refusal: Refusal | None) -> None:
        """In the thread of the event loop: send what there is."""
        exchange, generation = self.exchange, self._generation
        if exchange.is_done:
            self._end()
        elif not self._is_stream or generation is None:
            self._whole += pieces
            if refusal is not None:
                exchange.refuse(refusal)
            elif is_last and generation is not None:
                exchange.finish(Response(200, whole_text(self.served, generation, self._whole)))
            self._go_on(is_last)
        else:
            data = b"".join(map(event, pieces))
            if is_last:
                data += last_event(generation) if refusal is None else error_event(refusal.message)
            exchange.send(data, EVENTS, lambda: self._go_on(is_last))

    def _go_on(self, is_last: bool) -> None:
        if not is_last:
            self.advance()
            return
        if self._is_stream and not self.exchange.is_done:
            self.exchange.end(EVENTS)
        self._end()

    def _end(self) -> None:
        self._pieces = None
        self.ended()
