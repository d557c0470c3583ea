"""`netspec launch`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from netspec.cli.files import write_text
from netspec.cli.options import SpecOptions, json_option, spec_options
from netspec.cli.output import print_json, print_problems
from netspec.language.diagnostics import fail
from netspec.language.files.paths import exists
from netspec.spec.compilation import Compilation
from netspec.storage.run_files import path_of_new_run
from netspec.training.distributed.launch.job import Job, parse_memory, parse_time
from netspec.training.distributed.mesh import mesh_of
from netspec.training.errors.distributed import OtherDevices

JOIN_TIMEOUT = "300"
"""Seconds that processes wait for each other: nodes load Python from a shared disk, and pods their image."""


class Parsed(click.ParamType[Any]):
    """A value that a function parses, whose ValueError is the message."""

    def __init__(self, name: str, parse: Any) -> None:
        self.name, self.parse = name, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self.parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("file")
@click.option("--slurm", "to", flag_value="slurm", help="Write an sbatch script for a Slurm cluster.")
@click.option("--kubernetes", "to", flag_value="kubernetes", help="Write a JobSet for a Kubernetes cluster.")
@click.option("--ray", "to", flag_value="ray", help="Train on a Ray cluster that runs; needs the extra `ray`.")
@click.option("-N", "--nodes", type=click.IntRange(1, 100_000), default=1, show_default=True, help="Machines.")
@click.option("--gpus", "--gpus-per-node", type=click.IntRange(0, 1000), default=0, help="GPUs of each machine.")
@click.option("--cpus", type=click.IntRange(1, 10_000), help="CPU cores of each machine.")
@click.option("--mem", type=Parsed("memory", parse_memory), help="Memory of each machine, such as 32G.")
@click.option("--time", type=Parsed("time", parse_time), help="The time limit: 2:00:00, 1-12:00:00, 90m.")
@click.option("--partition", metavar="NAME", help="Slurm: the partition to submit to.")
@click.option("--account", metavar="NAME", help="Slurm: the account that is charged.")
@click.option("--image", metavar="IMAGE", help="Kubernetes: a container image that has netspec.")
@click.option("--claim", metavar="NAME", help="Kubernetes: a persistent volume claim with the folder of the spec.")
@click.option("--namespace", metavar="NAME", help="Kubernetes: the namespace of the JobSet.")
@click.option("--address", metavar="HOST:PORT", help="Ray: the address of the cluster.")
@click.option(
    "-o", "output", metavar="SCRIPT", help="The file to write; by default net.sbatch or net.yaml for net.net."
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option("--submit", is_flag=True, help="Submit what is written, with sbatch or kubectl.")
@click.option("--run-folder", metavar="RUN", help="The run folder; an existing run is resumed. By default a new one.")
@click.option("--save-every", type=click.FloatRange(0), metavar="SECONDS", help="The time between two checkpoints.")
@click.option("--devices", type=click.IntRange(1), help="Same as -D train.devices=…, passed on to `train`.")
@click.option("--mesh", help="Same as -D train.mesh=…, passed on to `train`.")
@spec_options
@json_option
@click.pass_context
def command(ctx: click.Context, /, file: str, to: str | None, given: SpecOptions, as_json: bool, **options: Any) -> int:
    """Train the network of a spec FILE on a cluster: write a batch script, or start it on Ray.

    A job that is preempted, reaches its time limit or loses a node starts again by itself and resumes its run.
    Settings (`-D`, `--data`, `--devices`, `--mesh`) are those of `netspec train`.

    \b
    Example:
        netspec launch net.net --slurm -N 2 --gpus 4 --time 2:00:00
        netspec launch net.net --slurm -N 2 --gpus 4 --mesh "data(2) -> fsdp(4)" -o big.sbatch --submit
        netspec launch net.net --kubernetes -N 2 --gpus 8 --image registry/netspec --claim work
        netspec launch net.net --ray -N 2
    """
    if to is None:
        raise click.UsageError("say where to launch: --slurm, --kubernetes or --ray")
    _check_options(to, options)
    spec = given.with_settings(devices=options["devices"], mesh=options["mesh"]).compilation(file)
    modules = ctx.parent.params["modules"] if ctx.parent is not None else ()
    script = Path(options["output"] or f"{Path(file).stem}.{'sbatch' if to == 'slurm' else 'yaml'}")
    run = _run_folder(options["run_folder"], f"{script.stem}-{to}")
    job = Job(
        name=spec.name,
        folder=str(Path.cwd()),
        command=(),
        run=str(run),
        spec=file,
        nodes=options["nodes"],
        gpus=options["gpus"],
        cpus=options["cpus"],
        memory=options["mem"],
        time=options["time"],
    )
    checked = _with_devices(spec, job)
    checked.check()
    print_problems(checked.problems.warnings)
    # Without GPUs the devices of a node are what its processes find.
    arguments = _train_command(file, run, checked if job.gpus else spec, given, modules)
    if job.nodes > 1:
        arguments = (*arguments, "--join-timeout", JOIN_TIMEOUT)
    if options["save_every"] is not None:
        arguments = (*arguments, "--save-every", f"{options['save_every']:g}")
    return _launch(to, job.replace(command=arguments), script, options, as_json)


def _check_options(to: str, options: dict[str, Any]) -> None:
    """Raises click.UsageError for options of another scheduler, and for those that one needs."""
    only = {
        "partition": "slurm",
        "account": "slurm",
        "image": "kubernetes",
        "claim": "kubernetes",
        "namespace": "kubernetes",
        "address": "ray",
    }
    for name, place in only.items():
        if options[name] is not None and place != to:
            raise click.UsageError(f"--{name} is an option of --{place}, not of --{to}")
    if to == "kubernetes" and (options["image"] is None or options["claim"] is None):
        raise click.UsageError(
            "--kubernetes needs --image IMAGE, with netspec in it, and --claim NAME, a persistent volume claim that "
            "holds the current folder\nfor example: --image registry/netspec --claim work"
        )
    if to == "ray":
        given = [f"--{name}" for name in ("force", "submit", "output", "time", "mem") if options[name]]
        if given:
            raise click.UsageError(f"{given[0]} is for scripts; --ray starts the training at once")


def _run_folder(given: str | None, name: str) -> Path:
    """The run folder that is given, or `runs/<name>`, with a number where that exists: a new run each time."""
    if given is not None:
        return path_of_new_run(given)
    run, number = Path("runs") / name, 1
    while exists(run):
        number += 1
        run = Path("runs") / f"{name}-{number}"
    return run


def _with_devices(spec: Compilation, job: Job) -> Compilation:
    """The spec with all devices of the job, unless it sets them itself, so that their number is checked before the job
    waits in a queue.

    Raises:
        CompileError: it sets another number of devices than the job has (NS587).
    """
    mesh = mesh_of(spec.train.devices, spec.train.mesh)
    if mesh is None:
        given = {**spec.overrides, "train.devices": str(job.devices)} if job.devices > 1 else spec.overrides
        return Compilation(spec.source, overrides=given, input=spec.input)
    if mesh.size != job.devices and (job.gpus or mesh.size % job.nodes):
        raise fail(OtherDevices(mesh=str(mesh), size=mesh.size, resources=job.resources, found=job.devices))
    return spec


def _train_command(
    file: str, run: Path, spec: Compilation, given: SpecOptions, modules: tuple[str, ...]
) -> tuple[str, ...]:
    """The arguments of netspec that train this spec in this run folder."""
    words = [word for module in modules for word in ("--import", module)]
    words += ["train", file, "--run-folder", str(run)]
    for name, value in spec.overrides.items():
        option = {"data.source": "--data", "train.devices": "--devices", "train.mesh": "--mesh"}.get(name)
        words += [option, value] if option is not None else ["-D", f"{name}={value}"]
    return (*words, *(["--input", given.input] if given.input is not None else []))


def _launch(to: str, job: Job, script: Path, options: dict[str, Any], as_json: bool) -> int:
    """Write the script and submit it, or train on Ray; the exit status."""
    if to == "ray":
        from netspec.training.distributed.launch.ray import train_on_ray

        return train_on_ray(job, options["address"], _print_line)
    if exists(script) and not options["force"]:
        raise click.ClickException(f"{script} already exists\n--force overwrites it, `-o` names another file")
    write_text(script, _script(to, job, script, options))
    job_id = None
    if options["submit"]:
        from netspec.training.distributed.launch import kubernetes, slurm

        job_id = slurm.submit_script(script) if to == "slurm" else kubernetes.submit_manifest(script)
    if as_json:
        print_json({"script": str(script), "run": job.run, "nodes": job.nodes, "devices": job.devices, "job": job_id})
        return 0
    click.echo(f"wrote {script}: {job.resources}")
    submit = f"sbatch {script}" if to == "slurm" else f"kubectl apply -f {script}"
    click.echo(f"`{submit}` submits it" if job_id is None else f"submitted: {job_id}")
    click.echo(f"the run will be in {job.run}; submitted again, the job resumes it")
    return 0


def _script(to: str, job: Job, script: Path, options: dict[str, Any]) -> str:
    """The text of the file to write.

    Raises:
        click.UsageError: a value cannot be written in it.
    """
    from netspec.training.distributed.launch.kubernetes import kubernetes_manifest
    from netspec.training.distributed.launch.slurm import slurm_script

    try:
        if to == "slurm":
            return slurm_script(job, str(script), partition=options["partition"], account=options["account"])
        for path in (job.spec, job.run):
            if os.path.isabs(path) or ".." in Path(path).parts:  # noqa: PTH117  # as it is written
                raise ValueError(f"{path} is not in the current folder, which the claim holds\ngive a relative path")
        claim = {name: options[name] for name in ("image", "claim", "namespace")}
        return kubernetes_manifest(job, str(script), **claim)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _print_line(process: int, line: str) -> None:
    """Process 0 prints the progress of all; lines of others are errors, and have its number."""
    click.echo(line if process == 0 else f"[{process}] {line}")
