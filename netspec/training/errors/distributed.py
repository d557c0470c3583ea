"""NS576 to NS589: training on several devices and in several processes."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


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
