"""A Slurm for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.training.distributed.launch.slurm_cluster import SlurmCluster, missing_programs, slurm_cluster


@pytest.fixture(scope="module")
def slurm() -> Iterator[SlurmCluster]:
    """A Slurm of two nodes; without its programs the test is skipped, which NETSPEC_STRICT does not allow."""
    if missing := missing_programs():
        pytest.skip(f"no Slurm: {', '.join(missing)} not installed (Debian: slurm-wlm and munge)")
    with slurm_cluster() as cluster:
        yield cluster
