"""Cloud TPU: the machines of one or several slices, as GKE describes them in environment variables.

On a TPU VM without GKE only the metadata server knows them: there the options of `netspec train` say it.

Reference: https://cloud.google.com/kubernetes-engine/docs/how-to/tpus.
"""

from __future__ import annotations

from collections.abc import Mapping

from netspec.training.distributed.environments.explicit import checked
from netspec.training.distributed.environments.membership import Membership, number, split_address

SOURCE = "Cloud TPU"
HOSTS = ("TPU_PROCESS_ADDRESSES", "TPU_WORKER_HOSTNAMES")
PORT = 8482
"""The port that JAX uses for this."""


def detect(variables: Mapping[str, str]) -> Membership | None:
    """The workers of all slices; those of the first slice come first."""
    hosts = next((variables[name].split(",") for name in HOSTS if variables.get(name)), None)
    if hosts is None or "TPU_WORKER_ID" not in variables:
        return None
    slices = number(variables, "MEGASCALE_NUM_SLICES", SOURCE) if variables.get("MEGASCALE_NUM_SLICES") else 1
    slice_ = number(variables, "MEGASCALE_SLICE_ID", SOURCE) if variables.get("MEGASCALE_SLICE_ID") else 0
    count = len(hosts) * slices
    if count < 2:
        return None
    address = variables.get("MEGASCALE_COORDINATOR_ADDRESS") or hosts[0]
    host, _ = split_address(address.strip(), SOURCE, port=PORT)
    process = number(variables, "TPU_WORKER_ID", SOURCE) + slice_ * len(hosts)
    return checked(Membership(process=process, count=count, host=host, ports=(PORT,), source=SOURCE))
