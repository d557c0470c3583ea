"""From a request to its response: the address, the key, and the batch of a model.

Input: complete requests, in the thread of the event loop. Output: responses; those of models when their batch is done.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from netspec.data.predict.rows import RawInputs
from netspec.language.corrections import suggest
from netspec.language.diagnostics import CompileError
from netspec.serving.http.connection import Exchange, Hub
from netspec.serving.http.messages import Request, Response
from netspec.serving.http.refusal import Refusal
from netspec.serving.metrics import Metrics
from netspec.serving.models.batching import Done, Outputs
from netspec.serving.models.generating import Generating
from netspec.serving.models.registry import Registry
from netspec.serving.models.served import Served
from netspec.serving.protocol.examples import message_of

SMALL = 32 << 10
"""Bodies that are decoded at once; larger ones, images and sounds, in a thread, so that other requests do not wait."""
THREADS = 2
RETRY = {"Retry-After": "1"}

log = logging.getLogger(__name__)

Handler = Callable[["App", Exchange, Mapping[str, str]], None]


@dataclass(frozen=True)
class Route:
    """An address: `parts` in braces stand for any text. Open ones need no key."""

    method: str
    parts: tuple[str, ...]
    handle: Handler
    is_open: bool = False

    @property
    def path(self) -> str:
        return "/" + "/".join(self.parts)

    def match(self, path: tuple[str, ...]) -> dict[str, str] | None:
        """The texts for the parts in braces, or None."""
        found = {}
        for part, text in zip(self.parts, path, strict=True):
            if part.startswith("{"):
                found[part[1:-1]] = text
            elif part != text:
                return None
        return found


class App:
    """Handles requests.

    Args:
        registry: the models.
        routes: the addresses.
        key: what requests have to know, or None.
        only_local: whether requests have to name this machine as their host: without a key a page of another site could
            give its own name to this address, and read the responses.
    """

    def __init__(
        self, registry: Registry, routes: Sequence[Route], key: bytes | None, *, only_local: bool = False
    ) -> None:
        self.registry, self.key, self.only_local = registry, key, only_local
        self.metrics = Metrics()
        self.hub: Hub
        self.post: Callable[..., object]
        self.is_ready = False
        self.retired: list[Served] = []
        """Versions that others have replaced, and that still compute."""
        self._pool = ThreadPoolExecutor(THREADS, "decoding")
        self._generating = ThreadPoolExecutor(THREADS, "generating")
        self._routes: dict[int, list[Route]] = {}
        for route in routes:
            self._routes.setdefault(len(route.parts), []).append(route)

    def connect(self, hub: Hub, post: Callable[..., object]) -> None:
        """Called once: the connections, and how a thread calls a function in that of the event loop."""
        self.hub, self.post = hub, post
        self.registry.start(self.deliver, self.callers)
        self.is_ready = True

    def close(self) -> None:
        self.registry.close()
        for pool in (self._pool, self._generating):
            pool.shutdown(wait=False, cancel_futures=True)

    def callers(self) -> int:
        return len(self.hub.open)

    # ------------------------------------------------------------ requests

    def handle(self, exchange: Exchange) -> None:
        """Handle a request; whatever happens it gets a response."""
        try:
            route, names = self._find(exchange.request)
            exchange.label = route.path
            if not route.is_open:
                self._check_allowed(exchange.request)
            route.handle(self, exchange, names)
        except Refusal as refusal:
            exchange.refuse(refusal)
        except Exception:  # noqa: BLE001  # a bug here must not end the server, nor show itself to a client
            report_bug(exchange)

    def _find(self, request: Request) -> tuple[Route, Mapping[str, str]]:
        method = "GET" if request.method == "HEAD" else request.method
        allowed = []
        for route in self._routes.get(len(request.path), ()):
            names = route.match(request.path)
            if names is not None and route.method == method:
                return route, names
            if names is not None:
                allowed.append(route.method)
        if allowed:
            methods = ", ".join(dict.fromkeys([*allowed, *(["HEAD"] if "GET" in allowed else [])]))
            raise Refusal(405, f"{'/' + '/'.join(request.path)} takes {methods}", {"Allow": methods})
        path = "/" + "/".join(request.path)
        known = [route.path for routes in self._routes.values() for route in routes if "{" not in route.path]
        raise Refusal(404, f"there is no {path[:200]}; {suggest(path[:200], known) or 'see /docs'}")

    def _check_allowed(self, request: Request) -> None:
        """Raises Refusal for a request without the key, or with the name of another host."""
        if self.key is not None:
            if not compare_digest(_given_key(request.headers), self.key):
                challenge = {"WWW-Authenticate": 'Bearer, Basic realm="netspec"'}
                raise Refusal(401, "give the key of the server: `Authorization: Bearer …` or `X-API-Key: …`", challenge)
        elif self.only_local and not is_local(request.headers.get("host", "localhost")):
            raise Refusal(
                403, "this server is for its own machine: call it localhost, or start it with --host or a key"
            )

    # ------------------------------------------------------------ models

    def predict(
        self,
        exchange: Exchange,
        served: Served,
        read: Callable[[], tuple[RawInputs, Callable[[Outputs], Response]]],
    ) -> None:
        """Read the examples of a request, and compute them in a batch.

        Args:
            exchange: the request.
            served: the model.
            read: gives the examples, and what makes a response from the outputs for them.
        """
        self._take(exchange, served)
        request = exchange.request
        if len(request.body) > SMALL or request.media_type.startswith(("image/", "audio/")):
            self._pool.submit(lambda: self.post(self._submit, exchange, served, _outcome(read)))
        else:
            self._submit(exchange, served, _outcome(read))

    def generate(self, exchange: Exchange, served: Served) -> None:
        """Continue the prompt of a request; each of a few threads computes one text for a moment, then another one."""
        self._take(exchange, served)

        def ended() -> None:
            served.waiting -= 1

        Generating(exchange, served, self._generating, self.post, ended).advance()

    def _take(self, exchange: Exchange, served: Served) -> None:
        """Raises Refusal for a request that cannot be read, or where too many wait."""
        exchange.model = served.name
        if exchange.request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal(415, "send the body as it is, without Content-Encoding")
        if served.waiting >= self.hub.limits.queue:
            raise Refusal(429, f"{served.name} has {served.waiting} requests waiting; try again", RETRY)
        served.waiting += 1

    def _submit(self, exchange: Exchange, served: Served, outcome: Any) -> None:
        """The examples of a request are read: compute them, or say what is wrong."""
        if isinstance(outcome, Refusal) or exchange.is_done:
            served.waiting -= 1
            if isinstance(outcome, Refusal):
                exchange.refuse(outcome)
            return
        raw, respond = outcome

        def finish(outputs: Outputs | Refusal) -> None:
            served.waiting -= 1
            if isinstance(outputs, Refusal):
                exchange.refuse(outputs)
            elif not exchange.is_done:
                try:
                    exchange.finish(respond(outputs))
                except Exception:  # noqa: BLE001  # a bug here must not keep others of the batch from their response
                    report_bug(exchange)

        served.submit(raw, finish, lambda: not exchange.is_done)

    def take_over(self, served: Served) -> None:
        """Called in any thread: serve a newer version, and end those that it replaces when their requests are done."""
        self.registry.start_one(served, self.deliver, self.callers)
        self.post(self._replaced, served)

    def _replaced(self, served: Served) -> None:
        self.retired += self.registry.replace(served)
        log.info("%s %s is served now: %s", served.name, served.version, served.path)

    def end_retired(self) -> None:
        """Called now and then: end the threads of versions that have nothing to compute any more."""
        for served in [one for one in self.retired if not one.waiting]:
            served.close()
            self.retired.remove(served)

    def deliver(self, served: Served, done: Done) -> None:
        """Called in the thread of a model with a finished batch."""
        self.post(self._delivered, served, done)

    def _delivered(self, served: Served, done: Done) -> None:
        if done.count:
            self.metrics.count_batch(served.name, done.count, done.seconds)
        for job, result in zip(done.jobs, done.results, strict=True):
            job.finish(result)


def _outcome(read: Callable[[], Any]) -> Any:
    """What is read, or a Refusal: nothing in a request may end in an error of ours."""
    try:
        return read()
    except Refusal as refusal:
        return refusal
    except CompileError as error:
        return Refusal(400, message_of(error))
    except Exception as error:  # noqa: BLE001  # libraries raise many kinds for numbers and texts that they cannot read
        return Refusal(400, f"the inputs cannot be read ({type(error).__name__})")


def report_bug(exchange: Exchange) -> None:
    log.exception("internal error of netspec; please report it with the text below")
    exchange.refuse(Refusal(500, "internal error of the server"))


def _given_key(headers: Mapping[str, str]) -> bytes:
    """The key of a request: that of a browser is the password that it asks for."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return headers.get("x-api-key", "").encode("latin-1")


def is_local(host: str) -> bool:
    """Whether a name, with or without a port, is that of this machine for itself."""
    name = re.sub(r"(?<=[^:]):\d*$", "", host).strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
