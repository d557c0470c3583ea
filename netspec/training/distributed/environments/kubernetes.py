"""Kubernetes: the pods of a JobSet with an indexed job.

The manifest says how many there are (JAX_NUM_PROCESSES) and the name of the JobSet and of its replicated job; the
number of a pod is what Kubernetes sets (JOB_COMPLETION_INDEX). Pod 0 has the name `<set>-<job>-0-0.<set>`.

Reference: https://jobset.sigs.k8s.io/docs/concepts/.
"""

from __future__ import annotations

from collections.abc import Mapping

from netspec.language.diagnostics import fail
from netspec.training.distributed.environments.explicit import COORDINATOR, COUNT, checked
from netspec.training.distributed.environments.membership import DEFAULT_PORT, Membership, number, split_address
from netspec.training.errors.distributed import IncompleteMembership

SOURCE = "Kubernetes"
INDEX, SET, JOB = "JOB_COMPLETION_INDEX", "JOBSET_NAME", "REPLICATED_JOB_NAME"


def detect(variables: Mapping[str, str]) -> Membership | None:
    """The pods of an indexed job, where the manifest says how many train together."""
    if "KUBERNETES_SERVICE_HOST" not in variables or INDEX not in variables or COUNT not in variables:
        return None
    count = number(variables, COUNT, SOURCE)
    if count < 2:
        return None
    host, port = _coordinator(variables)
    process, job = number(variables, INDEX, SOURCE), variables.get(SET, "")
    return checked(Membership(process=process, count=count, host=host, ports=(port,), source=SOURCE, job=job))


def _coordinator(variables: Mapping[str, str]) -> tuple[str, int]:
    if COORDINATOR in variables:
        return split_address(variables[COORDINATOR], SOURCE, port=DEFAULT_PORT)
    missing = [name for name in (SET, JOB) if not variables.get(name)]
    if missing:
        reason = f"the variable {missing[0]} is not set: add it to the manifest, or {COORDINATOR}"
        raise fail(IncompleteMembership(source=SOURCE, reason=reason))
    return f"{variables[SET]}-{variables[JOB]}-0-0.{variables[SET]}", DEFAULT_PORT
