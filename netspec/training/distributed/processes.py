"""Several processes as one training: they meet, JAX connects their devices, and they end together.

Input: `Membership`. Output: `Peers`, for as long as the training lasts. Whatever ends one of them ends all within
seconds, with one message.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from netspec.language.diagnostics import CompileError, Diagnostic, fail
from netspec.language.lazy import lazy
from netspec.training.distributed.channel import free_port
from netspec.training.distributed.environments import slurm
from netspec.training.distributed.environments.membership import Membership
from netspec.training.distributed.meeting import (
    WAIT_SECONDS,
    Stopped,
    introduction,
    join_first,
    not_reached,
    wait_for_others,
    where,
)
from netspec.training.distributed.peers import Alone, Peers
from netspec.training.distributed.service import Service
from netspec.training.errors.distributed import ProcessLost

jax = lazy("jax")

LOST_STATUS = 75
"""The exit status where another process was lost: "temporary failure" in sysexits.h, to try again."""
JOIN_SECONDS = 30

_peers: Alone = Alone()


def peers() -> Alone:
    """The processes that this one trains with."""
    return _peers


@contextmanager
def joined(
    membership: Membership | None, print_problem: Callable[[Diagnostic], None], seconds: float = WAIT_SECONDS
) -> Iterator[Alone]:
    """Meet the others, and connect JAX with them; before JAX looks for devices. None: this process is alone.

    Args:
        membership: which of the processes this is.
        print_problem: how a diagnostic is printed, also by another thread.
        seconds: how long they wait for each other.

    Raises:
        CompileError: the processes do not find each other (NS580 to NS582).
        SystemExit: another process has ended, which is printed, or process 0 has reported an error of all.
    """
    global _peers
    if membership is None:
        yield _peers
        return
    service: list[Service] = []
    try:
        with _reported_once(membership):
            _peers = group = _meet(membership, service, print_problem, seconds)
        try:
            yield group
        except BaseException as error:  # noqa: BLE001  # whatever ends this process, the others are told
            _end_by(error, group, print_problem)
        jax.distributed.shutdown()
        group.leave()
        for running in service:
            running.end()
    finally:
        _peers = Alone()


@contextmanager
def _reported_once(membership: Membership) -> Iterator[None]:
    try:
        yield
    except Stopped:  # process 0 has printed why
        raise SystemExit(LOST_STATUS) from None


def _meet(
    membership: Membership, service: list[Service], print_problem: Callable[[Diagnostic], None], seconds: float
) -> Peers:
    def start() -> int:
        service.append(Service(membership.count))
        return service[0].port

    if membership.process == 0:
        came, port = wait_for_others(membership, start, seconds)
        channels = {number: channel for number, (channel, _) in came.items()}
        places = {number: where(message) for number, (_, message) in came.items()}
        host = "127.0.0.1"
    else:
        membership = _resolved(membership)
        channel, answer = join_first(membership, seconds)
        channels, port, host = {0: channel}, int(answer["service"]), membership.host
        places = {0: where(answer)}
    _connect_jax(membership, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    group = Peers(
        membership.process, membership.count, channels, places, lambda lost: _leave_at_once(lost, print_problem)
    )
    known = group.first([where(introduction(membership)), *(places.get(i, "") for i in range(1, membership.count))])
    group.places = dict(enumerate(known))
    return group


def _resolved(membership: Membership) -> Membership:
    """With an address of process 0 that resolves: that of Slurm where the name of the node does not.

    Raises:
        CompileError: there is none (NS581).
    """
    try:
        socket.getaddrinfo(membership.host, membership.ports[0])
    except OSError as error:
        address = slurm.address_of(membership.host) if membership.source == slurm.SOURCE else None
        if address is not None:
            return _resolved(membership.replace(host=address, source=f"{slurm.SOURCE}'s address of the node"))
        raise fail(not_reached(membership, error.strerror or "the name is not known", case="name")) from error
    return membership


def _connect_jax(membership: Membership, address: str) -> None:
    _schedule_as_batch(membership.local_count)
    jax.config.update("jax_enable_preemption_service", False)  # it takes SIGTERM for itself
    options: dict[str, Any] = {}
    if membership.process == 0:
        # JAX starts a service here as well, which nobody uses: that of the child process outlives this one.
        options["coordinator_bind_address"] = f"127.0.0.1:{free_port()}"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    if membership.local_count > 1 and (visible == [""] or len(visible) >= membership.local_count):
        options["local_device_ids"] = [membership.local]  # of GPUs: one for each process of a machine
    jax.distributed.initialize(
        coordinator_address=address,
        num_processes=membership.count,
        process_id=membership.process,
        cluster_detection_method="deactivate",
        initialization_timeout=JOIN_SECONDS,
        shutdown_timeout_seconds=1,
        **options,
    )


def _schedule_as_batch(local_count: int) -> None:
    """Have no thread of this process interrupt another one when it wakes up, if they share a core (Linux).

    The thread of Gloo that receives cannot do anything while another one sends, but is woken by data that arrive then,
    and looks for them over and over: with one core, until the scheduler lets the sender go on, 4 ms later. The threads
    that JAX starts inherit this policy.
    """
    if sys.platform == "linux" and len(os.sched_getaffinity(0)) <= local_count:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def find_all_devices() -> None:
    """Have JAX exchange which devices there are, for which each process waits for all others."""
    jax.devices()


# ---------------------------------------------------------------- ends


def _end_by(error: BaseException, group: Peers, print_problem: Callable[[Diagnostic], None]) -> None:
    """End after an error: where another process has ended, for that reason; quietly where process 0 has reported it."""
    is_own = isinstance(error, CompileError) and not isinstance(error.diagnostics[0], ProcessLost)
    is_own = is_own or isinstance(error, KeyboardInterrupt | SystemExit)
    lost = group.lost if is_own else group.wait_for_loss()
    if is_own or lost is None:
        if group.report_failure(_described(error)):
            raise SystemExit(1) from None
        raise error
    is_printed = group.report_failure(lost.message) or group.has_reported
    if not is_printed:
        print_problem(lost)
    raise SystemExit(LOST_STATUS) from None


def _described(error: BaseException) -> str:
    """What tells one error from another, in one line."""
    if isinstance(error, CompileError):
        return "; ".join(f"{d.code}: {d.message}" for d in error.diagnostics)
    return f"{type(error).__name__}: {error}".strip()


def _leave_at_once(lost: Diagnostic, print_problem: Callable[[Diagnostic], None]) -> None:
    """End this process, whose main thread waits for one that has ended. Files are complete or absent at any moment."""
    if not _peers.has_reported:
        print_problem(lost)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(LOST_STATUS)
