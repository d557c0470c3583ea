"""A client for the tests: JSON over a connection that stays open, and raw bytes over a socket."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Calls a server; one connection for all requests."""

    def __init__(self, url: str, timeout: float = 20.0) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, named)
        found = self.connection.getresponse()
        return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, **headers)

    def post(self, path: str, value: Any, **headers: str) -> Answer:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.send("POST", path, body, **{"Content_Type": "application/json", **headers})

    def predict(self, model: str, inputs: Any) -> list[dict[str, Any]]:
        answer = self.post(f"/models/{model}/predict", {"inputs": inputs})
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json["predictions"]
        return found

    def raw(self, content: bytes, *, timeout: float = 10.0) -> bytes:
        """Everything that the server sends after some bytes, until it closes the connection or is silent."""
        with socket.create_connection((self.host, self.port), timeout=timeout) as plain:
            plain.sendall(content)
            found = b""
            try:
                while part := plain.recv(65536):
                    found += part
            except (TimeoutError, ConnectionResetError):
                pass
            return found


def status_of(response: bytes) -> int:
    """The status of the first response in some bytes; 0 if there is none."""
    return int(response.split(b" ", 2)[1]) if response.startswith(b"HTTP/1.1 ") else 0
