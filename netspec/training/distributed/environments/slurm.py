"""Slurm: every task of `srun` is a process.

Reference: "output environment variables" in the manual of srun, https://slurm.schedmd.com/srun.html.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping

from netspec.training.distributed.environments.membership import Membership, number, ports_of

SOURCE = "Slurm"
NODES = "SLURM_STEP_NODELIST"


def detect(variables: Mapping[str, str]) -> Membership | None:
    """The tasks of a step; None outside of `srun`, also in a batch script, which runs once on the first node."""
    if "SLURM_JOB_ID" not in variables or NODES not in variables or "SLURM_STEP_NUM_TASKS" not in variables:
        return None
    count = number(variables, "SLURM_STEP_NUM_TASKS", SOURCE)
    if count < 2:
        return None
    job, step = number(variables, "SLURM_JOB_ID", SOURCE), variables.get("SLURM_STEP_ID", "0")
    tasks = variables.get("SLURM_STEP_TASKS_PER_NODE", "1")
    node = int(variables.get("SLURM_NODEID", "0"))
    return Membership(
        process=number(variables, "SLURM_PROCID", SOURCE),
        count=count,
        host=first_node(variables[NODES]),
        ports=ports_of(job * 31 + (int(step) if step.isdigit() else 0)),
        source=SOURCE,
        job=f"{job}.{step}",
        local=int(variables.get("SLURM_LOCALID", "0")),
        local_count=tasks_of_node(tasks, node),
    )


def first_node(names: str) -> str:
    """The first name of a list of nodes, such as `gpu[007-010,012],login`."""
    found = re.match(r"([^,\[]*)(?:\[([^,\]-]+))?([^,\[\]]*)", names)
    if found is None or found[2] is None:
        return names.partition(",")[0]
    rest = names[names.index("]") + 1 :].partition(",")[0]
    return f"{found[1]}{found[2]}{rest}"


def tasks_of_node(tasks: str, node: int) -> int:
    """The tasks of a node in a list such as `2(x3),1`."""
    counts: list[int] = []
    for part in tasks.split(","):
        found = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part.strip())
        if found is not None:
            counts += [int(found[1])] * int(found[2] or 1)
    return counts[node] if node < len(counts) else 1


def address_of(node: str) -> str | None:
    """The address of a node as Slurm knows it, for names that do not resolve; None where Slurm does not say."""
    try:
        shown = subprocess.run(
            ["scontrol", "show", "node", node, "--oneliner"], capture_output=True, text=True, timeout=5, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\bNodeAddr=(\S+)", shown)
    return found[1] if found is not None and found[1] != node else None


def has_idle_tasks(variables: Mapping[str, str]) -> int | None:
    """How many tasks a batch script has that were not started, as `srun` is missing; None outside of such a script."""
    tasks = variables.get("SLURM_NTASKS", "1")
    if "SLURM_JOB_ID" not in variables or NODES in variables or not tasks.isdigit() or int(tasks) < 2:
        return None
    return int(tasks)
