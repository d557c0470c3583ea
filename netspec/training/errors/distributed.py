"""NS576 to NS589: training on several devices and in several processes."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class OtherMesh(Diagnostic):
    """The settings `devices` and `mesh` contradict each other, or an axis is in the mesh twice.

    A mesh of `data(2) -> model(4)` has 2 * 4 = 8 devices. With `mesh` alone, `devices` follows from it; with `devices`
    alone, all of them split the batch: `devices = 4` is `mesh = data(4)`.
    """

    code = "NS576"
    title = {
        "": "the mesh `{mesh}` has {size} devices, but `devices` is {devices}",
        "given": "the mesh `{mesh}` has {size} devices, but `devices` is {devices}",
        "twice": "`{axis}` is in the mesh `{mesh}` twice",
    }
    hint = {
        "": "write `devices = {size}`, or a mesh of {devices} devices such as `data({devices})`",
        "given": 'give a mesh instead, from which `devices` follows: `--mesh "{right}"`, in Python mesh="{right}"',
        "twice": "write `{right}`",
    }
    mesh: str
    size: int = 0
    devices: int = 0
    axis: str = ""
    right: str = ""


class UnevenBatch(Diagnostic):
    """The examples of a batch cannot be divided equally among the devices.

    The axes `data` and `fsdp` of the mesh split each batch. `batch` is the number of examples of a step on all devices
    together. Only the last batch of an epoch may be smaller, by any number.
    """

    code = "NS577"
    title = "a batch of {batch} examples cannot be divided equally among {parts} devices"
    label = "`{mesh}` splits each batch into {parts} parts"
    hint = "write `{nearest}`: the examples of all devices together"
    batch: int
    parts: int
    mesh: str
    nearest: str


class TooFewDevices(Diagnostic):
    """The mesh has more devices than JAX finds.

    JAX finds the GPUs or TPUs of this machine, or one CPU. To try a mesh without them, a CPU can simulate any number
    of devices: they share its cores, so it is not faster, but computes what as many real devices would.
    """

    code = "NS578"
    title = "the mesh `{mesh}` needs {wanted} devices, but JAX finds {found} ({kind})"
    hint = {
        "": "write `{smaller}`; to try it on simulated devices, set JAX_PLATFORMS=cpu JAX_NUM_CPU_DEVICES={wanted}",
        "cpu": "to simulate them on the CPU, set the environment variable JAX_NUM_CPU_DEVICES={wanted}",
    }
    mesh: str
    wanted: int
    found: int
    kind: str
    smaller: str = ""


class UnusedProcess(Diagnostic):
    """The mesh leaves devices of some processes out, which would wait for the others for ever.

    Several processes train on all of their devices together: the product of the axes of the mesh is their number.
    """

    code = "NS579"
    title = "the mesh `{mesh}` has {size} devices, but the {processes} processes have {found} together"
    hint = "use all of them, such as `mesh = {right}`"
    mesh: str
    size: int
    processes: int
    found: int
    right: str


class ProcessesMissing(Diagnostic):
    """Some of the processes that are to train together have not come.

    Process 0 waits half a minute for the others. Every process must be started with the same coordinator and count and
    a number of its own from 0; a process that could not start has said why in its own output.
    """

    code = "NS580"
    title = "{missing} of {count} processes did not start within {seconds} s: {names}"
    hint = "look at the output of these processes, and whether their machines reach {coordinator}"
    missing: int
    count: int
    seconds: int
    names: str
    coordinator: str


class CoordinatorNotReached(Diagnostic):
    """A process does not find process 0, at whose address all processes meet.

    The name of its machine must resolve on every other machine, and the port must be open between them. Under Slurm it
    is the name of the first node of the job; where such names do not resolve, give an address that does.
    """

    code = "NS581"
    title = {
        "": "process {process} of {count} does not reach process 0 at {coordinator} within {seconds} s: {reason}",
        "name": "process {process} of {count} cannot resolve the name `{host}` of process 0: {reason}",
        "port": "process 0 cannot listen at {coordinator}: {reason}",
    }
    hint = {
        "": "check that process 0 runs on `{host}`, and that its port is open to this machine",
        "name": "give an address that resolves on every machine: `--coordinator HOST:PORT`",
        "port": "choose a free port: `--coordinator {host}:PORT`",
    }
    process: int
    count: int
    coordinator: str
    host: str
    reason: str
    seconds: int = 0


class ProcessesDiffer(Diagnostic):
    """Processes that are to train together have not been started with the same things: the same count, each its own
    number, the same versions of netspec and JAX, the same spec, the same settings and the same data."""

    code = "NS582"
    title = "process {process} differs from process 0: {difference}"
    hint = "start every process with the same spec, settings, data and versions, and with a number of its own"
    process: int
    difference: str


class ProcessLost(Diagnostic):
    """A process of a training has ended, so the others have stopped, too: every step needs all of them.

    A process that was killed leaves no message of its own; often its machine had no memory left (`dmesg` says so), or
    the scheduler has taken it. The run keeps its last checkpoint.
    """

    code = "NS583"
    title = {
        "": "process {process} of {count} ({where}) has ended without a message, so the others stop, too",
        "error": "process {process} of {count} ({where}) has ended with an error ({reason}), so the others stop, too",
    }
    hint = "continue from the last checkpoint with `netspec train --resume {run}`"
    process: int
    count: int
    where: str
    reason: str = ""
    run: str = "RUN"


class IncompleteMembership(Diagnostic):
    """It is not known which process of how many this is, or where process 0 is.

    Started by hand, every process gets `--coordinator HOST:PORT --process-id I --process-count N`. Slurm, Open MPI, a
    JobSet of Kubernetes and Cloud TPU say the same in environment variables.
    """

    code = "NS584"
    title = "{source} does not say how the processes of this training find each other: {reason}"
    hint = "give `--coordinator HOST:PORT --process-id I --process-count N` to every process"
    source: str
    reason: str


class TasksNotStarted(Diagnostic):
    """A batch script of Slurm has several tasks, but the training was started once, without `srun`, so it runs in one
    process on the first node."""

    severity: ClassVar[str] = "warning"
    code = "NS585"
    title = "Slurm gives this job {tasks} tasks, but the training runs in one process"
    hint = "write `srun netspec train …` to start a process for each task"
    tasks: int


class NotSubmitted(Diagnostic):
    """The script is written, but the scheduler did not take it: its program is not installed on this machine, as on a
    laptop from which the cluster is not reached, or it refuses the script.
    """

    code = "NS586"
    title = {
        "": "{script} is written, but {program} refuses it: {reason}",
        "missing": "{script} is written, but not submitted: {program} is not installed on this machine",
    }
    hint = {
        "": "change the script, or write it again with other options and `--force`",
        "missing": "submit it where {program} is, such as the login node of the cluster",
    }
    script: str
    program: str
    reason: str = ""


class OtherDevices(Diagnostic):
    """The settings `devices` and `mesh` ask for another number of devices than the job has.

    Every process trains on all devices of its node, so their number is that of the nodes times the GPUs of each;
    without GPUs each node has one device, its CPU.
    """

    code = "NS587"
    title = "the mesh `{mesh}` has {size} devices, but {resources} have {found}"
    hint = 'change `--nodes` and `--gpus` (GPUs of each node), or use all of them, such as `--mesh "data({found})"`'
    mesh: str
    size: int
    resources: str
    found: int


class NoRayCluster(Diagnostic):
    """A training cannot start on a Ray cluster: the package `ray` is not installed, no cluster is reached, or its nodes
    do not have the resources.
    """

    code = "NS588"
    title = "cannot train on a Ray cluster: {reason}"
    reason: str
    advice: str


class LostWorker(Diagnostic):
    """A process of a training on a Ray cluster was lost: its node failed, or it was killed. The others stop then."""

    code = "NS589"
    title = "process {process} of {processes} was lost: {reason}"
    hint = "resume the run with the same command and `--run-folder {run}`"
    process: int
    processes: int
    reason: str
    run: str
