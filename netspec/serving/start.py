"""From runs and settings to a running server: `netspec.serve`, and the command.

Input: run folders, or models, and where to serve them. Output: a handle on the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.files.regular_file import Limit, read_regular
from netspec.runs.arguments import check_optional, check_type, run_folder
from netspec.runs.catalog import list_runs, look_at
from netspec.serving.errors import CannotServe
from netspec.serving.http.limits import MAX_BATCH, MAX_WAIT_MS
from netspec.serving.models.batching import Batching
from netspec.serving.models.registry import Registry, load_served, serve_model
from netspec.serving.models.reload import Reloader, newer_runs
from netspec.serving.server import Options, Server
from netspec.spec.model import Model

KEY_LIMIT = Limit("NETSPEC_MAX_KEY_BYTES", 4096, "bytes", 1)
MIN_KEY = 16
"""Characters of a key: shorter ones can be guessed."""


class Handle:
    """A server that runs in threads of its own.

    `url` is its address; `stop()` finishes the requests that have begun and ends it. In a `with` statement it is
    stopped at the end.
    """

    def __init__(self, server: Server, reloader: Reloader | None) -> None:
        self._server, self._reloader = server, reloader

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def models(self) -> dict[str, list[str]]:
        """The versions of each model that are served now."""
        return {name: [*versions] for name, versions in [*self._server.registry.models.items()]}

    def stop(self) -> None:
        """Accept no further requests, finish those that have begun, and end."""
        if self._reloader is not None:
            self._reloader.stop()
        self._server.stop()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the server has ended, at most some seconds; whether it has."""
        return self._server.wait(seconds)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Handle {self.url}: {', '.join(self.models)}>"


def serve(
    models: str | Path | Model | Sequence[str | Path | Model] | Mapping[str, str | Path | Model],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    max_batch: int = 64,
    max_wait_ms: float = 2.0,
    key: str | None = None,
    newer_from: str | Path | None = None,
) -> Handle:
    """Serve models over HTTP, in threads of this process; what is returned has the address (`url`) and `stop()`.
    `netspec serve` has more options.

    Args:
        models: run folders, or models with the weights that they have; a dict has the names that they are served under.
        host: the address of the interface; the default is for programs on this machine only.
        port: 0 is any free one.
        max_batch: how many examples are computed together.
        max_wait_ms: how long a batch waits for further requests, in milliseconds.
        key: what requests have to know, as `Authorization: Bearer …`.
        newer_from: the folder of the runs, in which newer runs of the same specs take over when they are finished.

    Raises:
        CompileError: there is no such run, it is damaged, or the port is in use.
        TypeError, ValueError: an argument is not what it should be.
    """

    check_type("host", host, str, "an address, such as 127.0.0.1")
    check_type("port", port, int, "an integer")
    check_type("max_batch", max_batch, int, "a positive integer")
    check_type("max_wait_ms", max_wait_ms, (int, float), "a number of milliseconds")
    check_optional("key", key, str, "a text")
    check_optional("newer_from", newer_from, (str, Path), "a folder (str or Path)")
    if not (0 <= port <= 65535 and 1 <= max_batch <= MAX_BATCH and 0 <= max_wait_ms <= MAX_WAIT_MS):
        limits = f"`port` is from 0 to 65535, `max_batch` from 1 to {MAX_BATCH}, `max_wait_ms` from 0 to {MAX_WAIT_MS}"
        raise ValueError(limits)
    listed: Sequence[Any] = models if isinstance(models, list | tuple) else [models]
    named = models.items() if isinstance(models, Mapping) else [(None, one) for one in listed]
    given = [(name, one if isinstance(one, Model) else run_folder(one)) for name, one in named]
    options = Options(host, port, key=key.encode() if key is not None else None)
    folder = Path(newer_from) if newer_from is not None else None
    return start_server(given, options, Batching(max_batch, max_wait_ms / 1000), folder)


def start_server(
    what: Iterable[tuple[str | None, Path | Model]], options: Options, batching: Batching, folder: Path | None = None
) -> Handle:
    """Load, compile and serve models.

    Args:
        what: runs or models, each with the name that it has in addresses (None: that of the spec).
        options: where and for whom the server is.
        batching: how requests are computed together.
        folder: newer runs in it take over; where `what` is empty, the newest of each spec in it.

    Raises:
        CompileError: a run cannot be served, or the address is in use.
    """
    registry, names = Registry(batching), dict[str, tuple[str, int]]()
    given = [*what]
    is_all = folder is not None and not given
    if folder is not None and is_all:
        list_runs(folder)  # says what is wrong with the folder
        given = [(None, path) for path in newer_runs(folder, {}, all_specs=True).values()]
        if not given:
            advice = "train one there first, or name the runs to serve"
            raise fail(CannotServe(what=f"`{folder}`", reason="it has no finished run", advice=advice))
    for name, model in given:
        if isinstance(model, Model):
            registry.add(serve_model(model, batching, name))
            continue
        served = load_served(model, batching, name)
        registry.add(served, pinned=not is_all)
        spec, number = look_at(model).spec, int(served.version)
        if (
            number > names.get(spec, ("", -1))[1]
        ):  # of several names of a spec, the newest is the one that gets newer runs
            names[spec] = served.name, number
    server = Server(registry, options)
    reloader = Reloader(folder, names, batching, server.app.take_over, all_specs=is_all) if folder else None
    server.start()
    if reloader is not None:
        reloader.start()
    return Handle(server, reloader)


def read_key(path: Path) -> bytes:
    """The key in the first line of a file.

    Raises:
        CompileError: it cannot be read, or is too short (NS549).
    """
    advice = "write a random key of at least 16 characters into it, such as that of `openssl rand -hex 32`"
    try:
        key = read_regular(path, KEY_LIMIT).split(b"\n")[0].strip()
    except OSError as error:
        raise fail(CannotServe(what=f"with the key in `{path}`", reason=reason_of(error), advice=advice)) from error
    if len(key) < MIN_KEY:
        reason = f"it has {len(key)} characters"
        raise fail(CannotServe(what=f"with the key in `{path}`", reason=reason, advice=advice))
    return key
