"""Downloads, from a server of the test's own."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from netspec.data.formats.download import Collection, Published, find_files
from netspec.data.sources.images.idx_images import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Mnist
from netspec.language.diagnostics import Unplaced
from netspec.language.files.cache_dir import cache_path
from tests.data.files import code_and_text, idx_bytes


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        self.server.requested.append(self.path)  # type: ignore[attr-defined]


class CutShort(Quiet):
    """Announces more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"abc")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    yield from serve(partial(Quiet, directory=str(tmp_path / "www")), tmp_path, monkeypatch)


def serve(handler: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    (tmp_path / "www" / "mnist").mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
    server.requested = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    set_up(monkeypatch, tmp_path, f"http://127.0.0.1:{server.server_port}/")
    yield server
    server.shutdown()
    server.server_close()


def set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mirror: str) -> None:
    monkeypatch.delenv("NETSPEC_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NETSPEC_MIRROR", mirror)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def one_file(content: bytes, algorithm: str = "sha256") -> Collection:
    digest = hashlib.new(algorithm, content).hexdigest()
    return Collection("mnist", ("http://mirror.invalid/",), (Published("a.gz", algorithm, digest),))


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_file_with_the_right_checksum_is_kept(server: ThreadingHTTPServer, tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "www" / "mnist" / "a.gz").write_bytes(b"content")
    collection = one_file(b"content", algorithm)
    found = find_files(collection)
    assert found == {"a.gz": tmp_path / "cache" / "netspec" / "data" / "mnist" / "a.gz"}
    assert found["a.gz"].read_bytes() == b"content"
    assert find_files(collection) == found
    assert server.requested == ["/mnist/a.gz"]  # type: ignore[attr-defined]  # the second time it was there


def test_a_file_with_another_checksum_is_thrown_away(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "www" / "mnist" / "a.gz").write_bytes(b"altered")
    with pytest.raises(Unplaced) as caught:
        find_files(one_file(b"content"))
    code, text = code_and_text(caught.value)
    assert code == "NS403"
    assert hashlib.sha256(b"altered").hexdigest() in text
    assert hashlib.sha256(b"content").hexdigest() in text
    assert str(cache_path() / "data" / "mnist") in text
    assert list((cache_path() / "data" / "mnist").iterdir()) == []


def test_a_file_that_ends_early_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = serve(CutShort, tmp_path, monkeypatch)
    next(running)
    with pytest.raises(Unplaced) as caught:
        find_files(one_file(b"content"))
    assert code_and_text(caught.value)[0] in ("NS402", "NS403")
    assert list((cache_path() / "data" / "mnist").iterdir()) == []
    next(running, None)


def test_a_server_without_the_file(server: ThreadingHTTPServer) -> None:
    with pytest.raises(Unplaced) as caught:
        find_files(one_file(b"content"))
    code, text = code_and_text(caught.value)
    assert code == "NS402"
    assert "status 404" in text
    assert list((cache_path() / "data" / "mnist").iterdir()) == []


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(monkeypatch, tmp_path, "http://127.0.0.1:1")  # nobody listens there
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "mine"))
    with pytest.raises(Unplaced) as caught:
        Mnist().load(tmp_path)
    code, text = code_and_text(caught.value)
    assert code == "NS402"
    assert "mnist is not on this machine and cannot be downloaded" in text
    assert "Connection refused" in text
    assert f"searched in {tmp_path / 'mine' / 'mnist'} and {tmp_path / 'cache' / 'netspec' / 'data' / 'mnist'}" in text
    assert "put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz" in text
    assert "NETSPEC_DATA" in text


def test_the_mirror_must_be_a_web_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(monkeypatch, tmp_path, "file:///etc")
    with pytest.raises(Unplaced) as caught:
        find_files(one_file(b"content"))
    assert "not an http address" in code_and_text(caught.value)[1]


def test_a_cache_that_cannot_be_written(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(Unplaced) as caught:
        find_files(one_file(b"content"))
    code, text = code_and_text(caught.value)
    assert code == "NS402"
    assert "cannot write to" in text


def test_the_second_mirror_is_asked_when_the_first_fails(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "www" / "mnist" / "a.gz").write_bytes(b"content")
    monkeypatch.delenv("NETSPEC_MIRROR")
    good = f"http://127.0.0.1:{server.server_port}/mnist/"
    files = one_file(b"content").files
    assert find_files(Collection("mnist", ("http://127.0.0.1:1/", good), files))["a.gz"].exists()


@pytest.mark.parametrize("name", ["a-idx1.gz", "a-idx1", "a.idx1.gz", "a.idx1"])
def test_own_files_come_first_whatever_their_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    set_up(monkeypatch, tmp_path, "http://127.0.0.1:1")
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / name).write_bytes(b"anything")
    collection = Collection("mnist", (), (Published("a-idx1.gz", "md5", ""),))
    assert find_files(collection) == {"a-idx1.gz": tmp_path / "mnist" / name}


def test_mnist_from_a_mirror(server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    contents = {}
    for images, labels, count in ((TRAIN_IMAGES, TRAIN_LABELS, 20), (TEST_IMAGES, TEST_LABELS, 10)):
        contents[images] = gzip.compress(idx_bytes(rng.integers(0, 256, (count, 28, 28), np.uint8)))
        contents[labels] = gzip.compress(idx_bytes(np.arange(count, dtype=np.uint8) % 10))
    for name, content in contents.items():
        (tmp_path / "www" / "mnist" / name).write_bytes(content)
    files = tuple(Published(n, "sha256", hashlib.sha256(c).hexdigest()) for n, c in contents.items())
    monkeypatch.setattr(Mnist, "collection", Collection("mnist", (), files))
    data = Mnist().load(tmp_path)
    assert (len(data.train), len(data.test)) == (20, 10)
    assert data.train.inputs["input"].shape == (20, 28, 28, 1)
    assert sorted(p.name for p in (cache_path() / "data" / "mnist").iterdir()) == sorted(contents)
