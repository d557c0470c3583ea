"""HTTP/1.1 as the server reads it: what is right, what is refused, and who may ask."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from netspec.serving.app import is_local
from netspec.serving.http.limits import Limits
from netspec.serving.http.messages import Parser, Request
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.batching import Batching
from netspec.serving.server import Options
from netspec.serving.start import Handle, read_key, start_server
from tests.serving.client import Client, status_of

ROW = b'{"inputs": [[0.5, "red"]]}'


def post(body: bytes = ROW, *headers: str, path: str = "/models/flowers/predict") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *(headers or [f"Content-Length: {len(body)}"])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def parsed(content: bytes, limits: Limits | None = None) -> list[Request]:
    parser, found = Parser(limits or Limits()), []
    parser.buffer += content
    while (request := parser.next()) is not None:
        found.append(request)
    return found


# ---------------------------------------------------------------- the parser


def test_a_request_in_pieces_is_the_same() -> None:
    content = post() + post(chunked(ROW[:5], ROW[5:]), "Transfer-Encoding: chunked", "Connection: close")
    (first, second) = parsed(content)
    assert (first.method, first.path, first.body) == ("POST", ("models", "flowers", "predict"), ROW)
    assert second.body == ROW and first.keeps_alive and not second.keeps_alive
    parser, found = Parser(Limits()), []
    for byte in content:
        parser.buffer.append(byte)
        if (request := parser.next()) is not None:
            found.append(request)
    assert found == [first, second]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"GET /\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\n", 400),
        (b"GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET //other/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n" + 40_000 * b"a", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
        (post(b"", "Content-Length: 1", "Content-Length: 2"), 400),
        (post(b"", "Content-Length: -1"), 400),
        (post(b"", "Content-Length: +1"), 400),
        (post(b"", "Content-Length: 1_0"), 400),
        (post(b"", "Content-Length: 0x1"), 400),
        (post(b"", "Content-Length: " + "9" * 30), 400),
        (post(b"", "Content-Length: 99999999999"), 413),
        (post(b"", "Content-Length: 1", "Transfer-Encoding: chunked"), 400),
        (post(b"", "Transfer-Encoding: gzip, chunked"), 400),
        (post(b"", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"), 400),
        (post(b"zz\r\n", "Transfer-Encoding: chunked"), 400),
        (post(b"-1\r\n", "Transfer-Encoding: chunked"), 400),
        (post(b"0x1\r\na\r\n", "Transfer-Encoding: chunked"), 400),
        (post(b"1\r\nab\r\n", "Transfer-Encoding: chunked"), 400),
        (post(b"7fffffff\r\n", "Transfer-Encoding: chunked"), 413),
        (post(b"1" * 300, "Transfer-Encoding: chunked"), 400),
    ],
)
def test_what_is_not_http_is_refused(content: bytes, status: int) -> None:
    with pytest.raises(Refusal) as caught:
        parsed(content)
    assert caught.value.status == status


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=60).map(lambda text: f"GET /{text} HTTP/1.1\r\n\r\n".encode()))
def test_any_bytes_are_parsed_or_refused(content: bytes) -> None:
    try:
        parsed(content)
    except Refusal as refusal:
        assert 400 <= refusal.status < 500


# ---------------------------------------------------------------- the server


def test_addresses_and_methods(client: Client) -> None:
    assert client.get("/models/flowers/predict").headers["allow"] == "POST"
    assert client.send("DELETE", "/v2").headers["allow"] == "GET, HEAD"
    assert "did you mean `/predict`" in client.post("/predct", {}).json["error"]
    assert "did you mean `flowers`" in client.post("/models/flower/predict", {}).json["error"]
    assert "versions: 1" in client.post("/models/flowers/versions/2/predict", {}).json["error"]
    assert "several models are served" in client.post("/predict", {}).json["error"]
    assert client.post("/models/flowers/versions/1/predict", json.loads(ROW)).status == 200
    answer = client.post("/models/flowers/predict", {}, Content_Type="text/csv")
    assert answer.status == 415 and "application/json" in answer.json["error"]
    answer = client.post("/models/flowers/predict", ROW, Content_Encoding="gzip")
    assert answer.status == 415 and "Content-Encoding" in answer.json["error"]
    head = client.send("HEAD", "/v2")
    assert (head.status, head.body) == (200, b"") and int(head.headers["content-length"]) > 10


def test_pipelined_requests_are_answered_in_order(client: Client) -> None:
    rows = [b'{"inputs": [[%d, "red"]]}' % size for size in (-2, 0, 2)]
    last = post(rows[2], f"Content-Length: {len(rows[2])}", "Connection: close")
    together = client.raw(post(rows[0]) + b"GET /v2/none HTTP/1.1\r\nHost: localhost\r\n\r\n" + post(rows[1]) + last)
    parts = together.split(b"HTTP/1.1 ")[1:]
    assert [int(part[:3]) for part in parts] == [200, 404, 200, 200]
    bodies = [json.loads(part.partition(b"\r\n\r\n")[2]) for part in parts]
    alone = [client.post("/models/flowers/predict", row).json["predictions"][0] for row in rows]
    found = [bodies[i]["predictions"][0]["probabilities"] for i in (0, 2, 3)]
    assert found == [pytest.approx(one["probabilities"], abs=1e-6) for one in alone]


def test_chunks_continue_and_old_versions(client: Client) -> None:
    response = client.raw(post(chunked(ROW[:9], ROW[9:]), "Transfer-Encoding: chunked", "Connection: close"))
    assert status_of(response) == 200
    with socket.create_connection((client.host, client.port), timeout=10) as plain:
        plain.sendall(post(b"", f"Content-Length: {len(ROW)}", "Expect: 100-continue"))
        assert plain.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        plain.sendall(ROW)
        assert status_of(plain.recv(4096)) == 200
    response = client.raw(b"GET /v2 HTTP/1.0\r\n\r\n")
    assert status_of(response) == 200 and b"Connection: close" in response


def test_a_client_that_closes_its_half_gets_its_response(client: Client) -> None:
    with socket.create_connection((client.host, client.port), timeout=10) as plain:
        plain.sendall(post())
        plain.shutdown(socket.SHUT_WR)
        assert status_of(plain.recv(4096)) == 200


def test_pages_of_other_sites_cannot_use_another_name_for_this_machine(client: Client) -> None:
    for host, status in (("evil.example", 403), ("127.0.0.1:80", 200), ("[::1]:80", 200), ("LOCALHOST", 200)):
        assert client.get("/v2", Host=host).status == status
    assert client.get("/v2/health/live", Host="10.0.0.3").status == 200


def test_metrics(client: Client) -> None:
    client.post("/models/flowers/predict", json.loads(ROW))
    client.post("/models/flowers/predict", {})
    text = client.get("/metrics").body.decode()
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    assert {"netspec_requests_total", "netspec_request_seconds_bucket", "netspec_batch_examples_sum"} <= names
    assert {"netspec_requests_waiting", "netspec_connections", "netspec_memory_bytes"} <= names
    wanted = 'netspec_requests_total{route="/models/{model}/predict",model="flowers",status="400"}'
    assert any(line.startswith(wanted) and float(line.split(" ")[-1]) >= 1 for line in text.splitlines())
    memory = next(line for line in text.splitlines() if line.startswith("netspec_memory_bytes"))
    assert float(memory.split(" ")[-1]) > 10_000_000
    client.get("/any/name/at/all")
    assert "/any/name" not in client.get("/metrics").body.decode()


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "127.0.0.2", "::1", "[::1]:80", "localhost:80", "a.localhost"]
)
def test_names_of_this_machine(name: str) -> None:
    assert is_local(name)


@pytest.mark.parametrize("name", ["0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", "", "127.0.0.1.evil.example"])
def test_names_of_others(name: str) -> None:
    assert not is_local(name)


# ---------------------------------------------------------------- keys


@pytest.fixture(scope="module")
def closed(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handle]:
    """A server with a key."""
    file = tmp_path_factory.mktemp("key") / "key.txt"
    file.write_text("correct horse battery staple\n")
    options = Options(port=0, key=read_key(file))
    with start_server([("flowers", runs["flowers"])], options, Batching(1, 0)) as handle:
        yield handle


def test_a_key_is_needed(closed: Handle) -> None:
    client = Client(closed.url)
    for path in ("/v2", "/metrics", "/v2/models/flowers"):
        answer = client.get(path)
        assert (answer.status, [*answer.json]) == (401, ["error"]) and "Basic" in answer.headers["www-authenticate"]
    assert client.post("/predict", ROW).status == 401
    assert client.get("/v2/health/ready").status == 200
    for key in ("correct horse battery stapl", "", "Correct horse battery staple"):
        assert client.get("/v2", Authorization=f"Bearer {key}").status == 401
        assert client.get("/v2", X_API_Key=key).status == 401
    assert client.get("/v2", Authorization="Basic !!").status == 401
    secret = "correct horse battery staple"
    assert client.post("/predict", ROW, Authorization=f"Bearer {secret}").status == 200
    assert client.get("/v2", X_API_Key=secret).status == 200
    basic = "dXNlcjpjb3JyZWN0IGhvcnNlIGJhdHRlcnkgc3RhcGxl"
    assert client.get("/v2", Authorization=f"Basic {basic}", Host="a.example").status == 200
