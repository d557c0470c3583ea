"""The server: an event loop in a thread of its own, which accepts connections until it is stopped.

Input: models. Output: a handle with the address.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from email.utils import formatdate
from pathlib import Path

from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.record import Frozen
from netspec.serving.app import App, is_local
from netspec.serving.errors import CannotListen, CannotServe
from netspec.serving.http.connection import Connection, Exchange, Hub
from netspec.serving.http.limits import Limits
from netspec.serving.http.messages import Response
from netspec.serving.models.registry import Registry
from netspec.serving.routes import ROUTES

TICK = 0.25
"""Seconds between two looks at what takes too long."""
HANDSHAKE = 10.0
"""Seconds for the beginning of a connection with TLS."""


class Options(Frozen):
    """Where and for whom a server is.

    Args:
        host: the address of the interface; only programs on this machine reach the loopback interface.
        port: 0 is any free one.
        limits: what the server takes.
        key: what requests have to know, or None.
        tls: certificate and private key in files of PEM, or None.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    limits: Limits = Limits()
    key: bytes | None = None
    tls: tuple[Path, Path] | None = None

    @property
    def is_local(self) -> bool:
        return is_local(self.host)


class Server:
    """A server of the models in a registry; it runs from `start` to `stop`.

    Args:
        registry: the models, compiled.
        options: where and for whom it is.
    """

    def __init__(self, registry: Registry, options: Options) -> None:
        self.registry, self.options = registry, options
        self.app = App(registry, ROUTES, options.key, only_local=options.is_local)
        self.port = options.port
        self._context = _tls_context(*options.tls) if options.tls is not None else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._error: OSError | UnicodeError | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="netspec server", daemon=True)

    @property
    def url(self) -> str:
        """The address, with the port that was chosen."""
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        return f"{'https' if self._context is not None else 'http'}://{host}:{self.port}"

    def start(self) -> None:
        """Begin to accept connections.

        Raises:
            CompileError: the address cannot be used (NS548).
        """
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            address = f"{self.options.host}:{self.options.port}"
            raise fail(CannotListen(address=address, reason=reason_of(self._error))) from self._error

    def stop(self) -> None:
        """Accept nothing more, finish the requests that are being handled within the time of the limits, and end."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the server has ended, or for some seconds; whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    # ------------------------------------------------------------ in the thread of the event loop

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, UnicodeError) as error:  # a text that no host can have as its name
            self._error = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stop = loop, stop = asyncio.get_running_loop(), asyncio.Event()
        limits, app = self.options.limits, self.app
        hub = Hub(limits, app.handle, self._finished, date=formatdate(usegmt=True))
        server = await loop.create_server(
            lambda: Connection(hub, loop),
            self.options.host,
            self.options.port,
            ssl=self._context,
            ssl_handshake_timeout=None if self._context is None else HANDSHAKE,
            backlog=min(limits.connections, 1024),
        )
        self.port = server.sockets[0].getsockname()[1]
        app.connect(hub, loop.call_soon_threadsafe)
        self._started.set()
        ticking = asyncio.create_task(_tick(hub, app))
        try:
            await stop.wait()
            await _drain(hub, server)
        finally:
            ticking.cancel()
            app.close()

    def _finished(self, exchange: Exchange, response: Response) -> None:
        seconds = time.monotonic() - exchange.arrived
        self.app.metrics.count_request(exchange.label, exchange.model, response.status, seconds)


async def _tick(hub: Hub, app: App) -> None:
    """Look now and then at what takes too long."""
    while True:
        await asyncio.sleep(TICK)
        hub.date = formatdate(usegmt=True)
        now = asyncio.get_running_loop().time()
        for connection in [*hub.open]:
            connection.check_time(now)
        app.end_retired()


async def _drain(hub: Hub, server: asyncio.Server) -> None:
    """Close what is idle, and wait for the rest."""
    server.close()
    hub.is_stopping = True
    until = time.monotonic() + hub.limits.stop_time
    while hub.open and time.monotonic() < until:
        for connection in [*hub.open]:
            connection.stop()
        await asyncio.sleep(0.02)
    for connection in [*hub.open]:
        connection.transport.abort()
    await asyncio.sleep(0)


def _tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Raises CompileError if one of the files cannot be used (NS549)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        what = f"with `{certificate}` and `{key}`"
        advice = "give a certificate and its private key, both as PEM"
        raise fail(CannotServe(what=what, reason=reason_of(error), advice=advice)) from error
    return context
