"""An sbatch script for a training on the nodes of a Slurm cluster.

The job is requeued after preemption and at its time limit, and then resumes its run: `netspec train --run-folder` is
the same command for both. Slurm sends SIGUSR1 to the processes before the limit; they save a checkpoint and exit.

Reference: https://slurm.schedmd.com/sbatch.html
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from netspec.training.distributed.launch.job import Job, in_comment, slurm_time
from netspec.training.distributed.launch.submit import submit

NOTICE = 120
"""Seconds before the time limit at which the processes are told to save; at most a quarter of the limit."""
SETTLE = 120
"""Seconds after the first process has ended until Slurm ends the others; they stop by themselves before that."""
COLUMN = 36

SCRIPT = """\
#!/bin/bash
# Trains {spec} on {resources}: `sbatch {script}`. Submitted again, or requeued, it resumes {run}.

{header}
{setup}# The same command starts the run and resumes it.
{command}
status=$?

# A status above 128 is that of a signal: the time limit is near, or a process was killed; 75: another process was lost.
# Requeue the job then, but not if it lasts for less than five minutes again and again. Errors of the spec (1) stay.
if (( status > 128 || status == 75 )) && (( SECONDS > 300 || ${{SLURM_RESTART_COUNT:-0}} < 3 )); then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit $status
"""


def slurm_script(job: Job, script: str, *, partition: str | None = None, account: str | None = None) -> str:
    """The text of an sbatch script.

    Args:
        job: what to train.
        script: the name of the file, for its comment.
        partition: the partition to submit to; None: the default one of the cluster.
        account: the account that is charged; None: the default one of the user.

    Raises:
        ValueError: a value cannot be written in a line of options, because it has a quote or a line break.
    """
    options = [_option(*option) for option in _options(job, partition, account) if option[1] is not None]
    srun = [
        "srun",
        *([f"--cpus-per-task={job.cpus}"] if job.cpus else []),
        f"--wait={SETTLE}",
        *program(),
        *job.command,
    ]
    setup = "".join(f"{line}\n" for line in activation(os.environ, Path(sys.prefix)))
    return SCRIPT.format(
        spec=in_comment(job.spec),
        resources=job.resources,
        script=in_comment(script),
        run=in_comment(job.run),
        header="\n".join(options) + "\n",
        setup=f"{setup}\n" if setup else "",
        command=shlex.join(srun),
    )


def _options(job: Job, partition: str | None, account: str | None) -> Iterator[tuple[str, object, str]]:
    """The options of sbatch with a comment each; those without a value are left out."""
    notice = NOTICE if job.time is None else max(1, min(NOTICE, job.time // 4))
    yield "job-name", re.sub(r"[^\w.-]", "-", job.name), ""
    yield "chdir", job.folder, ""
    yield "output", "%x-%j.log", ""
    yield "open-mode", "append", "a requeued job continues its log"
    yield "partition", partition, ""
    yield "account", account, ""
    yield "nodes", job.nodes, ""
    yield "ntasks-per-node", 1, "a process uses all devices of its node"
    yield "gpus-per-node", job.gpus or None, ""
    yield "cpus-per-task", job.cpus, ""
    yield "mem", job.memory, "of each node"
    yield "time", None if job.time is None else slurm_time(job.time), ""
    yield "requeue", "", "after preemption, or if a node fails"
    yield "signal", f"USR1@{notice}", "seconds before the time limit: save and exit"


def _option(name: str, value: object, comment: str) -> str:
    text = str(value)
    if re.search(r"[\"'\\\n\r]", text):
        raise ValueError(f"--{name} cannot be {text!r} in a script: rename it without quotes and line breaks")
    if re.search(r"[\s#]", text):
        text = f'"{text}"'
    line = f"#SBATCH --{name}={text}" if text else f"#SBATCH --{name}"
    return f"{line:<{COLUMN}}# {comment}" if comment else line


def program() -> list[str]:
    """How a shell with the environment of this process starts netspec."""
    return ["netspec"] if shutil.which("netspec") else [sys.executable, "-m", "netspec"]


def activation(environment: Mapping[str, str], prefix: Path) -> list[str]:
    """The lines that activate the environment of Python that this process runs in; none for that of the system."""
    conda = environment.get("CONDA_EXE")
    if environment.get("CONDA_PREFIX") == str(prefix) and conda is not None:
        profile = Path(conda).parents[1] / "etc" / "profile.d" / "conda.sh"
        return [f"source {shlex.quote(str(profile))}", f"conda activate {shlex.quote(str(prefix))}"]
    script = prefix / "bin" / "activate"
    return [f"source {shlex.quote(str(script))}"] if script.is_file() else []


def submit_script(script: Path) -> str:
    """Submit a script; the number of the job.

    Raises:
        CompileError: there is no Slurm on this machine, or it refuses the script (NS586).
    """
    return submit(["sbatch", "--parsable", str(script)], script).split(";")[0]
