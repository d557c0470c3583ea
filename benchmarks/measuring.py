"""Drives the contestants in turn, and makes rows of what they answer.

In every round each contestant does its part once, in an order that turns around from round to round, and once the
matrix product that stands for the peak of the machine. A ratio is the median of the ratios within the rounds: what
slows the machine for a while slows both sides of it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.contestants.base import CONTESTANTS, PEAK, Contestant
from benchmarks.workloads import Workload, shortened

ROOT = Path(__file__).parents[1]
SAMPLE_SECONDS = 0.4
"""A sample of steps or answers takes about this long, for each contestant as many as that needs."""
TORCH, JAX = ("torch", "torch.compile"), ("nnx", "keras")
FRESH = ("first", "memory")
"""Kinds that are measured in processes of their own."""
ACCURACY_SLACK = 0.04
"""How much less than the best one a contestant may reach on the test examples of MNIST. After two or three epochs the
first weights, which are those of each library, still matter; a net that does not learn is much further off."""


class Failed(Exception):
    """A contestant could not do what it was asked to."""

    def __init__(self, message: str, is_unavailable: bool) -> None:
        super().__init__(message)
        self.is_unavailable = is_unavailable


class Process:
    """A worker (benchmarks/worker.py) and the pipes to it; its errors go to a file."""

    def __init__(self, contestant: Contestant, environment: dict[str, str] | None = None) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed by `close`)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", contestant.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """Ask and wait.

        Raises:
            Failed: with what the worker says, or with the end of its errors when it died.
        """
        self.tell(do, **given)
        return self.answer()

    def tell(self, do: str, **given: Any) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # `answer` finds the reason
            self.process.stdin.write(json.dumps({"do": do, **given}) + "\n")
            self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise Failed(f"ended with status {self.process.returncode}: {self.errors.read()[-2000:]}", False)
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise Failed(found["error"], found["is_unavailable"])
        return found

    @property
    def is_dead(self) -> bool:
        return self.process.poll() is not None

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        with suppress(BrokenPipeError):  # of a process that has died
            self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()


@dataclass
class Part:
    """What one contestant did in a workload: a number for each round (seconds of one unit, or bytes)."""

    samples: list[float] = field(default_factory=list)
    parameters: int | None = None
    accuracy: float | None = None
    failure: str | None = None
    is_unavailable: bool = False

    @property
    def has_run(self) -> bool:
        return bool(self.samples) and self.failure is None

    @property
    def median(self) -> float:
        return statistics.median(self.samples)


@dataclass
class Row:
    """A workload, measured."""

    workload: Workload
    parts: dict[str, Part]
    peak: list[float]
    is_real: bool = False

    def ratio(self, name: str, other: str) -> tuple[float, float, float] | None:
        """The median over the rounds of what `name` takes over what `other` takes, and the least and the most."""
        mine, theirs = self.parts.get(name), self.parts.get(other)
        if mine is None or theirs is None or not (mine.has_run and theirs.has_run):
            return None
        ratios = [a / b for a, b in zip(mine.samples, theirs.samples, strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)

    @property
    def best_torch(self) -> str | None:
        """The faster way of PyTorch."""
        ran = [name for name in TORCH if name in self.parts and self.parts[name].has_run]
        return min(ran, key=lambda name: self.parts[name].median, default=None)

    def problems(self) -> list[str]:
        """What must not be: failures, nets of different sizes, a contestant that does not learn as well."""
        name = self.workload.name
        found = [
            f"{name}, {who}: {part.failure}"
            for who, part in self.parts.items()
            if part.failure and not part.is_unavailable
        ]
        sizes = {who: part.parameters for who, part in self.parts.items() if part.parameters is not None}
        if len(set(sizes.values())) > 1:
            found.append(f"{name}: the nets have different numbers of weights: {sizes}")
        reached = {who: part.accuracy for who, part in self.parts.items() if part.accuracy is not None}
        if reached and max(reached.values()) - min(reached.values()) > ACCURACY_SLACK:
            found.append(f"{name}: the contestants do not learn equally well: {reached}")
        return found


@dataclass(frozen=True)
class Plan:
    """How long to measure: `repeats` rounds, fewer when `seconds` are over, but `least` in any case."""

    seconds: float = 10.0
    repeats: int = 7
    least: int = 2
    short: bool = False


class Measuring:
    """The processes of the contestants, alive from the first workload to the last."""

    def __init__(self, names: Sequence[str], plan: Plan, say: Callable[[str], None]) -> None:
        self.names, self.plan, self.say = list(names), plan, say
        self.processes: dict[str, Process] = {}
        self.caches: dict[str, tempfile.TemporaryDirectory[str]] = {}

    def __enter__(self) -> Measuring:
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self.processes.values():
            process.close()
        for folder in self.caches.values():
            folder.cleanup()

    def measure(self, workload: Workload) -> Row:
        """A row for a workload."""
        if workload.kind == "first":
            return self._first_step(workload)
        if workload.kind == "memory":
            return self._memory(workload)
        return self._alternate(workload)

    # ------------------------------------------------------------ rounds

    def _rounds(self, row: Row, sample: Callable[[str], float], least: int) -> None:
        began = time.perf_counter()
        for at in range(self.plan.repeats):
            if at >= least and time.perf_counter() - began > self.plan.seconds:
                break
            running = [name for name, part in row.parts.items() if part.failure is None]
            for name in reversed(running) if at % 2 else running:
                part = row.parts[name]
                try:
                    part.samples.append(sample(name))
                except Failed as failed:
                    part.failure, part.is_unavailable = str(failed), failed.is_unavailable
            if row.workload.kind not in FRESH:
                row.peak.append(self.processes[PEAK.name].ask("run", units=20)["seconds"] / 20)

    # ------------------------------------------------------------ contestants that stay

    def start(self) -> None:
        """Start the processes that are not there, or not any more, all at once: they import meanwhile."""
        wanted = [*(CONTESTANTS[name] for name in self.names), PEAK]
        missing = [c for c in wanted if c.name not in self.processes or self.processes[c.name].is_dead]
        for contestant in missing:
            if contestant.name in self.processes:
                self.processes[contestant.name].close()
            self.processes[contestant.name] = Process(contestant)
            self.processes[contestant.name].tell("load")
        for contestant in missing:
            try:
                self.processes[contestant.name].answer()
            except Failed as failed:
                if contestant is PEAK:
                    raise
                self.say(f"  {contestant.name}: {failed}")
        if missing:
            self.processes[PEAK.name].ask("build", workload="mlp_784-epochs", short=True)
            self.processes[PEAK.name].ask("run", units=20)

    def _alternate(self, workload: Workload) -> Row:
        self.start()
        row = Row(shortened(workload) if self.plan.short else workload, {name: Part() for name in self.names}, [])
        self._build([name for name in self.names if name not in TORCH], row)
        for name in TORCH:  # alone, as two that wait actively for their threads hold each other up
            self._build([name] if name in self.names else [], row)
        units = {name: self._units(row, name) for name, part in row.parts.items() if part.failure is None}
        self._rounds(
            row, lambda name: self.processes[name].ask("run", units=units[name])["seconds"] / units[name],
            self.plan.least,
        )  # fmt: skip
        if workload.kind == "epochs" and row.is_real and not self.plan.short:
            for name, part in row.parts.items():
                if part.has_run:
                    part.accuracy = self.processes[name].ask("accuracy")["accuracy"]
        return row

    def _build(self, names: Sequence[str], row: Row) -> None:
        """Make the workload ready in all of these at once."""
        for name in names:
            self.processes[name].tell("build", workload=row.workload.name, short=self.plan.short)
        for name in names:
            part = row.parts[name]
            try:
                built = self.processes[name].answer()
                part.parameters, row.is_real = built["parameters"], built["is_real"]
            except Failed as failed:
                part.failure, part.is_unavailable = str(failed), failed.is_unavailable
                self.say(f"  {name} cannot run")

    def _units(self, row: Row, name: str) -> int:
        """How many units make a sample."""
        if row.workload.kind == "epochs":
            return 1
        seconds = self.processes[name].ask("run", units=1)["seconds"]
        return max(1, min(2000, round(SAMPLE_SECONDS / seconds)))

    # ------------------------------------------------------------ fresh processes

    def _first_step(self, workload: Workload) -> Row:
        row = Row(workload, {name: Part() for name in ("netspec", "nnx") if name in self.names}, [])
        is_cold = workload.cache == "cold"
        for name, part in row.parts.items():
            if not is_cold and name not in self.caches:
                try:
                    self._time_first(workload, name, anew=True)
                except Failed as failed:
                    part.failure, part.is_unavailable = str(failed), failed.is_unavailable
        self._rounds(row, lambda name: self._time_first(workload, name, anew=is_cold), self.plan.least)
        return row

    def _time_first(self, workload: Workload, name: str, *, anew: bool) -> float:
        """Seconds from the start of a process until its first step is finished."""
        if anew:
            if name in self.caches:
                self.caches[name].cleanup()
            self.caches[name] = tempfile.TemporaryDirectory(prefix="benchmark-cache-")
        folder = self.caches[name].name
        environment = {"XDG_CACHE_HOME": folder}  # netspec keeps programs there; Flax by the book keeps none
        began = time.perf_counter()
        process = Process(CONTESTANTS[name], environment)
        try:
            process.ask("build", workload=workload.name, short=False)  # with a first step
            return time.perf_counter() - began
        finally:
            process.close()

    def _memory(self, workload: Workload) -> Row:
        row = Row(workload, {name: Part() for name in self.names}, [])

        def sample(name: str) -> float:
            process = Process(CONTESTANTS[name])
            try:
                process.ask("load")
                row.parts[name].parameters = process.ask("build", workload=workload.name, short=False)["parameters"]
                process.ask("run", units=2)
                return float(process.ask("memory")["bytes"])
            finally:
                process.close()

        self._rounds(row, sample, 1)
        return row
