"""`netspec serve` beside FastAPI as it is commonly used, and TorchServe: requests per second, times, CPU and memory.

The server is a process of its own on one core, the clients another one on the other cores. Each client sends a request
when it has the response to the one before (a closed loop), one image of 28x28 in a request. With `--rate` the clients
together send this number of requests per second at fixed times (an open loop), and times count from when a request
was due. `json` are the numbers as text, `binary` the bytes of the Open Inference Protocol. The CPU time for each
request hardly depends on what else the machine does; requests per second and times do.

    python -m benchmarks.serving runs/mnist_cnn-1 [--seconds 5] [--clients 8 64] [--rate 1500]

TorchServe is measured with `--torchserve BIN`, the folder of the programs `torchserve` and `torch-model-archiver`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

ROOT = Path(__file__).parents[1]
SERVERS = ("netspec", "netspec-alone", "onnxruntime", "fastapi", "torchserve")
"""`netspec-alone` computes each request by itself; `onnxruntime` is behind the server of netspec (`--onnx`)."""
COLD = 8.0
"""Seconds of requests before anything is measured."""


@dataclass
class Measured:
    """What one server did with some clients; times in milliseconds, CPU in microseconds for each request."""

    server: str
    body: str
    clients: int
    per_second: float
    p50: float
    p99: float
    cpu: float
    memory_mib: float
    batch: float
    load: float


# ---------------------------------------------------------------- requests


def example() -> np.ndarray:
    image = np.random.default_rng(0).uniform(0, 1, (1, 28, 28, 1)).round(4)
    return image.astype(np.float32)


def request_of(server: str, body: str, port: int) -> bytes:
    """The bytes of a request."""
    image, path, more = example(), "/v2/models/mnist_cnn/infer", ""
    tensor: dict[str, Any] = {"name": "x", "shape": [1, 28, 28, 1], "datatype": "FP32"}
    numbers = [round(float(number), 4) for number in image.ravel()]
    if server in ("fastapi", "torchserve"):
        path = "/predict" if server == "fastapi" else "/predictions/mnist_cnn"
        content = json.dumps({"inputs": [numbers]}).encode()
    elif body == "json":
        content = json.dumps({"inputs": [{**tensor, "data": numbers}]}).encode()
    else:
        parameters = {"binary_data_size": image.nbytes}
        head = msgspec.json.encode(
            {"inputs": [{**tensor, "parameters": parameters}], "parameters": {"binary_data_output": True}}
        )
        content, more = head + image.tobytes(), f"Inference-Header-Content-Length: {len(head)}\r\n"
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{more}"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


class Client(asyncio.Protocol):
    """Sends a request after each response, or every `pause` seconds from `first` on if it has the response to the one
    before by then; notes how long each took since it was due."""

    def __init__(
        self, request: bytes, times: list[tuple[float, float]], pause: float = 0.0, first: float = 0.0
    ) -> None:
        self.request, self.times, self.buffer, self.need = request, times, b"", 0
        self.pause, self.due = pause, first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.next()

    def next(self) -> None:
        now = time.perf_counter()
        if self.pause and now < self.due:
            asyncio.get_running_loop().call_later(self.due - now, self.send)
        else:
            self.send()

    def send(self) -> None:
        self.buffer, self.need, self.sent = b"", 0, self.due if self.pause else time.perf_counter()
        self.due += self.pause
        if not self.transport.is_closing():
            self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.need:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            if not head.startswith(b"http/1.1 200"):
                raise SystemExit(self.buffer.decode("utf-8", "replace"))
            self.need = end + 4 + int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        if len(self.buffer) >= self.need:
            now = time.perf_counter()
            self.times.append((now, now - self.sent))
            self.next()


async def load(request: bytes, port: int, clients: int, seconds: float, rate: float) -> list[tuple[float, float]]:
    """When each response came, and how long it took."""
    loop, times = asyncio.get_running_loop(), list[tuple[float, float]]()
    pause, start, made = (clients / rate if rate else 0.0), time.perf_counter() + 0.2, []
    for index in range(clients):
        one = partial(Client, request, times, pause, start + index * pause / clients)
        made.append(await loop.create_connection(one, "127.0.0.1", port))
    await asyncio.sleep(seconds)
    for transport, _ in made:
        transport.abort()
    return times


def clients_main(server: str, body: str, port: int, clients: int, seconds: float, rate: float) -> None:
    """The process of the clients: prints what it measured as JSON."""
    times = asyncio.run(load(request_of(server, body, port), port, clients, seconds, rate))
    if len(times) < 2:
        raise SystemExit(f"{server} gave no response in {seconds:g} s")
    each = np.array([seconds for _, seconds in times]) * 1e3
    span = times[-1][0] - times[0][0]
    p50, p99 = np.percentile(each, [50, 99])
    print(json.dumps({"count": len(each), "per_second": len(each) / span, "p50": p50, "p99": p99}))


# ---------------------------------------------------------------- servers


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def torchserve(run: str, port: int, programs: Path, folder: Path) -> list[str]:
    """The command that starts TorchServe with the run as a model archive, batches of 64 and one worker."""
    export = [sys.executable, "-m", "netspec", "export", run, "-o", str(folder / "mnist_cnn.py")]
    subprocess.run(export, check=True, cwd=ROOT)
    handler = ROOT / "benchmarks" / "contestants" / "torchserve_handler.py"
    weights = f"{folder / 'mnist_cnn.py'},{folder / 'mnist_cnn.safetensors'}"
    pack = ["--model-name", "mnist_cnn", "--version", "1.0", "--handler", str(handler), "--extra-files", weights]
    subprocess.run(
        [programs / "python", programs / "torch-model-archiver", *pack, "--export-path", str(folder)], check=True
    )
    batches = {"mnist_cnn": {"1.0": {"batchSize": 64, "maxBatchDelay": 2, "minWorkers": 1, "maxWorkers": 1}}}
    settings = {
        "inference_address": f"http://127.0.0.1:{port}",
        "management_address": f"http://127.0.0.1:{free_port()}",
        "metrics_address": f"http://127.0.0.1:{free_port()}",
        "disable_token_authorization": "true",
        "default_workers_per_model": "1",
        "models": json.dumps(batches),
    }
    (folder / "config.properties").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return [
        str(programs / "torchserve"), "--start", "--foreground", "--ncs", "--disable-token-auth",
        "--ts-config", str(folder / "config.properties"), "--model-store", str(folder), "--models", "mnist_cnn.mar",
    ]  # fmt: skip


def start(server: str, run: str, port: int, core: int, onnx: str, programs: Path) -> subprocess.Popen[bytes]:
    """The process of a server on one core, when it accepts connections."""
    command = [sys.executable]
    environment = dict(os.environ)
    if server == "torchserve":
        command, arguments = torchserve(run, port, programs, Path(tempfile.mkdtemp(prefix="torchserve-"))), []
        environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "LOG_LOCATION": "/tmp", "METRICS_LOCATION": "/tmp"}
    elif server == "fastapi":
        arguments = ["-m", "benchmarks.contestants.fastapi_server", run, str(port)]
    elif server == "onnxruntime":
        arguments = ["-m", "benchmarks.contestants.onnx_server", run, str(port), onnx]
    else:
        batches = ["--max-batch", "1"] if server == "netspec-alone" else []
        arguments = ["-m", "netspec", "serve", f"mnist_cnn={run}", "--port", str(port), *batches]
    process = subprocess.Popen(
        [*command, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, env=environment, start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )  # fmt: skip
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{server} does not start")


def family(process: subprocess.Popen[bytes]) -> list[int]:
    """A process and those that it has started."""
    found = [process.pid]
    for stat in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
        with suppress(OSError):  # it has ended
            if int(stat.read_text().rpartition(")")[2].split()[1]) in found:
                found.append(int(stat.parent.name))
    return found


def cpu_of(process: subprocess.Popen[bytes]) -> float:
    """Seconds of CPU that a server has used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in family(process)]
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def memory_of(process: subprocess.Popen[bytes]) -> float:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family(process))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def batches_of(port: int, has_batches: bool) -> tuple[float, float]:
    """Examples and batches that netspec has computed; zeros for others."""
    if not has_batches:
        return 0.0, 0.0
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: one.recv(65536), b"")).decode()
    found = dict.fromkeys(("examples_sum", "examples_count"), 0.0)
    for line in text.splitlines():
        for name in found:
            if line.startswith(f"netspec_batch_{name}"):
                found[name] = float(line.split()[-1])
    return found["examples_sum"], found["examples_count"]


def measure(
    process: subprocess.Popen[bytes],
    server: str,
    body: str,
    port: int,
    clients: int,
    seconds: float,
    others: list[int],
    rate: float,
) -> Measured:
    def call(seconds: float) -> dict[str, float]:
        arguments = [server, body, str(port), str(clients), str(seconds), str(rate)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.serving", "--as-clients", *arguments], cwd=ROOT, check=True,
            stdout=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, set(others)),
        )  # fmt: skip
        found: dict[str, float] = json.loads(done.stdout)
        return found

    call(COLD)
    before, examples, count = cpu_of(process), *batches_of(port, server != "torchserve")
    found = call(seconds)
    used = cpu_of(process) - before
    more, batches = (
        now - then for now, then in zip(batches_of(port, server != "torchserve"), (examples, count), strict=True)
    )
    batch = more / batches if batches else 1.0
    return Measured(
        server, body, clients, found["per_second"], found["p50"], found["p99"], 1e6 * used / found["count"],
        memory_of(process), batch, os.getloadavg()[0],
    )  # fmt: skip


def main() -> None:
    if sys.argv[1:2] == ["--as-clients"]:
        server, body, port, clients, seconds, rate = sys.argv[2:]
        clients_main(server, body, int(port), int(clients), float(seconds), float(rate))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run of specs/mnist_cnn.net")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--rate", type=float, default=0.0, help="requests per second of all clients, at fixed times")
    parser.add_argument("--torchserve", type=Path, help="the folder with the programs of TorchServe")
    parser.add_argument("--onnx", help="the same network as a file for ONNX Runtime")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    rows = []
    print(f"{'server':14} {'body':7} clients    req/s   p50 ms   p99 ms  CPU us  batch  memory MiB  load")
    for server in options.servers:
        if (server == "onnxruntime" and options.onnx is None) or (server == "torchserve" and not options.torchserve):
            continue
        port = free_port()
        onnx, programs = str(Path(options.onnx or "").resolve()), options.torchserve or Path()
        process = start(server, str(Path(options.run).resolve()), port, first, onnx, programs)
        try:
            for body in ("json",) if server in ("fastapi", "torchserve") else ("json", "binary"):
                for clients in options.clients:
                    one = measure(
                        process, server, body, port, clients, options.seconds, others or [first], options.rate
                    )
                    rows.append(one)
                    print(
                        f"{one.server:14} {one.body:7} {one.clients:7} {one.per_second:8.0f} {one.p50:8.2f}"
                        f" {one.p99:8.2f} {one.cpu:7.0f} {one.batch:6.1f} {one.memory_mib:11.0f} {one.load:5.1f}",
                        flush=True,
                    )
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
