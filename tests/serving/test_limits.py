"""Hostile and slow clients: each gets a refusal, and others get their predictions."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from netspec.serving.http.limits import Limits
from netspec.serving.models.batching import Batching
from netspec.serving.server import Options
from netspec.serving.start import Handle, start_server
from tests.serving.client import Client, status_of
from tests.serving.test_http import ROW, post

LIMITS = Limits(
    body=200_000,
    total=600_000,
    connections=40,
    queue=4,
    head_time=1.5,
    body_time=1.5,
    idle_time=3.0,
    request_time=2.0,
    write_time=1.0,
    stop_time=5.0,
)


@pytest.fixture(scope="module")
def strict(runs: dict[str, Path]) -> Iterator[Handle]:
    """A server with small limits."""
    given = [("flowers", runs["flowers"]), ("digits", runs["digits"]), ("others", runs["flowers"])]
    with start_server(given, Options(port=0, limits=LIMITS), Batching(2, 0)) as handle:
        yield handle


@pytest.fixture
def others(strict: Handle) -> Iterator[None]:
    """A client whose requests have to succeed, whatever the test does meanwhile."""
    ended, wrong = threading.Event(), list[Any]()

    def call() -> None:
        client = Client(strict.url)
        while not ended.wait(0.03):
            try:
                answer = client.post("/models/others/predict", ROW)  # with a queue of its own
                if answer.status != 200:
                    wrong.append(answer)
            except OSError as error:
                wrong.append(error)
                client.connection.close()

    thread = threading.Thread(target=call)
    thread.start()
    time.sleep(0.1)
    yield
    ended.set()
    thread.join(20)
    assert wrong == []


def test_sizes(strict: Handle, others: None) -> None:
    client = Client(strict.url)
    assert client.post("/models/flowers/predict", b" " * 200_001).status == 413
    client = Client(strict.url)
    assert status_of(client.raw(post(b"", "Content-Length: 999999999999"))) == 413
    assert status_of(client.raw(post(b"30d41\r\n" + b"a" * 100, "Transfer-Encoding: chunked"))) == 413
    flood = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200_000
    assert status_of(client.raw(flood)) == 431
    large = post(b"a" * 3_000_000, "Content-Length: 3000000")
    assert status_of(client.raw(large)) == 413, "the response arrives although the client still sends"


def test_large_requests_are_limited_together(strict: Handle, others: None) -> None:
    client, hub = Client(strict.url), strict._server.app.hub
    sockets = []
    for _ in range(6):
        one = socket.create_connection((client.host, client.port), timeout=10)
        one.sendall(post(b"a" * 150_000, "Content-Length: 190000"))
        sockets.append(one)
    statuses = [status_of(one.recv(4096)) for one in sockets]
    assert {*statuses} == {503, 408} and statuses.count(503) >= 2
    for one in sockets:
        one.close()
    until = time.monotonic() + 5
    while hub.held > 10_000 and time.monotonic() < until:
        time.sleep(0.05)
    assert 0 <= hub.held < 10_000


def test_slow_clients(strict: Handle, others: None) -> None:
    """Each is closed in time: in the head, in the body, between requests, and when it does not read."""
    found: dict[str, tuple[int, float]] = {}

    def call(name: str, content: bytes) -> None:
        started = time.monotonic()
        found[name] = status_of(Client(strict.url).raw(content)), time.monotonic() - started

    contents = {
        "silent": b"",
        "head": b"GET / HTTP/1.1\r\nHost:",
        "body": post(b"{", "Content-Length: 100"),
        "chunks": post(b"5\r\nab", "Transfer-Encoding: chunked"),
        "idle": b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    }
    threads = [threading.Thread(target=call, args=pair) for pair in contents.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)
    assert {name: status for name, (status, _) in found.items()} == {
        "silent": 408,
        "head": 408,
        "body": 408,
        "chunks": 408,
        "idle": 200,
    }
    assert all(seconds < 7 for _, seconds in found.values())


def test_a_drop_at_a_time_does_not_keep_a_connection(strict: Handle, others: None) -> None:
    host, port = Client(strict.url).host, Client(strict.url).port
    with socket.create_connection((host, port), timeout=10) as plain:
        started = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - started < 8:
                plain.sendall(b"G")
                time.sleep(0.1)
        assert time.monotonic() - started < 6


def test_a_client_that_does_not_read_is_closed(strict: Handle, others: None) -> None:
    """Responses that nobody reads fill the buffers; the server reads no further requests, and ends the connection."""
    host, port = Client(strict.url).host, Client(strict.url).port
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(10)
        plain.connect((host, port))
        started, requests = time.monotonic(), b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200
        with pytest.raises(OSError):
            while time.monotonic() - started < 9:
                plain.sendall(requests)
                time.sleep(0.05)
        assert time.monotonic() - started < 9


def test_clients_that_are_gone_before_their_response(
    strict: Handle, others: None, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(strict.url)
    for is_reset in (False, True):
        for _ in range(20):
            plain = socket.create_connection((client.host, client.port), timeout=10)
            plain.sendall(post() * (3 if is_reset else 1))
            if is_reset:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            plain.close()
    time.sleep(0.3)
    assert caplog.records == []


def test_too_many_connections(strict: Handle, long: bool) -> None:
    client = Client(strict.url)
    assert client.post("/models/flowers/predict", ROW).status == 200  # it has its connection
    sockets = []
    try:
        for number in range(500 if long else 120):
            if number % 20 == 0:
                assert client.post("/models/flowers/predict", ROW).status == 200
            one = socket.socket()
            one.settimeout(5)
            one.connect((client.host, client.port))
            sockets.append(one)
        assert client.post("/models/flowers/predict", ROW).status == 200
        statuses = []
        for one in sockets[60:70]:
            try:
                statuses.append(status_of(one.recv(4096)))
            except ConnectionResetError:
                statuses.append(0)
        assert {*statuses} <= {503, 0} and 503 in statuses
    finally:
        for one in sockets:
            one.close()
    time.sleep(0.5)
    assert Client(strict.url).post("/models/flowers/predict", ROW).status == 200


def test_a_queue_that_is_full_and_requests_that_take_too_long(strict: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    served = strict._server.registry.find("flowers")
    may_go, compute = threading.Event(), served.model.predictions

    def slow(*arrays: Any) -> Any:
        may_go.wait(10)
        return compute(*arrays)

    monkeypatch.setattr(served.model, "predictions", slow)
    statuses: list[tuple[int, str | None]] = []

    def call() -> None:
        answer = Client(strict.url).post("/models/flowers/predict", ROW)
        statuses.append((answer.status, answer.headers.get("retry-after")))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(statuses) == [(429, "1")] * 4 + [(504, None)] * 4
    assert Client(strict.url).post("/models/digits/predict", {"inputs": [[0] * 64]}).status == 200
    may_go.set()
    time.sleep(0.3)
    monkeypatch.undo()
    assert Client(strict.url).post("/models/flowers/predict", ROW).status == 200
    assert served.waiting == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("red") | st.just("size"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["size", "color", "x"]), inner),
    max_leaves=12,
)


def test_any_json_gets_a_response_that_is_not_ours_to_explain(strict: Handle, others: None, long: bool) -> None:
    client = Client(strict.url)

    @settings(max_examples=2000 if long else 60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(JSON, st.sampled_from(["flowers", "digits"]), st.booleans())
    def attack(value: Any, model: str, is_plain: bool) -> None:
        body = value if is_plain else {"inputs": value}
        answer = client.post(f"/models/{model}/predict", json.dumps(body).encode())
        assert answer.status in (200, 400), answer.body
        tensor = {"name": "x", "shape": value, "datatype": "FP32", "data": value}
        assert client.post(f"/v2/models/{model}/infer", {"inputs": [tensor]}).status in (200, 400)

    attack()


def test_any_bytes_get_a_refusal(strict: Handle, others: None, long: bool) -> None:
    client = Client(strict.url)

    @settings(max_examples=500 if long else 25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.binary(max_size=200))
    def attack(content: bytes) -> None:
        answer = client.post("/models/flowers/predict", content)
        assert 400 <= answer.status < 500
        answer = client.send("POST", "/models/digits/predict", content, Content_Type="image/png")
        assert answer.status == 400
        status = status_of(client.raw(content + b"\r\n\r\n", timeout=5))
        assert status == 0 or 400 <= status < 500

    attack()
