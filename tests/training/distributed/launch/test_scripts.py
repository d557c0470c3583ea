"""The files that `netspec launch` writes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from netspec.cli.main import run
from netspec.training.distributed.environments import detect
from netspec.training.distributed.launch.job import Job, parse_memory, parse_time, slurm_time
from netspec.training.distributed.launch.slurm import activation

SPEC = """\
input 8x8x1
dense(8, relu) -> dense(classes, softmax)
data { source = digits }
train {
    epochs = 1
    batch  = 64
}
"""
SCHEMA = json.loads(Path(__file__).with_name("jobset.schema.json").read_text(encoding="utf-8"))
KUBERNETES = ("--kubernetes", "--image", "registry/netspec:1", "--claim", "work")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.net").write_text(SPEC)
    return tmp_path


def launched(*options: str, spec: str = "net.net") -> None:
    assert run(["launch", spec, *options]) == 0


def commands(script: str) -> list[list[str]]:
    """The commands of a script, as a shell splits them."""
    lines = Path(script).read_text(encoding="utf-8").splitlines()
    return [shlex.split(line) for line in lines if line and not line.startswith("#")]


def header(script: str) -> dict[str, str]:
    """The options of sbatch in a script."""
    found = {}
    for line in Path(script).read_text(encoding="utf-8").splitlines():
        if line.startswith("#SBATCH "):
            name, _, value = shlex.split(line, comments=False)[1].removeprefix("--").partition("=")
            found[name] = value
    return found


def test_a_script_for_two_nodes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resources = ["-N", "2", "--gpus", "4", "--cpus", "8", "--mem", "32GB", "--time", "2:00:00", "--partition", "gpu"]
    launched("--slurm", *resources, "--account", "course", "-D", "train.epochs=3", "--save-every", "60")
    assert header("net.sbatch") == {
        "job-name": "net",
        "chdir": str(folder),
        "output": "%x-%j.log",
        "open-mode": "append",
        "partition": "gpu",
        "account": "course",
        "nodes": "2",
        "ntasks-per-node": "1",
        "gpus-per-node": "4",
        "cpus-per-task": "8",
        "mem": "32G",
        "time": "2:00:00",
        "requeue": "",
        "signal": "USR1@120",
    }
    train = ["train", "net.net", "--run-folder", "runs/net-slurm", "-D", "train.epochs=3", "--devices", "8"]
    srun = next(command for command in commands("net.sbatch") if command[0] == "srun")
    assert srun[:3] == ["srun", "--cpus-per-task=8", "--wait=120"]
    assert srun[srun.index("train") :] == [*train, "--join-timeout", "300", "--save-every", "60"]
    assert capsys.readouterr().out.splitlines() == [
        "wrote net.sbatch: 2 nodes with 4 GPUs each",
        "`sbatch net.sbatch` submits it",
        "the run will be in runs/net-slurm; submitted again, the job resumes it",
    ]
    assert subprocess.run(["bash", "-n", "net.sbatch"], check=False).returncode == 0


def test_only_what_is_asked_for() -> None:
    launched("--slurm", "--time", "4m")
    assert not header("net.sbatch").keys() & {"gpus-per-node", "cpus-per-task", "mem", "partition", "account"}
    assert header("net.sbatch")["signal"] == "USR1@60"
    assert "--devices" not in Path("net.sbatch").read_text()


def test_names_that_shells_would_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my nets $HOME"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("a net;$(date).net").write_text(SPEC)
    launched("--slurm", "-D", "train.optimizer=adam(1e-3)", spec="a net;$(date).net")
    script = "a net;$(date).sbatch"
    assert header(script)["chdir"] == str(folder)
    srun = next(command for command in commands(script) if command[0] == "srun")
    run_folder = "runs/a net;$(date)-slurm"
    optimizer = ["-D", "train.optimizer=adam(1e-3)"]
    assert srun[srun.index("train") :] == ["train", "a net;$(date).net", "--run-folder", run_folder, *optimizer]


def test_data_shape_modules_and_mesh_are_passed_on(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "my_words.py").write_text("")
    monkeypatch.syspath_prepend(str(folder))
    options = ["--data", "mnist", "--input", "28x28x1", "--mesh", "data(2) -> fsdp(2)"]
    Path("bare.net").write_text("dense(8, relu) -> dense(classes, softmax)\ndata { normalize = standard }\n")
    assert run(["--import", "my_words", "launch", "bare.net", "--slurm", "-N", "2", "--gpus", "2", *options]) == 0
    srun = next(command for command in commands("bare.sbatch") if command[0] == "srun")
    words = srun[srun.index("--import") :]
    assert words[:4] == ["--import", "my_words", "train", "bare.net"]
    given = dict(zip(words[4::2], words[5::2], strict=True))
    assert given == {
        "--run-folder": "runs/bare-slurm",
        "--join-timeout": "300",
        "--mesh": "data(2) -> fsdp(2)",
        "--data": "mnist",
        "--input": "28x28x1",
    }


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.sbatch").write_text("mine")
    Path("runs/net-slurm").mkdir(parents=True)
    assert run(["launch", "net.net", "--slurm"]) == 1
    assert "net.sbatch already exists" in capsys.readouterr().err
    assert Path("net.sbatch").read_text() == "mine"
    launched("--slurm", "--force")
    assert "--run-folder runs/net-slurm-2" in Path("net.sbatch").read_text()
    launched("--slurm", "--run-folder", "net-slurm", "-o", "again.sbatch")
    assert "--run-folder runs/net-slurm\n" in Path("again.sbatch").read_text()


def test_the_job_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    launched("--slurm", "-N", "2", "--gpus", "4", "--json")
    record = {"script": "net.sbatch", "run": "runs/net-slurm", "nodes": 2, "devices": 8, "job": None}
    assert json.loads(capsys.readouterr().out) == record


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--slurm", "-N", "3", "--gpus", "4"], "NS577"),
        (["--slurm", "-N", "2", "--gpus", "4", "--mesh", "data(4)"], "NS587"),
        (["--slurm", "-N", "2", "--mesh", "data(3)", "-D", "train.batch=63"], "NS587"),
        (["--slurm", "-D", "train.batsh=3"], "did you mean `-D train.batch=3`?"),
        ([], "--slurm, --kubernetes or --ray"),
        (["--slurm", "--time", "soon"], "`soon` is not a time limit"),
        (["--slurm", "--mem", "32"], "write a number with a unit"),
        (["--slurm", "--image", "a"], "--image is an option of --kubernetes"),
        (["--slurm", "--partition", 'a"b'], "without quotes"),
        (["--kubernetes", "--image", "a"], "--claim"),
        (["--kubernetes", "--image", "a", "--claim", "No Name"], "`No Name` is not the name of a claim"),
        ([*KUBERNETES, "--run-folder", "/else/where"], "give a relative path"),
        (["--ray", "--submit"], "--ray starts the training at once"),
        (["--slurm", "-o", "missing/net.sbatch"], "make the folder `missing` first"),
    ],
)
def test_what_is_wrong(options: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["launch", "net.net", *options]) == 1
    assert expected in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in Path().iterdir()] == ["net.net"]


@pytest.mark.parametrize("options", [["--slurm"], [*KUBERNETES]], ids=["slurm", "kubernetes"])
def test_where_there_is_no_scheduler(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert run(["launch", "net.net", *options, "--submit"]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "NS586" in error and "is not installed on this machine" in error
    assert len(list(Path().glob("net.*"))) == 2


def manifest(*options: str) -> dict[str, Any]:
    launched(*KUBERNETES, *options, "--force")
    written: dict[str, Any] = yaml.safe_load(Path("net.yaml").read_text(encoding="utf-8"))
    return written


def test_a_job_set() -> None:
    resources = ["-N", "2", "--gpus", "4", "--cpus", "8", "--mem", "32G", "--time", "2h", "--namespace", "ml"]
    written = manifest(*resources, "-D", "train.epochs=3")
    jsonschema.validate(written, SCHEMA)
    assert written["metadata"] == {"name": "net", "namespace": "ml"}
    (worker,) = written["spec"]["replicatedJobs"]
    job = worker["template"]["spec"]
    assert (job["completions"], job["parallelism"], job["completionMode"]) == (2, 2, "Indexed")
    assert job["activeDeadlineSeconds"] == 7200
    (container,) = job["template"]["spec"]["containers"]
    train = ["netspec", "train", "net.net", "--run-folder", "runs/net-kubernetes", "-D", "train.epochs=3"]
    assert container["command"] == [*train, "--devices", "8", "--join-timeout", "300"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 4, "cpu": 8, "memory": "32Gi"}


def test_pods_find_each_other() -> None:
    """The variables of the manifest, and those that Kubernetes adds, say where process 0 is."""
    worker = manifest("-N", "2")["spec"]["replicatedJobs"][0]
    (container,) = worker["template"]["spec"]["template"]["spec"]["containers"]
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    added = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "1"}
    membership = detect({**variables, **added})
    assert membership is not None and (membership.process, membership.count) == (1, 2)
    assert membership.host == f"net-{worker['name']}-0-0.net"


@pytest.mark.parametrize("options", [[], ["-N", "16"], ["--cpus", "2"], ["--namespace", "null"], ["--time", "30"]])
def test_job_sets_follow_the_schema(options: list[str]) -> None:
    jsonschema.validate(manifest(*options), SCHEMA)


def test_words_stay_as_they_are() -> None:
    """Kubernetes replaces `$(NAME)` in commands; YAML reads `true`, `1e3` and colons in its own way."""
    Path("true.net").write_text(SPEC)
    command = ["launch", "true.net", *KUBERNETES, "--run-folder", "runs/é: $(HOME) 'a' \"b\""]
    assert run(command) == 0
    written = yaml.safe_load(Path("true.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(written, SCHEMA)
    assert written["metadata"]["name"] == "true"
    container = written["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]["containers"][0]
    assert container["command"][-1] == "runs/é: $$(HOME) 'a' \"b\""


def test_the_schema_refuses_other_keys() -> None:
    written = manifest()
    written["spec"]["replicatedJobs"][0]["template"]["spec"]["completion"] = 2
    with pytest.raises(jsonschema.ValidationError, match="completion"):
        jsonschema.validate(written, SCHEMA)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("2:00:00", 7200), ("30", 1800), ("1:30", 90), ("1-12", 129_600), ("1-12:30", 131_400), ("2-0:0:5", 172_805)],
        *[("90m", 5400), ("2h", 7200), ("3d", 259_200), ("45s", 45)],
    ],
)
def test_time_limits(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds
    assert parse_time(slurm_time(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "0", "0:00:00", "-1", "1:2:3:4", "2 hours", "1.5h", "inf"])
def test_not_a_time_limit(text: str) -> None:
    with pytest.raises(ValueError, match="not a time limit"):
        parse_time(text)


def test_amounts_of_memory() -> None:
    assert [parse_memory(text) for text in ("32G", "512m", "1 TiB", "16GB")] == ["32G", "512M", "1T", "16G"]


@pytest.mark.parametrize("name", ["net", "My_Net 2", "x" * 90, "ünï", "---", "9"])
def test_names_of_jobs_are_host_names(name: str) -> None:
    label = Job(name=name, folder="/", command=(), run="r", spec="s").label
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", label)


def test_environments_of_python(tmp_path: Path) -> None:
    assert activation({}, tmp_path) == []
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "activate").touch()
    assert activation({}, tmp_path) == [f"source {tmp_path}/bin/activate"]
    conda = {"CONDA_PREFIX": str(tmp_path), "CONDA_EXE": "/opt/conda/bin/conda"}
    assert activation(conda, tmp_path) == [
        "source /opt/conda/etc/profile.d/conda.sh",
        f"conda activate {tmp_path}",
    ]
