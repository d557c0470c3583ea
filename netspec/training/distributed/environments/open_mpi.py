"""Open MPI: the processes of `mpirun`.

Reference: https://docs.open-mpi.org/en/v5.0.x/tuning-apps/environment-var.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from zlib import crc32

from netspec.language.diagnostics import fail
from netspec.training.distributed.environments.membership import Membership, number, ports_of
from netspec.training.errors.distributed import IncompleteMembership

SOURCE = "Open MPI"
RANK, SIZE, LOCAL_RANK, LOCAL_SIZE = (
    f"OMPI_COMM_WORLD_{name}" for name in ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE")
)
LAUNCHER = "OMPI_MCA_orte_hnp_uri"
"""The address of `mpirun`, which starts process 0 on its own machine; Open MPI 4 sets it, 5 does not."""
JOBS = ("PMIX_NAMESPACE", LAUNCHER)


def detect(variables: Mapping[str, str]) -> Membership | None:
    """The processes of `mpirun`."""
    if RANK not in variables or SIZE not in variables:
        return None
    count, process = number(variables, SIZE, SOURCE), number(variables, RANK, SOURCE)
    if count < 2:
        return None
    local_count = int(variables.get(LOCAL_SIZE, "1"))
    job = next((variables[name] for name in JOBS if name in variables), "")
    return Membership(
        process=process,
        count=count,
        host="127.0.0.1" if local_count == count else launcher_address(variables),
        ports=ports_of(crc32(job.partition(";")[0].encode())),
        source=SOURCE,
        job=job.partition(";")[0],
        local=int(variables.get(LOCAL_RANK, "0")),
        local_count=local_count,
    )


def launcher_address(variables: Mapping[str, str]) -> str:
    """The first address of `mpirun`, as in `1531576320.0;tcp://10.96.0.1,10.148.0.1:34911`.

    Raises:
        CompileError: Open MPI does not say (NS584).
    """
    found = re.search(r"tcp://([^,:]+)|tcp6://\[([^,\]]+)", variables.get(LAUNCHER, ""))
    if found is None:
        reason = "it does not say on which machine process 0 is: add `--coordinator HOST:PORT`"
        raise fail(IncompleteMembership(source=SOURCE, reason=reason))
    return found[1] or found[2]
