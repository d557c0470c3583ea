"""Which process of a training this is, as the program that has started it says in environment variables.

Input: environment variables. Output: `Membership`, or None where a process is alone. Every file is one launcher.
"""

from __future__ import annotations

from collections.abc import Mapping

from netspec.training.distributed.environments import cloud_tpu, explicit, kubernetes, open_mpi, slurm
from netspec.training.distributed.environments.membership import Membership

DETECTORS = (explicit.detect, slurm.detect, open_mpi.detect, kubernetes.detect, cloud_tpu.detect)


def detect(variables: Mapping[str, str]) -> Membership | None:
    """What the environment says; None where it names one process or none.

    Raises:
        CompileError: the variables are incomplete, or not numbers (NS584).
    """
    found = (detector(variables) for detector in DETECTORS)
    return next((membership for membership in found if membership is not None), None)
