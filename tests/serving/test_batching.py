"""Micro-batches: what is computed together, in which order, and that nobody waits for a compilation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import netspec
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.batching import Batcher, Batching, Done, Job, Outputs
from netspec.serving.start import Handle
from tests.serving.client import Client


class Recorder:
    """Doubles numbers, and records the batches; it waits until it may go on."""

    def __init__(self, batching: Batching, callers: int = 1000) -> None:
        self.sizes: list[int] = []
        self.counts: list[int] = []
        self.results: dict[int, Any] = {}
        self.may_go, self.is_done = threading.Event(), threading.Semaphore(0)
        self.may_go.set()
        self.batcher = Batcher("test", self.compute, batching, self.deliver, lambda: callers)

    def compute(self, array: Any) -> Outputs:
        self.may_go.wait(10)
        self.sizes.append(len(array))
        if (array == 13).any():
            raise RuntimeError("a bug in the network")
        return {"y": 2 * array}

    def deliver(self, done: Done) -> None:
        self.counts.append(done.count)
        for job, result in zip(done.jobs, done.results, strict=True):
            job.finish(result)

    def submit(self, *numbers: float, is_wanted: Callable[[], bool] = lambda: True) -> None:
        array = np.array(numbers, np.float32)[:, None]

        def finish(result: Any) -> None:
            self.results[int(numbers[0])] = result
            self.is_done.release()

        self.batcher.submit(Job([array], len(array), finish, is_wanted))

    def wait(self, count: int) -> None:
        for _ in range(count):
            assert self.is_done.acquire(timeout=10)

    def value(self, key: int) -> list[float]:
        return list(self.results[key]["y"][:, 0])


@pytest.mark.parametrize(("most", "sizes"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (64, [1, 2, 4, 8, 16, 32, 64])])
def test_sizes(most: int, sizes: list[int]) -> None:
    assert Batching(most).sizes == sizes


def test_requests_that_arrive_during_a_batch_go_together_and_keep_their_order() -> None:
    recorder = Recorder(Batching(8, 0))
    recorder.may_go.clear()
    recorder.submit(1)
    time.sleep(0.1)  # the first batch has begun
    for number in range(2, 7):
        recorder.submit(number, number + 0.5)
    recorder.may_go.set()
    recorder.wait(6)
    assert recorder.value(1) == [2] and recorder.value(6) == [12, 13]
    assert recorder.counts == [1, 8, 2] and recorder.sizes == [1, 8, 2]
    recorder.submit(20, 21, 22)
    recorder.wait(1)
    assert recorder.sizes[-1] == 4 and recorder.value(20) == [40, 42, 44]
    recorder.batcher.close()


def test_a_large_request_is_computed_in_pieces() -> None:
    recorder = Recorder(Batching(4, 0))
    recorder.submit(*range(100, 111))
    recorder.wait(1)
    assert recorder.sizes == [4, 4, 4] and recorder.value(100) == [2 * n for n in range(100, 111)]
    recorder.batcher.close()


def test_a_batch_waits_no_longer_than_for_all_clients() -> None:
    alone = Recorder(Batching(8, 5.0), callers=1)
    started = time.monotonic()
    alone.submit(1)
    alone.wait(1)
    assert time.monotonic() - started < 2
    two = Recorder(Batching(8, 5.0), callers=2)
    two.submit(1)
    time.sleep(0.05)
    two.submit(2)
    two.wait(2)
    assert two.counts == [2] and time.monotonic() - started < 4
    late = Recorder(Batching(8, 0.05), callers=3)
    late.submit(1)
    late.wait(1)
    assert late.counts == [1]
    for one in (alone, two, late):
        one.batcher.close()


def test_a_failure_and_a_client_that_is_gone() -> None:
    recorder = Recorder(Batching(4, 0))
    recorder.submit(13)
    recorder.wait(1)
    assert isinstance(recorder.results[13], Refusal) and "bug" not in recorder.results[13].message
    recorder.submit(5, is_wanted=lambda: False)
    recorder.submit(6)
    recorder.wait(2)
    assert recorder.sizes == [1, 1] and recorder.value(6) == [12] and isinstance(recorder.results[5], Refusal)
    recorder.batcher.close()
    recorder.batcher._thread.join(5)
    assert not recorder.batcher._thread.is_alive()


def test_shapes_that_differ_are_not_mixed() -> None:
    recorder, found = Recorder(Batching(8, 0)), list[Any]()
    recorder.may_go.clear()
    for width in (1, 2, 2, 3):
        array = np.full((1, width), width, np.float32)
        recorder.batcher.submit(Job([array], 1, lambda result: found.append(result["y"].tolist()), lambda: True))
    recorder.batcher.close()
    recorder.may_go.set()
    recorder.batcher._thread.join(5)
    assert recorder.counts == [1, 2, 1] and found == [[[2]], [[4, 4]], [[4, 4]], [[6, 6, 6]]]


def test_many_clients_get_what_python_gets_and_nobody_compiles(server: Handle, runs: dict[str, Path]) -> None:
    """Requests of different sizes, wrong ones among them, from several clients at once."""
    x = np.random.default_rng(0).uniform(0, 1, (40, 64)).round(4)
    wanted = netspec.predict(runs["digits"], x).outputs["output"]
    compiled: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(lambda name, *_, **__: compiled.append(name))

    def call(worker: int) -> None:
        client, rng = Client(server.url), np.random.default_rng(worker)
        for _ in range(12):
            rows = rng.integers(0, 40, rng.integers(1, 12))
            found = client.predict("digits", x[rows].tolist())
            probabilities = [[*one["probabilities"].values()] for one in found]
            np.testing.assert_allclose(probabilities, wanted[rows], rtol=1e-4, atol=1e-6)
            assert client.post("/models/digits/predict", {"inputs": [[1e39] * 64]}).status == 400
        client.connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert [*pool.map(call, range(6))] == [None] * 6
    assert [name for name in compiled if "backend_compile" in name] == []
    batches = Client(server.url).get("/metrics").body.decode()
    examples = next(float(line.split()[-1]) for line in batches.splitlines() if _is(line, "examples_sum"))
    count = next(float(line.split()[-1]) for line in batches.splitlines() if _is(line, "examples_count"))
    assert examples / count > 1.5


def _is(line: str, name: str) -> bool:
    return line.startswith(f'netspec_batch_{name}{{model="digits"}}')
