"""NS552: a training on several devices cannot be planned."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class CannotPlan(Diagnostic):
    """A training on several devices cannot be planned as asked.

    `netspec show FILE --memory --devices N --device-memory 80GB` looks at every mesh of N devices; where none fits, it
    says what takes the memory. The memory of a device is a size, such as `80GB`, or the name of a device that is known.
    `--simulate` compiles the step for simulated devices of this machine's CPU: at most 64, and in a process that may
    need several GiB for a large network. A smaller network with the same layers shows the same kinds of communication.
    """

    code = "NS552"
    title = {
        "": "the step cannot be compiled for simulated devices, for the mesh `{mesh}`: {reason}",
        "many": "the mesh `{mesh}` has more than the {limit} devices that can be simulated",
        "slow": "the step was not compiled for the mesh `{mesh}` within {limit} minutes",
        "full": "no mesh of {devices} devices fits: `{mesh}`, the smallest, needs {needed} of {available} on each",
        "none": "{devices} devices cannot share a batch of {batch} examples",
        "memory": "`{reason}` is neither an amount of memory nor a device that is known",
    }
    hint = {
        "": "simulate a smaller network, such as one with fewer blocks, or omit `--simulate`",
        "many": "simulate a smaller mesh, or omit `--simulate`: the plan from shapes alone has no limit",
        "slow": "simulate a smaller network, such as one with fewer blocks, or omit `--simulate`",
        "full": "{advice}",
        "none": "use a batch that a part of them divides, such as `-D train.batch={advice}`",
        "memory": "{advice}",
    }
    mesh: str = ""
    reason: str = ""
    limit: int = 0
    devices: int = 0
    batch: int = 0
    needed: str = ""
    available: str = ""
    advice: str = ""
