"""A server of the live page in this process, and what a browser does with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from netspec.analysis.pages.live.feed import Feed
from netspec.analysis.pages.live.server import LiveServer


@contextmanager
def served(*names: str | Path, port: int = 0, token: str | None = None) -> Iterator[LiveServer]:
    """The page of runs is served inside."""
    feed = Feed([str(name) for name in names], Path("there are none"))
    server = LiveServer(feed, port, token)
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,)), threading.Thread(target=feed.poll)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        feed.close()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()


def ask(
    server: LiveServer, path: str | None = None, method: str = "GET", host: str = "127.0.0.1", **headers: str
) -> tuple[HTTPResponse, str]:
    """A request, by default for the page, and what comes back."""
    connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request(method, path or f"/?token={server.token}", headers={"Host": host, **headers})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response, text


class Events:
    """The stream of updates."""

    def __init__(self, server: LiveServer, since: str = "", last: str | None = None) -> None:
        self.connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
        headers = {} if last is None else {"Last-Event-ID": last}
        self.connection.request("GET", f"/events?token={server.token}&since={since}", headers=headers)
        self.response = self.connection.getresponse()
        self.version = since

    def next(self) -> tuple[str, dict[str, Any]]:
        """The next event, and its data."""
        fields: dict[str, str] = {}
        while "data" not in fields or fields["data"] == "":
            line = self.response.readline().decode()
            assert line, "the stream has ended"
            name, _, value = line.rstrip("\n").partition(": ")
            fields |= {name: value} if name else {}
        self.version = fields["id"]
        return fields["event"], json.loads(fields["data"])

    def until(self, text: str) -> dict[str, str]:
        """The HTML that has come last of each part, by its key or its kind, up to one with this text."""
        parts: dict[str, str] = {}
        while True:
            event, data = self.next()
            parts[data.get("key", event)] = data["html"]
            if text in data["html"]:
                return parts

    def close(self) -> None:
        self.connection.close()
        self.response.close()
