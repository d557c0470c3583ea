"""`netspec watch`"""

from __future__ import annotations

import os
import platform
import re
import secrets
import signal
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netspec.cli.commands.runs.runs import folder_option
from netspec.cli.errors import PortNotUsable
from netspec.cli.options import json_option
from netspec.cli.output import print_json
from netspec.display.text import line_width
from netspec.language.corrections import nearest
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of, replace_file
from netspec.language.files.cache_dir import cache_folder
from netspec.language.files.paths import exists, is_file
from netspec.language.text import wrap_lines
from netspec.runs.catalog import runs_beside

if TYPE_CHECKING:
    from netspec.analysis.pages.live.feed import Feed
    from netspec.analysis.pages.live.server import LiveServer

MAX_PORT = 65535
TOKEN_BYTES = 24
"""Random bytes of a token: 32 characters."""
LOOK_SECONDS = 0.1
"""How often is looked whether the command should end."""


@click.command()
@click.argument("names", nargs=-1, metavar="[RUN]…")
@click.option("--port", type=click.IntRange(1, MAX_PORT), help="The port of the page (default: one that is free).")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@folder_option
@json_option
def command(names: tuple[str, ...], port: int | None, opens: bool, folder: str, as_json: bool) -> int:
    """Show the report of runs as a page in the browser that follows their training.

    RUN is a run, or a folder of runs: then new runs appear as they are started. It need not exist yet. Without RUN the
    folder of the run folders is shown. The address that is printed works on this machine only, until Ctrl-C. The
    training is not disturbed: run folders are only read.

    Curves in the terminal, without a browser: `netspec plot RUN`.

    \b
    Example:
        netspec watch runs/digits-1
        netspec watch --open
        netspec watch digits-1 digits-2 --port 8008
    """
    for name in names:
        if is_file(Path(name)):
            raise click.UsageError(f"`{name}` is a file; give a run folder, or a folder of runs")
    os.environ["JAX_PLATFORMS"] = "cpu"  # the memory of other devices is for the training
    from netspec.analysis.pages.live.feed import Feed

    feed = Feed(names or (folder,), Path(folder))
    with _signals() as stop, _server(feed, port) as server:
        _print_address(server, as_json=as_json)
        for name in names:
            _note_missing(name, Path(folder))
        if opens:
            webbrowser.open(server.url)
        while not stop.wait(LOOK_SECONDS):  # on Windows a signal does not end a wait
            pass
    return 0


@contextmanager
def _server(feed: Feed, port: int | None) -> Iterator[LiveServer]:
    """The page is served inside.

    Raises:
        CompileError: the port cannot be used (NS569).
    """
    from netspec.analysis.pages.live.server import LiveServer

    try:
        server = LiveServer(feed, port or 0, token_of(port) if port is not None else None)
    except OSError as error:
        raise fail(PortNotUsable(port=port or 0, reason=reason_of(error))) from error
    threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    threading.Thread(target=feed.poll, daemon=True).start()
    try:
        yield server
    finally:
        feed.close()
        server.shutdown()
        server.server_close()


def token_of(port: int) -> str:
    """The token for a port that is chosen: the same each time, so that pages that are open find a server that is
    started again; a new one where it cannot be kept in the cache folder, which is that of this user alone."""
    token, folder = secrets.token_urlsafe(TOKEN_BYTES), cache_folder()
    if folder is None:
        return token
    path = folder / f"watch-{port}"
    with suppress(OSError, ValueError):
        before = path.read_text("ascii")
        if re.fullmatch(r"[\w-]{32}", before, re.ASCII):
            return before
    with suppress(OSError):
        replace_file(path, [token.encode()], mode=0o600)
    return token


def _print_address(server: LiveServer, *, as_json: bool) -> None:
    port = server.server_address[1]
    if as_json:
        print_json({"address": server.url, "port": port})
        return
    click.echo(server.url)
    if "SSH_CONNECTION" in os.environ:
        click.echo(f"on your own machine, first: ssh -L {port}:127.0.0.1:{port} {platform.node()}")
    click.echo("Ctrl-C ends it")


def _note_missing(name: str, folder: Path) -> None:
    """Say that a run does not exist yet, and which one may be meant."""
    if exists(Path(name)) or exists(folder / name):
        return
    around, names = runs_beside(name, folder)
    meant = nearest(Path(name).name, names)
    text = f"`{around / Path(name).name}` does not exist yet: the page shows it as soon as its training begins"
    text += f"; did you mean `{meant}`?" if meant is not None else ""
    click.echo(wrap_lines(text, line_width()), err=True)


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and the end of the terminal set."""
    stop = threading.Event()
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
