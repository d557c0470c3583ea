"""What to launch: a training with the resources that it needs, independent of the scheduler."""

from __future__ import annotations

import re

from netspec.language.record import Frozen

SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
MAX_NAME = 40
"""Kubernetes adds `-worker-0-0` to the name of a job, and takes 63 characters in a host name."""


class Job(Frozen):
    """A training on several machines, with one process on each.

    Args:
        name: what is trained.
        folder: the absolute path of the folder that relative paths start from.
        command: the arguments of netspec that train; the same ones resume the run.
        run: the run folder.
        spec: the file of the spec, for comments.
        nodes: the number of machines.
        gpus: GPUs of each machine.
        cpus: CPU cores of each machine; None: what the scheduler gives.
        memory: memory of each machine, such as `32G`; None: what the scheduler gives.
        time: the time limit in seconds; None: none, or that of the scheduler.
    """

    name: str
    folder: str
    command: tuple[str, ...]
    run: str
    spec: str
    nodes: int = 1
    gpus: int = 0
    cpus: int | None = None
    memory: str | None = None
    time: int | None = None

    @property
    def devices(self) -> int:
        """The devices of all machines: their GPUs, or one CPU each."""
        return self.nodes * max(self.gpus, 1)

    @property
    def resources(self) -> str:
        """`2 nodes with 4 GPUs each`."""
        nodes = "1 node" if self.nodes == 1 else f"{self.nodes} nodes"
        gpus = "1 GPU" if self.gpus == 1 else f"{self.gpus} GPUs"
        return f"{nodes} with {gpus}{' each' if self.nodes > 1 else ''}" if self.gpus else nodes

    @property
    def label(self) -> str:
        """The name in lowercase letters, digits and hyphens, as host names take it."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower())[:MAX_NAME].strip("-") or "train"


def parse_time(text: str) -> int:
    """The seconds of a time limit: as Slurm writes it, `2:00:00`, `1-12:00:00`, `30` (minutes), or `2h`, `30m`, `1d`.

    Raises:
        ValueError: it is not written so, or is 0.
    """
    if unit := re.fullmatch(r"(\d{1,9})\s*([dhms])", text.strip()):
        seconds = int(unit[1]) * SECONDS[unit[2]]
    elif written := re.fullmatch(r"(?:(\d{1,5})-)?(\d{1,7})(?::(\d{1,2}))?(?::(\d{1,2}))?", text.strip()):
        parts = [int(part) for part in written.groups()[1:] if part is not None]
        # After days come hours; without them one number is minutes, two are minutes and seconds.
        units = (3600, 60, 1) if written[1] is not None or len(parts) == 3 else (60, 1)
        seconds = int(written[1] or 0) * SECONDS["d"] + sum(a * b for a, b in zip(parts, units, strict=False))
    else:
        seconds = 0
    if not seconds:
        raise ValueError(f"`{text}` is not a time limit: write hours, minutes and seconds, such as 2:00:00")
    return seconds


def parse_memory(text: str) -> str:
    """An amount of memory in the units of Slurm: a number with M, G or T.

    Raises:
        ValueError: it is not written so.
    """
    written = re.fullmatch(r"([1-9]\d{0,8})\s*([MGT])(?:i?B)?", text.strip(), re.IGNORECASE)
    if written is None:
        raise ValueError(f"`{text}` is not an amount of memory: write a number with a unit, such as 32G")
    return f"{written[1]}{written[2].upper()}"


def slurm_time(seconds: int) -> str:
    """Seconds as Slurm takes them: `2:00:00`, `1-12:00:00`."""
    days, rest = divmod(seconds, SECONDS["d"])
    clock = f"{rest // 3600}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days}-{clock}" if days else clock


def in_comment(text: str) -> str:
    """A text for a comment of one line."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", "?", text)
