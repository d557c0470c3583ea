"""The options with which `netspec train` runs in several processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from netspec.cli.options import DEVICE, choose_device, option_group
from netspec.cli.output import print_problems
from netspec.cli.streams import separate_output
from netspec.language.record import Frozen
from netspec.training.distributed.environments import detect
from netspec.training.distributed.environments.explicit import LOCAL, with_options
from netspec.training.distributed.environments.slurm import has_idle_tasks
from netspec.training.errors.distributed import TasksNotStarted

MAX_LOCAL = 256
WAIT_SECONDS = 25.0


class ProcessOptions(Frozen):
    """What the command line says about several processes, and on which kind of device they train."""

    processes: int | None
    coordinator: str | None
    process_id: int | None
    process_count: int | None
    join_timeout: float
    device: str | None

    @property
    def starts(self) -> bool:
        """Whether this process only starts those that train."""
        return (self.processes or 1) > 1 and LOCAL not in os.environ

    @property
    def several(self) -> str:
        """The option that asks for several processes, as it is written; empty: none does."""
        given = {"--processes": (self.processes or 1) > 1, "--coordinator": self.coordinator is not None}
        return next((option for option, is_given in given.items() if is_given), "")

    def check(self) -> None:
        """Raises click.UsageError for options that contradict each other."""
        if self.processes is not None and (self.coordinator, self.process_id, self.process_count) != (None,) * 3:
            raise click.UsageError("--processes starts processes on this machine, without the other options for them")

    def start(self) -> int:
        """Start the processes of this machine, which run the same command, and wait for them."""
        from netspec.training.distributed.launch.local import LocalProcesses

        command = [sys.executable, "-m", "netspec", *sys.argv[1:]]
        return LocalProcesses(command, self.processes or 1, lambda line: click.echo(line, err=True)).run()

    @contextmanager
    def joined(self) -> Iterator[bool]:
        """Meet the other processes, if there are any; whether this one reports. JAX may look for devices then.

        Raises:
            CompileError: they do not find each other (NS580 to NS584).
            SystemExit: another one has ended, which is printed.
        """
        membership = with_options(detect(os.environ), self.coordinator, self.process_id, self.process_count)
        if membership is None or membership.count == 1:
            if (tasks := has_idle_tasks(os.environ)) is not None:
                print_problems([TasksNotStarted(tasks=tasks)])
            choose_device(self.device)
            yield True
            return
        from netspec.training.distributed.processes import find_all_devices, joined

        separate_output()
        with joined(membership, lambda problem: print_problems([problem]), self.join_timeout) as peers:
            choose_device(self.device)
            find_all_devices()
            yield peers.process == 0


process_options = option_group(
    "group",
    ProcessOptions,
    click.option(
        "--processes",
        type=click.IntRange(1, MAX_LOCAL),
        metavar="N",
        help="Start N processes on this machine, which train together; each gets an equal part of the cores.",
    ),
    click.option(
        "--coordinator", metavar="HOST:PORT", help="One of several processes: where process 0 waits for the others."
    ),
    click.option("--process-id", type=click.IntRange(0), metavar="I", help="The number of this process, from 0."),
    click.option("--process-count", type=click.IntRange(1), metavar="N", help="How many processes there are."),
    click.option(
        "--join-timeout",
        type=click.FloatRange(1, 3600),
        default=WAIT_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="How long the processes wait for each other at the start.",
    ),
    click.option("--device", **DEVICE),
)
"""The options for several processes, and `--device`: the command gets them as `group`, a `ProcessOptions`."""
