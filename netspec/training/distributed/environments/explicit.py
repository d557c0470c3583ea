"""Processes that are told who they are: `--coordinator`, `--process-id` and `--process-count`, or the variables that
Kubeflow and others set for JAX (JAX_COORDINATOR_ADDRESS, JAX_PROCESS_ID, JAX_NUM_PROCESSES)."""

from __future__ import annotations

from collections.abc import Mapping

from netspec.language.diagnostics import fail
from netspec.training.distributed.environments.membership import Membership, number, split_address
from netspec.training.errors.distributed import IncompleteMembership

COORDINATOR, PROCESS, COUNT = "JAX_COORDINATOR_ADDRESS", "JAX_PROCESS_ID", "JAX_NUM_PROCESSES"
LOCAL, LOCAL_COUNT = "NETSPEC_LOCAL_PROCESS", "NETSPEC_LOCAL_COUNT"
"""Set by `netspec train --processes` for the processes that it starts."""


def detect(variables: Mapping[str, str]) -> Membership | None:
    """What the three variables say; None unless count and number of the process are there."""
    if COUNT not in variables or PROCESS not in variables:
        return None
    count, process = (number(variables, name, "the environment") for name in (COUNT, PROCESS))
    if count < 2:
        return None
    if COORDINATOR not in variables:
        raise fail(IncompleteMembership(source="the environment", reason=f"the variable {COORDINATOR} is not set"))
    host, port = split_address(variables[COORDINATOR], f"the variable {COORDINATOR}")
    local, local_count = int(variables.get(LOCAL, 0)), int(variables.get(LOCAL_COUNT, 1))
    return checked(
        Membership(
            process=process, count=count, host=host, ports=(port,), source="the environment", local=local,
            local_count=local_count,
        )
    )  # fmt: skip


def with_options(
    found: Membership | None, coordinator: str | None, process: int | None, count: int | None
) -> Membership | None:
    """What the environment says, with the options of the command line, which come first.

    Raises:
        CompileError: together they are incomplete (NS584).
    """
    if coordinator is None and process is None and count is None:
        return found
    source = "the command line"
    process = process if process is not None else found.process if found else None
    count = count if count is not None else found.count if found else None
    missing = [
        option
        for option, value in (
            ("--coordinator HOST:PORT", coordinator or found),
            ("--process-id I", process),
            ("--process-count N", count),
        )
        if value is None
    ]
    if missing or process is None or count is None:
        raise fail(IncompleteMembership(source=source, reason=f"{' and '.join(missing)} must be given, too"))
    if coordinator is None:
        assert found is not None
        host, ports = found.host, found.ports
    else:
        host, port = split_address(coordinator, source)
        ports = (port,)
    base = found or Membership(process=0, count=0, host="", ports=(0,), source="")
    return checked(base.replace(process=process, count=count, host=host, ports=ports, source=source))


def checked(membership: Membership) -> Membership:
    """The same.

    Raises:
        CompileError: there is no process of this number (NS584).
    """
    if membership.process >= membership.count:
        last, process = membership.count - 1, membership.process
        reason = f"{membership.count} processes have the numbers 0 to {last}, and this one is process {process}"
        raise fail(IncompleteMembership(source=membership.source, reason=reason))
    return membership
