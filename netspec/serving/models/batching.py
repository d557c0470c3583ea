"""Micro-batches: requests that arrive while a batch is computed are computed together.

Input: arrays of a few examples of each request. Output: the outputs for each, in the order in which they came. Batches
are filled up to one of a few sizes, whose programs are compiled before the first request.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from netspec.language.record import Frozen
from netspec.serving.http.refusal import Refusal

log = logging.getLogger(__name__)

Outputs: TypeAlias = Mapping[str, Any]


class Batching(Frozen):
    """How requests are computed together.

    Args:
        max_batch: examples that are computed at once.
        max_wait: seconds that a batch waits for further requests; 0: none. It never waits longer than until there is
            one from each connection.
    """

    max_batch: int = 64
    max_wait: float = 0.002

    @property
    def sizes(self) -> list[int]:
        """The sizes that batches are filled up to: powers of two, and the largest one."""
        powers = [1 << power for power in range(self.max_batch.bit_length())]
        return [*powers, self.max_batch] if powers[-1] < self.max_batch else powers


@dataclass(slots=True, eq=False)
class Job:
    """The examples of a request: an array for each input, in the order of the network. `finish` gets the outputs, or
    why there are none; `is_wanted` says whether somebody still waits for them."""

    arrays: Sequence[Any]
    count: int
    finish: Callable[[Outputs | Refusal], None]
    is_wanted: Callable[[], bool]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [array.shape[1:] for array in self.arrays]


@dataclass(frozen=True)
class Done:
    """A batch that was computed: the outputs of each job, or why there are none; for metrics how many examples it had,
    and the seconds that it took."""

    jobs: Sequence[Job]
    results: Sequence[Outputs | Refusal]
    count: int
    seconds: float


class Batcher:
    """A thread that computes batches.

    Args:
        name: of the model, for messages.
        compute: the outputs by name for arrays with a batch axis.
        batching: how requests are computed together.
        deliver: called in this thread with each batch when it is done.
        callers: how many clients there are now.
    """

    def __init__(
        self,
        name: str,
        compute: Callable[..., Outputs],
        batching: Batching,
        deliver: Callable[[Done], None],
        callers: Callable[[], int],
    ) -> None:
        self.name, self.compute, self.batching = name, compute, batching
        self.deliver, self.callers = deliver, callers
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._next: Job | None = None
        """A job that was taken from the queue, and did not fit into the last batch."""
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=f"batches of {name}", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        self._jobs.put(job)

    def close(self) -> None:
        """End the thread after the jobs that were submitted before."""
        self._jobs.put(None)

    def _run(self) -> None:
        while not self._is_closed:
            first = self._next or self._jobs.get()
            self._next = None
            if first is None:
                return
            jobs = self._gather(first)
            if late := [job for job in jobs if not job.is_wanted()]:
                self.deliver(Done(late, [Refusal(503, "nobody waits for it")] * len(late), 0, 0.0))
            if wanted := [job for job in jobs if job not in late]:
                self._compute(wanted)

    def _gather(self, first: Job) -> list[Job]:
        """The jobs of a batch: those that wait, and those that come in a short time."""
        jobs, count, most = [first], first.count, self.batching.max_batch
        until = time.monotonic() + self.batching.max_wait
        while count < most:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                left = until - time.monotonic()
                if left <= 0 or len(jobs) >= self.callers():
                    break
                try:
                    job = self._jobs.get(timeout=left)
                except queue.Empty:
                    break
            if job is None:
                self._is_closed = True
                break
            if count + job.count > most or job.shapes != first.shapes:
                self._next = job
                break
            jobs.append(job)
            count += job.count
        return jobs

    def _compute(self, jobs: Sequence[Job]) -> None:
        started, count = time.monotonic(), sum(job.count for job in jobs)
        try:
            arrays = [np.concatenate(parts) for parts in zip(*(job.arrays for job in jobs), strict=True)]
            outputs = self._outputs(arrays, count)
            ends = np.cumsum([job.count for job in jobs]).tolist()
            parts = zip([0, *ends], ends, strict=False)
            results: list[Outputs | Refusal] = [{k: v[i:j] for k, v in outputs.items()} for i, j in parts]
        except Exception:  # the thread serves the requests that come after
            log.exception("the model %s cannot compute a batch", self.name)
            results = [Refusal(500, f"the model {self.name} cannot compute the request")] * len(jobs)
        self.deliver(Done(jobs, results, count, time.monotonic() - started))

    def _outputs(self, arrays: Sequence[Any], count: int) -> Outputs:
        """The outputs for any number of examples, computed in batches of the sizes that are compiled."""
        parts = [self.compute(*batch) for batch in self._filled(arrays, count)]
        if len(parts) == 1:
            return {name: array[:count] for name, array in parts[0].items()}
        return {name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}

    def _filled(self, arrays: Sequence[Any], count: int) -> Iterator[list[Any]]:
        """Batches of the largest size, and the last one filled up with copies of its first example."""
        for begin in range(0, count, self.batching.max_batch):
            parts = [array[begin : begin + self.batching.max_batch] for array in arrays]
            have = len(parts[0])
            missing = next(size for size in self.batching.sizes if size >= have) - have
            yield [np.concatenate([p, np.repeat(p[:1], missing, axis=0)]) if missing else p for p in parts]
