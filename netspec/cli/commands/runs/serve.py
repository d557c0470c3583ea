"""`netspec serve`"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.options import device_option, json_option
from netspec.cli.output import print_json
from netspec.display.text import plural
from netspec.serving.http.limits import MAX_BATCH, MAX_WAIT_MS
from netspec.storage.run_files import path_of_run

if TYPE_CHECKING:
    from netspec.serving.start import Handle


@click.command()
@click.argument("runs", nargs=-1, metavar="[NAME=]RUN…")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address; 0.0.0.0: all interfaces.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free one.")
@click.option("--watch", "folder", metavar="FOLDER", help="Newer runs of the same specs here take over when finished.")
@click.option(
    "--max-batch",
    type=click.IntRange(1, MAX_BATCH),
    default=64,
    show_default=True,
    help="Examples that are computed together.",
)
@click.option(
    "--max-wait-ms",
    type=click.FloatRange(0, MAX_WAIT_MS),
    default=2.0,
    show_default=True,
    help="How long a batch waits for further requests; 0: not at all.",
)
@click.option("--max-queue", type=click.IntRange(1), default=256, show_default=True, help="Waiting requests by model.")
@click.option("--max-body", type=click.FloatRange(0.001, 1024), default=16.0, show_default=True, help="MiB by request.")
@click.option("--max-connections", type=click.IntRange(1, 50_000), default=512, show_default=True, help="Open at once.")
@click.option(
    "--timeout", type=click.FloatRange(0.1, 3600), default=30.0, show_default=True, help="Seconds for a response."
)
@click.option("--api-key", metavar="FILE", help="Requests have to know the key in this file.")
@click.option("--tls-cert", metavar="FILE", help="Serve over HTTPS with this certificate (PEM).")
@click.option("--tls-key", metavar="FILE", help="The private key of the certificate (PEM).")
@device_option
@json_option
def command(
    runs: tuple[str, ...],
    host: str,
    port: int,
    folder: str | None,
    max_batch: int,
    max_wait_ms: float,
    max_queue: int,
    max_body: float,
    max_connections: int,
    timeout: float,
    api_key: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    as_json: bool,
) -> int:
    """Serve predictions of RUN folders over HTTP, until Ctrl-C or SIGTERM.

    A model is called as its spec, or NAME, and its version is the number of the run. Programs speak the Open Inference
    Protocol (/v2/models/NAME/infer), or send rows, images or text to /predict and get classes and values by name. A
    browser shows a page to try the models; /docs has all addresses.

    Requests that arrive while others are computed are computed together. Only programs on this machine reach it,
    unless --host says otherwise. With --watch and without a RUN the newest run of each spec in the folder is served.

    \b
    Example:
        netspec serve runs/digits-3
        netspec serve digits=runs/digits-3 flowers=runs/iris-1 --port 9000
        netspec serve --watch runs --host 0.0.0.0 --api-key key.txt
    """
    if not runs and folder is None:
        raise click.UsageError("give a run to serve, such as runs/digits-1, or --watch FOLDER")
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key are given together")
    from netspec.serving.http.limits import Limits
    from netspec.serving.models.batching import Batching
    from netspec.serving.server import Options
    from netspec.serving.start import read_key, start_server

    limits = Limits(body=int(max_body * 2**20), queue=max_queue, connections=max_connections, request_time=timeout)
    options = Options(
        host,
        port,
        limits,
        read_key(Path(api_key)) if api_key is not None else None,
        (Path(tls_cert), Path(tls_key)) if tls_cert is not None and tls_key is not None else None,
    )
    if not options.is_local and options.key is None:
        click.echo(
            "warning: everybody who reaches this machine can use the server; --api-key FILE asks for a key", err=True
        )
    given = [_named(run) for run in runs]
    handle = start_server(given, options, Batching(max_batch, max_wait_ms / 1000), Path(folder) if folder else None)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("netspec.serving").setLevel(logging.INFO)  # newer runs that take over
    _show(handle, as_json=as_json)
    return _wait(handle)


def _named(run: str) -> tuple[str | None, Path]:
    """`digits=runs/digits-3` has a name; a folder may have an equals sign in its path."""
    name, equals, path = run.partition("=")
    return (name, path_of_run(path)) if equals and "/" not in name else (None, path_of_run(run))


def _show(handle: Handle, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": handle.url, "models": handle.models})
        return
    models: Mapping[str, Sequence[Any]] = handle.models
    for name, versions in models.items():
        click.echo(f"{name}: version{'s' if len(versions) > 1 else ''} {', '.join(versions)}")
    click.echo(f"{plural(len(models), 'model')} at {handle.url}, documentation at {handle.url}/docs; Ctrl-C stops")


def _wait(handle: Handle) -> int:
    """Wait for a signal, and stop; the exit status."""
    from netspec.training.loop.signals import listening, status_of

    with listening() as interruption:
        while not interruption.requested and not handle.wait(0.2):
            pass
        handle.stop()
        return status_of(interruption.signal) if interruption.signal is not None else 1
