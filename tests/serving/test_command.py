"""The command and the Python function: names and versions, newer runs, TLS, the end, and mistakes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

import netspec
from netspec.cli.main import run
from netspec.serving.http.limits import Limits
from netspec.serving.models import reload
from netspec.serving.models.batching import Batching
from netspec.serving.models.reload import newer_runs
from netspec.serving.server import Options
from netspec.serving.start import start_server
from tests.serving.client import Client
from tests.serving.test_http import ROW


def test_the_command_serves_until_a_signal(runs: dict[str, Path], default_signals: None) -> None:
    """What has begun is finished first."""
    arguments = ["serve", f"roses={runs['flowers']}", "--port", "0", "--max-batch", "2", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        assert started["models"] == {"roses": ["1"]}
        client = Client(started["url"])
        assert client.post("/predict", ROW).status == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (143, b"", b"")
    finally:
        process.kill()
        process.wait()


def test_a_request_that_has_begun_is_finished_at_the_end(
    runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = netspec.serve(runs["flowers"], port=0, max_batch=1)
    served = handle._server.registry.only()
    compute, has_begun = served.model.predictions, threading.Event()

    def slow(*arrays: object) -> object:
        has_begun.set()
        time.sleep(0.5)
        return compute(*arrays)

    monkeypatch.setattr(served.model, "predictions", slow)
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(Client(handle.url).post("/predict", ROW).status))
    thread.start()
    idle = Client(handle.url)
    assert idle.get("/v2").status == 200
    assert has_begun.wait(10)
    handle.stop()
    thread.join(10)
    assert found == [200] and handle.wait(0)
    with pytest.raises(OSError):
        Client(handle.url).get("/v2")


def copy_run(source: Path, target: Path) -> None:
    """A finished run under another number; it appears at once, as a training makes it."""
    shutil.copytree(source, target.with_name("copying"))
    target.with_name("copying").rename(target)


def test_newer_runs_take_over(runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "SECONDS", 0.05)
    monkeypatch.setattr(reload.log, "warning", lambda *_: None)
    copy_run(runs["flowers"], tmp_path / "flowers-2")
    options, batching = Options(port=0), Batching(1, 0)
    with start_server([("roses", tmp_path / "flowers-2")], options, batching, tmp_path) as handle:
        client, statuses = Client(handle.url), []
        assert client.post("/predict", ROW).json["version"] == "2"
        copy_run(runs["digits"], tmp_path / "digits-7")  # another spec
        copy_run(runs["flowers"], tmp_path / "flowers-1")  # older
        copy_run(runs["flowers"], tmp_path / "flowers-10")
        copy_run(runs["flowers"], tmp_path / "flowers-11")
        (tmp_path / "flowers-11" / "weights.safetensors").write_bytes(b"damaged")
        until = time.monotonic() + 20
        while time.monotonic() < until and (not statuses or statuses[-1][1] != "10"):
            answer = client.post("/predict", ROW)
            statuses.append((answer.status, answer.json["version"]))
            time.sleep(0.01)
        assert {*statuses} == {(200, "2"), (200, "10")}
        assert handle.models == {"roses": ["2", "10"]}
        assert client.post("/models/roses/versions/2/predict", ROW).status == 200
        copy_run(runs["flowers"], tmp_path / "flowers-12")
        while time.monotonic() < until and client.post("/predict", ROW).json["version"] != "12":
            time.sleep(0.05)
        assert handle.models == {"roses": ["2", "12"]}
        assert client.post("/models/roses/versions/10/predict", ROW).status == 404


def test_the_newest_run_of_each_spec(runs: dict[str, Path], tmp_path: Path) -> None:
    for name in ("flowers-2", "flowers-10", "flowers-x"):
        copy_run(runs["flowers"], tmp_path / name)
    copy_run(runs["pair"], tmp_path / "pair-1")
    (tmp_path / "flowers-11").mkdir()
    (tmp_path / "pair-2").write_text("a file")
    found = newer_runs(tmp_path, {}, all_specs=True)
    assert {name: path.name for name, path in found.items()} == {"flowers": "flowers-10", "pair": "pair-1"}
    assert newer_runs(tmp_path, {"flowers": 10}, all_specs=False) == {}
    assert newer_runs(tmp_path / "none", {}, all_specs=True) == {}


def test_a_model_of_python_is_served(runs: dict[str, Path]) -> None:
    model = netspec.load(runs["pair"])
    with netspec.serve({"two": model, "rows": runs["flowers"]}, port=0, max_batch=1, key="a" * 20) as handle:
        assert handle.models == {"two": ["1"], "rows": ["1"]} and handle.url in repr(handle)
        client = Client(handle.url)
        assert client.get("/models").status == 401
        answer = client.post("/models/two/predict", {"inputs": {"a": [[1, 2]], "b": [[1, 2, 3]]}}, X_API_Key="a" * 20)
        assert answer.status == 200


def test_tls(runs: dict[str, Path], tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *arguments, *names, *files], check=True, capture_output=True)
    options = Options(port=0, tls=(certificate, key), limits=Limits(head_time=0.5))
    with start_server([(None, runs["flowers"])], options, Batching(1, 0)) as handle:
        assert handle.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(certificate))
        asked = urllib.request.Request(f"{handle.url}/predict", ROW, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, context=trusting, timeout=10) as response:
            assert response.status == 200
        assert Client(handle.url).raw(b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n", timeout=5)[:4] != b"HTTP"
    with pytest.raises(netspec.CompileError, match=r"NS549.*PEM"):
        start_server([(None, runs["flowers"])], Options(tls=(key, tmp_path / "none.pem")), Batching(1, 0))


def test_mistakes(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flowers = str(runs["flowers"])
    short = tmp_path / "short.txt"
    short.write_text("secret\n")
    with netspec.serve(flowers, port=0, max_batch=1) as handle:
        port = handle.url.rpartition(":")[2]
        for arguments, message in {
            (flowers, "--port", port): "NS548",
            (flowers, "--host", "192.0.2.1"): "NS548",
            (flowers, "--host", "a" * 70): "NS548",
            (flowers, flowers): "NS549]: cannot serve",
            (f"a b={flowers}",): "not the name of a model",
            (str(tmp_path / "none"),): "NS473",
            (flowers, "--api-key", str(short)): "it has 6 characters",
            (flowers, "--api-key", str(tmp_path / "none")): "No such file",
            (flowers, "--tls-cert", "a.pem"): "are given together",
            ("--watch", str(tmp_path)): "it has no finished run",
            (): "give a run to serve",
        }.items():
            assert run(["serve", *arguments, "--max-batch", "1"]) == 1, arguments
            printed = capsys.readouterr()
            assert message in " ".join((printed.err + printed.out).split()), arguments
            assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"port": "80"}, TypeError),
        ({"port": 70000}, ValueError),
        ({"max_batch": 0}, ValueError),
        ({"key": 3}, TypeError),
    ],
)
def test_wrong_arguments(runs: dict[str, Path], arguments: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        netspec.serve(runs["flowers"], **arguments)  # type: ignore[arg-type]


def test_everybody_is_a_warning_without_a_key(runs: dict[str, Path], tmp_path: Path) -> None:
    program = [sys.executable, "-m", "netspec", "serve", str(runs["flowers"]), "--port", "0", "--host", "0.0.0.0"]
    process = subprocess.Popen([*program, "--max-batch", "1"], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stderr is not None
        assert b"warning: everybody who reaches this machine" in process.stderr.readline()
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
