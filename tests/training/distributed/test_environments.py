"""Which process this is, as launchers say it in environment variables. Kubernetes and Cloud TPU are simulated by their
variables; nothing here runs on them."""

from __future__ import annotations

import pytest

from netspec.cli.commands.training.processes import ProcessOptions
from netspec.language.diagnostics import CompileError
from netspec.training.distributed.environments import detect
from netspec.training.distributed.environments.explicit import with_options
from netspec.training.distributed.environments.slurm import first_node, has_idle_tasks, tasks_of_node

SLURM = {
    "SLURM_JOB_ID": "812",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NODELIST": "gpu[007-010],login2",
    "SLURM_STEP_NUM_TASKS": "5",
    "SLURM_STEP_TASKS_PER_NODE": "1(x3),2",
    "SLURM_PROCID": "4",
    "SLURM_NODEID": "3",
    "SLURM_LOCALID": "1",
}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
    "OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911",
}
JOBSET = {
    "KUBERNETES_SERVICE_HOST": "10.0.0.1",
    "JOB_COMPLETION_INDEX": "2",
    "JAX_NUM_PROCESSES": "4",
    "JOBSET_NAME": "digits",
    "REPLICATED_JOB_NAME": "worker",
}
TPU = {
    "TPU_WORKER_ID": "1",
    "TPU_WORKER_HOSTNAMES": "t-0.svc,t-1.svc",
    "MEGASCALE_NUM_SLICES": "2",
    "MEGASCALE_SLICE_ID": "1",
    "MEGASCALE_COORDINATOR_ADDRESS": "first.svc:8080",
}


def test_slurm_names_the_first_node_and_ports_of_the_step() -> None:
    found = detect(SLURM)
    assert found is not None
    assert (found.process, found.count, found.host, found.local, found.local_count) == (4, 5, "gpu007", 1, 2)
    assert all(61_440 <= port < 65_536 for port in found.ports) and len(set(found.ports)) == 8
    other = detect({**SLURM, "SLURM_JOB_ID": "813"})
    assert other is not None and not set(other.ports) & set(found.ports)
    assert other.job != found.job


@pytest.mark.parametrize(
    ("names", "first"),
    [("n1", "n1"), ("n1,n2", "n1"), ("n[1-3]", "n1"), ("a[001,007-9],b", "a001"), ("n[1-2]-ib", "n1-ib")],
)
def test_the_first_of_a_list_of_nodes(names: str, first: str) -> None:
    assert first_node(names) == first


def test_tasks_of_each_node_of_slurm() -> None:
    assert [tasks_of_node("2(x2),1", node) for node in range(4)] == [2, 2, 1, 1]


def test_a_batch_script_without_srun_is_one_process_and_has_idle_tasks() -> None:
    script = {"SLURM_JOB_ID": "812", "SLURM_NTASKS": "2", "SLURM_PROCID": "0"}
    assert detect(script) is None
    assert has_idle_tasks(script) == 2
    assert has_idle_tasks(SLURM) is None and has_idle_tasks({}) is None


def test_a_batch_script_without_srun_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"SLURM_JOB_ID": "812", "SLURM_NTASKS": "2"}.items():
        monkeypatch.setenv(name, value)
    alone = ProcessOptions(
        processes=None, coordinator=None, process_id=None, process_count=None, join_timeout=1, device=None
    )
    with alone.joined() as reports:
        assert reports
    assert "warning[NS585]: Slurm gives this job 2 tasks" in capsys.readouterr().err


def test_open_mpi_names_the_machine_of_mpirun() -> None:
    found = detect(OPEN_MPI)
    assert found is not None
    assert (found.process, found.count, found.host, found.local_count) == (1, 4, "10.96.0.1", 2)
    six = detect({**OPEN_MPI, "OMPI_MCA_orte_hnp_uri": "7.0;tcp6://[fe80::b9b,2620:10d::3]:43370"})
    assert six is not None and six.host == "fe80::b9b"
    here = detect({**OPEN_MPI, "OMPI_COMM_WORLD_LOCAL_SIZE": "4", "OMPI_MCA_orte_hnp_uri": ""})
    assert here is not None and here.host == "127.0.0.1"


def test_open_mpi_5_on_several_machines_needs_a_coordinator() -> None:
    five = {name: value for name, value in OPEN_MPI.items() if name != "OMPI_MCA_orte_hnp_uri"}
    with pytest.raises(CompileError, match="--coordinator HOST:PORT") as error:
        detect(five)
    assert error.value.diagnostics[0].code == "NS584"


def test_kubernetes_names_the_first_pod_of_the_jobset() -> None:
    found = detect(JOBSET)
    assert found is not None
    assert (found.process, found.count, found.host) == (2, 4, "digits-worker-0-0.digits")
    given = detect({**JOBSET, "JAX_COORDINATOR_ADDRESS": "pod.svc:999"})
    assert given is not None and (given.host, given.ports) == ("pod.svc", (999,))
    # An indexed job whose pods train alone, each its own network, is none of several processes.
    assert detect({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "2"}) is None


def test_cloud_tpu_counts_the_workers_of_all_slices() -> None:
    found = detect(TPU)
    assert found is not None
    assert (found.process, found.count, found.host, found.ports) == (3, 4, "first.svc", (8482,))
    assert detect({"TPU_WORKER_ID": "0", "TPU_WORKER_HOSTNAMES": "localhost"}) is None


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        (SLURM, "SLURM_PROCID"),
        (SLURM, "SLURM_JOB_ID"),
        (OPEN_MPI, "OMPI_COMM_WORLD_RANK"),
        (JOBSET, "JOB_COMPLETION_INDEX"),
        (JOBSET, "JAX_NUM_PROCESSES"),
        (TPU, "TPU_WORKER_ID"),
    ],
)
def test_a_variable_that_is_not_a_number(variables: dict[str, str], name: str) -> None:
    with pytest.raises(CompileError) as error:
        detect({**variables, name: "many"})
    assert error.value.diagnostics[0].code == "NS584"
    assert f"{name} is 'many'" in error.value.diagnostics[0].message


def test_alone_without_variables() -> None:
    assert detect({}) is None
    assert with_options(None, None, None, None) is None


def test_options_come_before_the_environment() -> None:
    found = with_options(detect(SLURM), "10.0.0.7:4321", None, None)
    assert found is not None
    assert (found.process, found.count, found.coordinator) == (4, 5, "10.0.0.7:4321")
    alone = with_options(None, "[::1]:99", 0, 2)
    assert alone is not None and (alone.host, alone.ports) == ("::1", (99,))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("h:1", None, 2), "--process-id I must be given"),
        (("h:1", None, None), "--process-id I and --process-count N"),
        ((None, 0, 2), "--coordinator HOST:PORT must be given"),
        (("h", 0, 2), "not HOST:PORT"),
        (("h:99999", 0, 2), "not HOST:PORT"),
        (("h:1", 2, 2), "have the numbers 0 to 1, and this one is process 2"),
    ],
)
def test_incomplete_options(options: tuple[str | None, int | None, int | None], said: str) -> None:
    with pytest.raises(CompileError) as error:
        with_options(None, *options)
    assert error.value.diagnostics[0].code == "NS584" and said in error.value.diagnostics[0].message
