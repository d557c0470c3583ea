"""Texts over HTTP are those of `netspec.generate`; streams end cleanly, whatever the client does."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.runs.generation.generator import Generation
from netspec.serving.http.limits import Limits
from netspec.serving.models import generating
from netspec.serving.models.batching import Batching
from netspec.serving.server import Options
from netspec.serving.start import Handle, start_server
from tests.serving.client import Client, status_of
from tests.serving.test_http import post

ASKED = {"prompt": "the c", "length": 30, "temperature": 0.8, "top_k": 5, "seed": 3}


def events(body: bytes) -> list[tuple[str, Any]]:
    """The name and the data of each event."""
    found = []
    for block in body.decode().removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields.get("event", "message"), json.loads(fields["data"])))
    return found


def test_a_text_whole_and_in_pieces(client: Client, runs: dict[str, Path]) -> None:
    wanted = netspec.generate(runs["letters"], **ASKED)
    assert len(wanted) == 30
    answer = client.post("/models/letters/generate", ASKED)
    assert (answer.status, answer.json["text"], answer.json["reason"]) == (200, wanted, "length")
    assert (answer.json["model"], answer.json["version"], answer.json["count"]) == ("letters", "1", 30)
    stream = client.post("/models/letters/versions/1/generate", {**ASKED, "stream": True})
    assert stream.headers["content-type"] == "text/event-stream" and "content-length" not in stream.headers
    *pieces, last = events(stream.body)
    assert "".join(data["text"] for name, data in pieces) == wanted and {name for name, _ in pieces} == {"message"}
    assert last[0] == "done" and (last[1]["reason"], last[1]["count"]) == ("length", 30)
    accepted = client.post("/models/letters/generate", ASKED, Accept="text/event-stream")
    assert accepted.headers["content-type"] == "text/event-stream"
    stopped = client.post("/models/letters/generate", {**ASKED, "stop": wanted[4:7]}).json
    assert (stopped["text"], stopped["reason"]) == (wanted[: wanted.index(wanted[4:7])], "stop")


def test_wrong_requests(client: Client) -> None:
    for asked, status, text in (
        ({"prompt": ""}, 400, "empty"),
        ({"prompt": [99]}, 400, "ids of this network"),
        ({"prompt": "a", "top_p": 2}, 400, "probability"),
        ({"prompt": "a", "lenght": 3}, 400, "lenght"),
        ({"prompt": "a", "beams": 2, "top_k": 3}, 400, "beam search"),
        ({"prompt": "a", "length": 10**6}, 413, "4096"),
        ({}, 400, "prompt"),
    ):
        answer = client.post("/models/letters/generate", asked)
        assert answer.status == status and text in answer.json["error"], answer.body
    answer = client.post("/models/digits/generate", {"prompt": "a"})
    assert answer.status == 400 and "token ids" in answer.json["error"]
    assert client.get("/models/letters/generate").status == 405
    assert client.post("/generate", {"prompt": "a"}).status == 404, "several models are served"
    paths = client.get("/openapi.json").json["paths"]
    assert "/models/letters/generate" in paths and "/models/digits/generate" not in paths


def waiting(handle: Handle) -> int:
    return sum(served.waiting for served in handle._server.registry)


def ends(handle: Handle) -> bool:
    """Whether nothing is computed any more, within some seconds."""
    until = time.monotonic() + 8
    while waiting(handle) and time.monotonic() < until:
        time.sleep(0.02)
    return waiting(handle) == 0


@pytest.fixture
def strict(runs: dict[str, Path]) -> Iterator[Handle]:
    """A server with small limits."""
    limits = Limits(write_time=1.0, request_time=5.0)
    with start_server([("letters", runs["letters"])], Options(port=0, limits=limits), Batching(2, 0)) as handle:
        yield handle


def long_stream(handle: Handle, **options: int) -> socket.socket:
    """A connection on which the longest text has begun to come."""
    client = Client(handle.url)
    body = json.dumps({"prompt": "the", "length": 4096, "stream": True}).encode()
    connection = socket.socket()
    for name, value in options.items():
        connection.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    connection.connect((client.host, client.port))
    connection.sendall(post(body, f"Content-Length: {len(body)}", path="/generate"))
    assert status_of(connection.recv(100)) == 200
    return connection


def test_a_client_that_leaves_ends_its_text(strict: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Generation.steps

    def slow(self: Generation) -> Iterator[int]:
        for i in steps(self):
            time.sleep(0.01)  # the whole text would take 40 s
            yield i

    monkeypatch.setattr(Generation, "steps", slow)
    connection = long_stream(strict)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    assert ends(strict)


def test_a_client_that_does_not_read_stops_its_text_alone(strict: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "event", lambda piece: b":" + b"x" * 65536 + b"\n\n")  # more than buffers hold
    connection = long_stream(strict, SO_RCVBUF=1024)
    answer = Client(strict.url).post("/generate", {"prompt": "the", "length": 5})
    assert answer.status == 200 and len(answer.json["text"]) == 5, "others are served meanwhile"
    assert ends(strict)
    connection.close()
