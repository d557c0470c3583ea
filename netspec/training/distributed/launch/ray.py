"""Training on a Ray cluster that exists: an actor on each node runs one process of `netspec train`.

The processes find each other as they do elsewhere, by the address of the first one. Ray only places them, forwards what
they print, and says when one is lost.

Reference: Moritz et al. 2018, Ray: a distributed framework for emerging AI applications, arXiv:1712.05889.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from netspec.language.diagnostics import fail
from netspec.training.distributed.channel import free_port
from netspec.training.distributed.launch.job import Job
from netspec.training.errors.distributed import LostWorker, NoRayCluster

WAIT = 60
"""Seconds until the nodes must be free."""
CONNECT = 10
"""Seconds until the cluster must answer."""

Print = Callable[[int, str], None]
"""Prints a line of a process, by its number."""


class Process:
    """An actor: one process of a training, on a node of the cluster."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def address(self) -> str:
        """The address of this node with a free port, at which the processes meet."""
        import ray

        return f"{ray.util.get_node_ip_address()}:{free_port()}"

    def train(self, arguments: Sequence[str], folder: str, environment: dict[str, str]) -> Iterator[str | int]:
        """Run netspec in a folder; yields the lines that it prints, then its exit status."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "netspec", *arguments],
            cwd=folder,
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield line.rstrip("\n")
        status = self.process.wait()
        yield status if status >= 0 else 128 - status

    def stop(self, number: int) -> None:
        """Send a signal to the process."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


def train_on_ray(job: Job, address: str | None, print_line: Print) -> int:
    """Train on a Ray cluster that exists; the exit status of the training.

    Args:
        job: what to train; its folder and netspec are on every node.
        address: that of the cluster; None: the one that runs on this machine or that RAY_ADDRESS names.
        print_line: called with each line that a process prints.

    Raises:
        CompileError: there is no cluster, or it lacks the resources (NS588), or a process is lost (NS589).
    """
    with _connected(address) as ray, _placed(ray, job) as group:
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        actor = ray.remote(num_cpus=job.cpus or 1, num_gpus=job.gpus, max_concurrency=2)(Process)
        bundles = [PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=i) for i in range(job.nodes)]
        processes = [actor.options(scheduling_strategy=bundle).remote() for bundle in bundles]
        coordinator = ray.get(processes[0].address.remote())
        training = _Training(ray, job, processes, print_line)
        return training.run(coordinator)


class _Training:
    """A training in progress."""

    def __init__(self, ray: Any, job: Job, processes: Sequence[Any], print_line: Print) -> None:
        self.ray, self.job, self.processes, self.print_line = ray, job, processes, print_line
        self.statuses: dict[int, int] = {}
        self.lost: dict[int, str] = {}
        self.is_stopped = False

    def run(self, coordinator: str) -> int:
        """Start all processes and wait for them; Ctrl-C and SIGTERM are passed on to them.

        Raises:
            CompileError: a process is lost (NS589).
        """
        threads = [
            threading.Thread(target=self._follow, args=(i, coordinator), daemon=True) for i in range(self.job.nodes)
        ]
        with _passing_on(self._stop):
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():  # a wait without a limit would not let signals through
                    thread.join(0.2)
        killed = {n: f"signal {status - 128}" for n, status in self.statuses.items() if status > 128}
        if not self.is_stopped:
            self.lost = {**killed, **self.lost}
        if self.lost:
            process, reason = min(self.lost.items())
            raise fail(LostWorker(process=process, processes=self.job.nodes, reason=reason, run=self.job.run))
        return max(self.statuses.values())

    def _follow(self, number: int, coordinator: str) -> None:
        """Run a process, and print its lines until it ends."""
        flags = ["--coordinator", coordinator, "--process-id", str(number), "--process-count", str(self.job.nodes)]
        environment = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
        arguments = [*self.job.command, *(flags if self.job.nodes > 1 else [])]
        train = self.processes[number].train.options(num_returns="streaming")
        try:
            for reference in train.remote(arguments, self.job.folder, environment):
                line = self.ray.get(reference)
                if isinstance(line, int):
                    self.statuses[number] = line
                else:
                    self.print_line(number, line)
        except self.ray.exceptions.RayError as error:
            self.lost[number] = str(error).split("\n")[0]

    def _stop(self, number: int) -> None:
        self.is_stopped = True
        for process in self.processes:
            process.stop.remote(number)


@contextmanager
def _passing_on(stop: Callable[[int], None]) -> Iterator[None]:
    """Pass signals that end this program on to the processes."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda received, frame: stop(received))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """The module `ray`, connected to a cluster.

    Raises:
        CompileError: it is not installed, or there is no cluster (NS588).
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        advice = "install it with `pip install 'netspec-compiler[ray]'`"
        raise fail(NoRayCluster(reason="the package `ray` is not installed", advice=advice)) from error
    address = address or os.environ.get("RAY_ADDRESS") or None
    try:
        _check_answers(address)
        ray.init(address=address or "auto", log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as error:
        where = f"at {address}" if address else "on this machine, and RAY_ADDRESS does not name one"
        advice = "start one with `ray start --head`, or give its address: `--address HOST:6379`"
        raise fail(NoRayCluster(reason=f"there is none {where}", advice=advice)) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str | None) -> None:
    """Raises OSError if nothing listens at an address, for which Ray would wait for a minute."""
    host, colon, port = (address or "").rpartition(":")
    if colon and port.isdigit() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT).close()


@contextmanager
def _placed(ray: Any, job: Job) -> Iterator[Any]:
    """Resources on as many nodes as the job has, which are given back at the end.

    Raises:
        CompileError: the cluster does not have them, or others use them (NS588).
    """
    from ray.util.placement_group import placement_group, remove_placement_group

    wanted = {"CPU": float(job.cpus or 1), **({"GPU": float(job.gpus)} if job.gpus else {})}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    fitting = [node for node in nodes if all(node.get(name, 0.0) >= count for name, count in wanted.items())]
    each = " and ".join(f"{count:g} {name}{'s' if count > 1 else ''}" for name, count in wanted.items())
    if len(fitting) < job.nodes:
        reason = f"{len(fitting)} of its {len(nodes)} nodes have {each}, and the training needs {job.nodes}"
        raise fail(NoRayCluster(reason=reason, advice="change `--nodes`, `--gpus` or `--cpus`, or add nodes to it"))
    group = placement_group([wanted] * job.nodes, strategy="STRICT_SPREAD")
    try:
        if not group.wait(timeout_seconds=WAIT):
            reason = f"{job.resources} were not free within {WAIT} s"
            raise fail(NoRayCluster(reason=reason, advice="wait for other jobs: `ray status` lists what they use"))
        yield group
    finally:
        remove_placement_group(group)
