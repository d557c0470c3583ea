"""Counters of the server, in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).

All of them are changed in the thread of the event loop only, so none needs a lock.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
EXAMPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class Histogram:
    """How often values were in each bucket.

    Args:
        bounds: the largest value of each bucket.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.total = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str, labels: Labels) -> Iterable[str]:
        count = 0
        for bound, found in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            count += found
            yield _line(f"{name}_bucket", (*labels, ("le", bound)), count)
        yield _line(f"{name}_sum", labels, round(self.total, 9))
        yield _line(f"{name}_count", labels, count)


class Metrics:
    """What has happened since the start."""

    def __init__(self) -> None:
        self.requests: Counter[Labels] = Counter()
        self._seconds: dict[Labels, Histogram] = {}
        self._batches: dict[Labels, Histogram] = {}
        self._compute: dict[Labels, Histogram] = {}

    def count_request(self, route: str, model: str, status: int, seconds: float) -> None:
        self.requests[(("route", route), ("model", model), ("status", str(status)))] += 1
        labels = (("route", route), ("model", model))
        if labels not in self._seconds:
            self._seconds[labels] = Histogram(SECONDS)
        self._seconds[labels].add(seconds)

    def count_batch(self, model: str, examples: int, seconds: float) -> None:
        labels = (("model", model),)
        if labels not in self._batches:
            self._batches[labels], self._compute[labels] = Histogram(EXAMPLES), Histogram(SECONDS)
        self._batches[labels].add(examples)
        self._compute[labels].add(seconds)

    def text(self, gauges: Mapping[str, tuple[str, Mapping[Labels, float]]]) -> str:
        """The page `/metrics`; `gauges` are the values of now with what they mean, by name."""
        name = "netspec_requests_total"
        lines = [f"# HELP {name} Requests by kind, model and status.", f"# TYPE {name} counter"]
        lines += [_line(name, labels, count) for labels, count in self.requests.items()]
        for name, meaning, histograms in (
            ("netspec_request_seconds", "From a complete request to its response.", self._seconds),
            ("netspec_batch_examples", "Examples that are computed together.", self._batches),
            ("netspec_compute_seconds", "Computing a batch.", self._compute),
        ):
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} histogram"]
            lines += [line for labels, one in histograms.items() for line in one.lines(name, labels)]
        for name, (meaning, values) in gauges.items():
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
            lines += [_line(name, labels, value) for labels, value in values.items()]
        return "\n".join(lines) + "\n"


def memory_in_use() -> int:
    """Bytes of this process in memory; 0 where the system does not say it as Linux does."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
