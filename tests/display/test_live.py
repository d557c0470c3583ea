"""The live page of runs: who gets it, what is sent when, and that a training does not notice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from netspec.analysis.pages.live import feed as feeds
from netspec.analysis.pages.live.feed import Feed
from netspec.analysis.pages.live.run_status import Marks, seconds_left, status_of
from netspec.analysis.pages.live.server import LiveServer
from netspec.analysis.pages.live.status_bar import status_html, tab_title
from netspec.cli.commands.runs.watch import token_of
from netspec.cli.main import run
from netspec.language.files import cache_dir
from netspec.storage.run_folder import METRICS, Run, read_run
from netspec.storage.run_lock import this_process
from tests.display.live_server import Events, ask, served


class Growing:
    """A run whose records come one by one."""

    def __init__(self, path: Path, finished: Path) -> None:
        shutil.copytree(finished, path)
        record = read_run(path)
        self.path, self.records, self.done = path, record.history, record.done
        self.run = Run.open(path)
        self.run.write_history([])
        self.log_start(this_process())

    def log_start(self, process: str) -> None:
        (self.path / "log.txt").write_text(f"2026-01-01T00:00:00+00:00 started at epoch 1, step 0 ({process})\n")

    def add(self, number: int) -> None:
        self.run.add_record(self.records[number])

    def end(self) -> None:
        assert self.done is not None
        self.run.add_record(self.done)


@pytest.fixture
def growing(runs: Path, tmp_path: Path) -> Growing:
    return Growing(tmp_path / "runs" / "images-1", runs / "images-1")


@pytest.fixture(scope="module")
def server(runs: Path) -> Iterator[LiveServer]:
    with served(runs / "images-1") as started:
        yield started


# ---------------------------------------------------------------- who gets what


@pytest.mark.parametrize(
    ("path", "method", "host", "status"),
    [
        ("/?token={}", "GET", "127.0.0.1:1", 200),
        ("/?token={}", "GET", "localhost:8000", 200),  # the port of `ssh -L`
        ("/?token={}", "GET", "[::1]:8000", 200),
        ("/?token={}", "GET", "elsewhere.example", 403),
        ("/?token={}", "GET", "127.0.0.1.elsewhere.example", 403),
        ("/?token={}", "GET", "", 403),
        ("/", "GET", "127.0.0.1", 403),
        ("/?token=", "GET", "127.0.0.1", 403),
        ("/?token={}x", "GET", "127.0.0.1", 403),
        ("/?token=%FF%C3", "GET", "127.0.0.1", 403),
        ("/?token=x&token={}", "GET", "127.0.0.1", 403),
        ("//[?token={}", "GET", "127.0.0.1", 404),
        ("/events", "GET", "127.0.0.1", 403),
        ("/etc/passwd", "GET", "127.0.0.1", 403),
        ("/spec.net?token={}", "GET", "127.0.0.1", 404),
        ("/../../../../../etc/passwd?token={}", "GET", "127.0.0.1", 404),
        ("/?token={}", "POST", "127.0.0.1", 405),
        ("/?token={}", "HEAD", "127.0.0.1", 405),
        ("/?token={}", "OPTIONS", "127.0.0.1", 405),
        ("/", "DELETE", "127.0.0.1", 403),
    ],
)
def test_only_the_address_with_its_token_is_served(
    server: LiveServer, path: str, method: str, host: str, status: int
) -> None:
    response, text = ask(server, path.format(server.token), method, host)
    assert response.status == status
    assert server.token not in text and ("<main" in text) == (status == 200)
    assert response.headers["Referrer-Policy"] == "no-referrer" and response.headers["Cache-Control"] == "no-store"
    assert "Python" not in response.headers["Server"]


def test_the_policy_allows_the_scripts_and_styles_of_the_page_alone(server: LiveServer) -> None:
    response, page = ask(server)
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    for tag in ("script", "style"):
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        hashes = {f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts}
        assert len(texts) == page.count(f"</{tag}>") and set(policy[f"{tag}-src"].split()) == hashes
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self'" and "unsafe" not in str(policy)
    assert not re.search(r"\sstyle=|\son\w+=|https?://(?!www\.w3\.org)", page)


def test_each_server_has_a_token_of_its_own_and_is_on_this_machine_only(runs: Path) -> None:
    with served(runs / "images-1") as one, served(runs / "images-1") as other:
        assert one.token != other.token and len(one.token) >= 32
        assert one.server_address[0] == "127.0.0.1"


# ---------------------------------------------------------------- what is sent


def test_parts_are_sent_as_records_are_added(growing: Growing) -> None:
    with served(growing.path) as server:
        events = Events(server)
        assert events.response.headers["Content-Type"].startswith("text/event-stream")
        event, data = events.next()  # a browser that has nothing yet gets the page
        assert event == "page" and "the first epoch has begun" in data["html"]
        growing.add(0)
        parts = events.until("epoch 1 of 2")
        assert {"summary", "training", "results"} <= parts.keys() and not {"network", "page"} & parts.keys()
        assert parts["training"].startswith('<section id="training"')
        with (growing.path / METRICS).open("a") as file:
            file.write('{"event": "epoch", "epoch": 2, "lo')  # a line that is not complete yet
        time.sleep(0.1)
        growing.run.write_history(growing.records[:2])
        assert "epoch 2 of 2" in events.until("epoch 2 of 2")["status"]
        growing.end()
        status = events.until("done: 2 epochs")["status"]
        assert f"test_accuracy {100 * growing.done['metrics']['test_accuracy']:.2f}%" in status
        events.close()


def test_who_connects_again_gets_what_is_new(growing: Growing) -> None:
    with served(growing.path) as server:
        version = re.search(r'data-version="([^"]+)"', ask(server)[1])
        assert version is not None
        first = Events(server, version[1])
        growing.add(0)
        first.until("epoch 1 of 2")
        first.close()
        again = Events(server, version[1], last=first.version)
        growing.end()
        parts = again.until("done")
        assert "network" not in parts and "page" not in parts
        assert Events(server, version[1]).next()[0] == "section"  # what has changed since the page was loaded
        assert Events(server, "another-7").next()[0] == "page"  # one of a server before
        again.close()


def test_a_server_that_is_started_again_at_its_address_is_found(growing: Growing) -> None:
    with served(growing.path, token="t" * 32) as server:
        port, events = server.server_address[1], Events(server)
        events.next()
        began = time.monotonic()
    assert time.monotonic() - began < 1
    with pytest.raises(AssertionError, match="ended"):
        events.next()
    with served(growing.path, port=port, token="t" * 32) as server:
        assert Events(server, events.version, last=events.version).next()[0] == "page"


def test_runs_that_appear_later_are_shown(growing: Growing, runs: Path) -> None:
    later = growing.path.parent / "later"
    with served(later) as server:
        events = Events(server)
        assert "Nothing is trained in" in events.next()[1]["html"]
        for name, title in (("images-1", "images-1"), ("table-1", "2 runs")):
            shutil.copytree(runs / name, later / f".{name}-x")  # as a run is made: it appears when it is complete
            (later / f".{name}-x").rename(later / name)
            page = events.until(f"<h1>{title}</h1>")["page"]
            assert f".{name}" not in page and ("<p>3 runs: 3 finished</p>" in page) == (name == "table-1")
        (later / "images-1").rename(later / ".removed-images-1")
        events.until("<h1>table-1</h1>")
        events.close()


def test_a_damaged_run_does_not_hide_the_others(growing: Growing, runs: Path) -> None:
    shutil.copytree(runs / "images-1", growing.path.parent / "images-2")
    (growing.path / METRICS).write_text('{"event": "epoch", "crc32": "00000000"}\n')
    page = Feed([str(growing.path.parent)], Path()).page()
    assert "images-2" in page and "metrics.jsonl" in page and "✗" in page
    alone = Feed([str(growing.path)], Path()).page()
    assert "None of the runs can be read" in alone


def test_a_page_that_cannot_be_rendered_is_rendered_later(growing: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed([str(growing.path)], Path())
    with monkeypatch.context() as broken:
        broken.setattr(feeds, "run_sections", lambda runs: 1 / 0)
        assert "internal error: ZeroDivisionError" in feed.page()
    assert "ZeroDivisionError" not in feed.page() and 'id="training"' in feed.page()


def test_of_a_large_folder_the_last_runs_are_shown(growing: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_RUNS", 2)
    for number in (2, 3):
        shutil.copytree(growing.path, growing.path.with_name(f"images-{number}"))
        os.utime(growing.path.with_name(f"images-{number}") / "versions.json", (2e9 + number, 2e9 + number))
    page = Feed([str(growing.path.parent)], Path()).page()
    assert "images-2" in page and "images-3" in page and "images-1<" not in page


# ---------------------------------------------------------------- how far a run is


def status(growing: Growing, later: float = 0.0) -> Any:
    marks = Marks.of(growing.path)
    return status_of(read_run(growing.path), "images-1", marks, marks.news + later)


def test_states_of_a_run(growing: Growing) -> None:
    assert status(growing).text == "the first epoch has begun"
    growing.add(0)
    loss = growing.records[0]["loss"]
    assert status(growing).text.startswith(f"epoch 1 of 2, loss {loss:.4f}, accuracy ")
    assert status(growing).text.endswith("less than a minute left")
    assert status(growing, 400).text.endswith("no news for 6 min: its process still exists")
    growing.log_start("process 1 on another-machine")
    assert status(growing, 4000).text.endswith("no news for 1 h 06 min: has its process ended?")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    growing.log_start(this_process().replace(str(os.getpid()), str(ended.pid)))
    assert status(growing).state == "interrupted" and "--resume" in status(growing).text
    growing.log_start(this_process())
    assert status(growing).state == "running"
    growing.run.log("interrupted after epoch 1, step 7")
    assert status(growing).state == "interrupted"
    growing.run.add_record({"event": "failed", "code": "NS460", "message": "a weight is not finite"})
    assert status(growing).text == "failed after 1 epoch: a weight is not finite"


@pytest.mark.parametrize(
    ("seconds", "epochs", "since", "left"),
    [
        ([], 5, 0.0, None),
        ([9.0], None, 0.0, None),
        ([9.0], 5, 0.0, 36.0),
        ([9.0, 2.0], 5, 1.0, 5.0),  # the first epoch is compiled in
        ([9.0, 2.0, 2.0, 50.0], 6, 0.0, 4.0),
        ([9.0, 7.0, 7.0, 7.0, 7.0, 1.0, 1.0, 1.0, 1.0, 1.0], 20, 0.0, 10.0),
        ([9.0, 2.0], 3, 10.0, 0.0),
    ],
)
def test_time_left(growing: Growing, seconds: list[float], epochs: int | None, since: float, left: float) -> None:
    growing.run.write_history([{"event": "epoch", "epoch": i, "seconds": s} for i, s in enumerate(seconds, 1)])
    assert seconds_left(read_run(growing.path), epochs, since) == left


def test_the_bar_has_a_line_for_each_run_that_is_trained_and_counts_the_others(growing: Growing) -> None:
    growing.add(0)
    running = status(growing)
    growing.end()
    done = status(growing)
    html = status_html([*[done] * 5, running])
    assert html.count("<p>") == 2 and "epoch 1 of 2" in html
    assert status_html([running] * 7 + [done]).count("epoch 1 of 2") == 4
    assert "and 5 other runs: 5 finished" in html and '<progress max="2" value="1"' in html
    assert tab_title("x", [done, running]) == "1/2 x" and tab_title("x", [done]) == "✓ x"


# ---------------------------------------------------------------- a training does not notice


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*")}


def test_looking_changes_nothing(growing: Growing, runs: Path) -> None:
    growing.add(0)
    before = listing(growing.path), listing(runs)
    Feed([str(growing.path), str(runs / "runs" / "table-1")], runs).page()
    assert (listing(growing.path), listing(runs)) == before


def test_a_training_that_is_watched_gives_the_same_weights(runs: Path, tmp_path: Path) -> None:
    readers = []
    with served(tmp_path) as server:
        for _ in range(3):
            events = Events(server)
            readers.append(threading.Thread(target=events.until, args=("done: 2 epochs",)))
            readers[-1].start()
        assert run(["train", str(runs.parent / "images.net"), "--runs", str(tmp_path)]) == 0
        for reader in readers:
            reader.join(10)
        assert not any(reader.is_alive() for reader in readers)
    for file in ("weights.safetensors", "model.py"):
        assert (tmp_path / "images-1" / file).read_bytes() == (runs / "images-1" / file).read_bytes()


# ---------------------------------------------------------------- the command


def test_a_signal_ends_the_command(runs: Path, default_signals: None) -> None:
    command = [sys.executable, "-m", "netspec", "watch", "images-1", "image-1", "--runs", str(runs), "--json"]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert started.stdout is not None
    address = json.loads(started.stdout.readline())
    connection = HTTPConnection("127.0.0.1", address["port"], timeout=10)
    connection.request("GET", address["address"].partition(str(address["port"]))[2].replace("/?", "/events?"))
    assert connection.getresponse().status == 200
    assert address["address"].startswith(f"http://127.0.0.1:{address['port']}/?token=")
    started.send_signal(signal.SIGINT)
    assert started.wait(5) == 0  # a second on a machine that does nothing else; a client waits for 15
    notes = " ".join(started.communicate()[1].split())
    assert notes == (
        f"`{runs / 'image-1'}` does not exist yet: the page shows it as soon as its training begins; "
        "did you mean `images-1`?"
    )


def test_what_cannot_be_served(server: LiveServer, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["watch", str(runs), "--port", str(server.server_address[1])]) == 1
    assert "NS569" in capsys.readouterr().err
    assert run(["watch", str(runs / "images-1" / "spec.net")]) == 1
    assert "give a run folder" in capsys.readouterr().err


def test_the_token_of_a_chosen_port_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_dir, "cache_path", lambda: tmp_path / "cache")
    token = token_of(8008)
    assert token == token_of(8008) != token_of(8009) and len(token) == 32
    file = tmp_path / "cache" / "watch-8008"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(b"\xff" * 32)
    assert token_of(8008) != token and token_of(8008) == file.read_text()
    monkeypatch.setattr(cache_dir, "cache_path", lambda: file / "no folder")
    assert token_of(8008) != token_of(8008)
