"""A real Slurm on this machine: munged, slurmctld and two slurmd, in a folder of their own and on free ports.

Debian: `apt-get install slurm-wlm munge`. The nodes are called 127.0.0.1 and 127.0.0.2, which resolve everywhere.
"""

from __future__ import annotations

import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
NODES = ("127.0.0.1", "127.0.0.2")
PATH = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
CONFIG = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
KillWait=10
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
"""`cred_expire` is also how long a requeued job waits: by default two minutes, at least five seconds. Without cgroups,
which need the rights of a host."""


@dataclass(frozen=True)
class SlurmCluster:
    """A cluster that runs; commands find it through `SLURM_CONF`."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
        return {**own, "PATH": PATH, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def run(self, *command: str) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def state(self, job: str) -> str:
        """`PENDING`, `RUNNING`, `COMPLETED`, …"""
        return self.run("squeue", "-h", "-t", "all", "-j", job, "-o", "%T").strip()

    def restarts(self, job: str) -> int:
        shown = self.run("scontrol", "show", "job", job)
        return int(shown.split("Restarts=")[1].split()[0])

    def processes(self, job: str, number: int) -> list[int]:
        """The processes of netspec that the task with this number runs."""
        wanted = {f"SLURM_JOB_ID={job}", f"SLURM_PROCID={number}", f"SLURM_CONF={self.folder / 'slurm.conf'}"}
        return [
            process
            for process, command in _processes(wanted)
            if "netspec" in command and "srun" not in command and "SLURM_STEP_ID" in _environment(process)
        ]

    def wait_for(self, job: str, *states: str, seconds: float = 240) -> str:
        self.until(lambda: self.state(job) in states, f"job {job} is {'/'.join(states)}", seconds)
        return self.state(job)

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 240) -> None:
        end = time.monotonic() + seconds
        while not condition():
            logs = [f"{log.name}: {log.read_text()[-1500:]}" for log in self.folder.glob("*.out")]
            assert time.monotonic() < end, f"not within {seconds} s: {what}\n" + "\n".join(logs)
            time.sleep(0.1)


def _environment(process: int) -> str:
    try:
        return Path(f"/proc/{process}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _processes(wanted: set[str]) -> Iterator[tuple[int, str]]:
    """The processes whose environment has these variables, with their command lines."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and wanted <= set(_environment(int(path.name)).split("\0")):
            try:
                command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            yield int(path.name), command


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]


def _end_with_parent() -> None:
    """A daemon ends with the test process, however that ends: PR_SET_PDEATHSIG of Linux."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@contextmanager
def slurm_cluster(cpus: int = 1) -> Iterator[SlurmCluster]:
    """Start a cluster of two nodes; nothing of it is left at the end."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # a socket has a short path
    cluster, daemons = SlurmCluster(folder), []
    try:
        _write_config(folder, cpus)
        names = ("munge.sock", "munged.pid", "munged.log", "munged.seed")
        socket_, pid, log, seed = (str(folder / name) for name in names)
        munged = ["munged", "-F", "--force", f"--socket={socket_}", f"--key-file={folder / 'munge.key'}"]
        daemons.append(
            _start(cluster, "munged", [*munged, f"--pid-file={pid}", f"--log-file={log}", f"--seed-file={seed}"])
        )
        cluster.until(lambda: Path(socket_).exists(), "munged listens", 20)
        daemons.append(_start(cluster, "slurmctld", ["slurmctld", "-D"]))
        daemons += [_start(cluster, f"slurmd-{name}", ["slurmd", "-D", "-N", name]) for name in NODES]
        cluster.until(lambda: _idle(cluster) == len(NODES), "both nodes are idle", 60)
        yield cluster
    finally:
        _stop(cluster, daemons)
        shutil.rmtree(folder, ignore_errors=True)


def _write_config(folder: Path, cpus: int) -> None:
    key = folder / "munge.key"
    key.write_bytes(os.urandom(64))
    key.chmod(0o400)
    ports = _free_ports(1 + len(NODES))
    nodes = "\n".join(
        f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs={cpus} State=UNKNOWN"
        for name, port in zip(NODES, ports[1:], strict=True)
    )
    text = CONFIG.format(port=ports[0], user=getpass.getuser(), folder=folder, nodes=nodes)
    (folder / "slurm.conf").write_text(text)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


def _start(cluster: SlurmCluster, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    with (cluster.folder / f"{name}.out").open("wb") as output:
        return subprocess.Popen(
            command, env=cluster.environment, stdout=output, stderr=output, preexec_fn=_end_with_parent
        )


def _idle(cluster: SlurmCluster) -> int:
    done = subprocess.run(
        ["sinfo", "-h", "-N", "-t", "idle"], env=cluster.environment, capture_output=True, check=False
    )
    return len(done.stdout.splitlines())


def _stop(cluster: SlurmCluster, daemons: list[subprocess.Popen[bytes]]) -> None:
    """End the daemons, and the jobs that they have started: these are not their children any more."""
    for daemon in reversed(daemons):
        daemon.terminate()
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    for _ in range(50):
        left = [process for process, _ in _processes({f"SLURM_CONF={cluster.folder / 'slurm.conf'}"})]
        for process in left:
            os.kill(process, signal.SIGKILL)
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(f"still running: {left}")
