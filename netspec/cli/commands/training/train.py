"""`netspec train`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.commands.training.first_aid import FirstAidOptions, first_aid_options
from netspec.cli.commands.training.processes import ProcessOptions, process_options
from netspec.cli.examples import find_example
from netspec.cli.options import SpecOptions, json_option, spec_options
from netspec.cli.output import print_once, print_problems
from netspec.cli.render.json_progress import JsonReporter
from netspec.cli.render.members_table import is_without_result, print_members, print_sweep_run
from netspec.cli.streams import continue_unread
from netspec.compiler.ir.cost import step_bytes
from netspec.display.progress import LiveReporter, make_reporter
from netspec.language.diagnostics import CompileError
from netspec.language.kinds import MAX_SEED
from netspec.storage.run_files import path_of_new_run, path_of_run
from netspec.training.distributed.mesh import MAX_DEVICES, devices_of
from netspec.training.distributed.processes import peers
from netspec.training.loop.callback import Several

if TYPE_CHECKING:
    from netspec.runs.repeated.folds import FoldsResult
    from netspec.runs.repeated.seed_runs import SeedsResult
    from netspec.runs.repeated.sweep_runs import SweepResult
    from netspec.spec.compilation import Compilation
    from netspec.spec.experiment import Result

    AnyResult = Result | SeedsResult | FoldsResult | SweepResult


@click.command()
@click.argument("file", required=False)
@click.option("--example", metavar="NAME", help="Train a spec that comes with netspec; `netspec examples` lists them.")
@click.option("--resume", metavar="RUN", help="Resume a run from its last checkpoint; FILE, if given, must match it.")
@click.option(
    "--run-folder",
    metavar="RUN",
    help="Train in this run folder: it is started, resumed if it was interrupted, and left alone if it is complete.",
)
@click.option("--runs", default="runs", show_default=True, metavar="FOLDER", help="The folder for run folders.")
@click.option(
    "--save-every",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="The time between two checkpoints; 0: after every epoch.",
)
@click.option("--seed", type=click.IntRange(0, MAX_SEED), help="Same as -D train.seed=…")
@click.option("--seeds", type=click.IntRange(1, 10_000), help="Same as -D train.seeds=…: a run per seed; mean and std.")
@click.option(
    "--sweep",
    "sweeps",
    metavar="NAME=VALUES",
    multiple=True,
    help="A run for each value: rate=1e-4,1e-3; for each combination where given several times.",
)
@click.option("--folds", metavar="FOLDS", help="Same as -D data.folds=…: cross-validate, as in 5 or 'by_time(5)'.")
@click.option(
    "--devices", type=click.IntRange(1, MAX_DEVICES), help="Same as -D train.devices=…: the number of devices to use."
)
@click.option("--mesh", metavar="MESH", help='Same as -D train.mesh=…, such as "data(4) -> fsdp(2)".')
@click.option(
    "--lowering",
    type=click.Choice(["fast", "reference"]),
    help="Same as -D train.lowering=…; `reference` computes every layer as Flax does.",
)
@click.option(
    "--report/--no-report", "has_report", default=True, help="Write report.html, a page about it, into the run folder."
)
@first_aid_options
@process_options
@spec_options
@json_option
def command(
    file: str | None,
    example: str | None,
    resume: str | None,
    run_folder: str | None,
    runs: str,
    save_every: float,
    seed: int | None,
    seeds: int | None,
    sweeps: tuple[str, ...],
    folds: str | None,
    devices: int | None,
    mesh: str | None,
    lowering: str | None,
    has_report: bool,
    first_aid: FirstAidOptions,
    group: ProcessOptions,
    given: SpecOptions,
    as_json: bool,
) -> int:
    """Train the network of a spec FILE on its data.

    Everything is saved in a new run folder. Ctrl-C saves a checkpoint and exits. `--resume RUN` resumes an interrupted
    or crashed run and ends with the same weights, bit for bit, as if it had not been interrupted; with
    `-D train.epochs=N` it trains for longer. The exit status is 1 if an expectation of the spec is not met, 130 after
    Ctrl-C and 143 after SIGTERM.

    `--processes 2` trains in two processes on this machine. Under srun, mpirun, a JobSet of Kubernetes and on Cloud TPU
    the processes find each other; elsewhere each of them gets `--coordinator`, `--process-id` and `--process-count`.
    The exit status is 75 if another process was lost.

    \b
    Example:
        netspec train --example digits
        netspec train net.net --data mnist -D train.epochs=3
        netspec train --resume runs/digits-1
        netspec train net.net --run-folder runs/net
        netspec train specs/digits.net --seeds 5
        netspec train specs/digits.net --processes 2
        netspec train specs/digits.net --folds 5
        netspec train specs/digits.net --sweep rate=1e-4,1e-3,1e-2 --sweep batch=32,64
        netspec train specs/digits.net --devices 4
        netspec train specs/digits.net --overfit-batch
        netspec train specs/digits.net --dry-run
        netspec train specs/digits.net --profile
    """
    if example is not None:
        if file is not None or resume is not None:
            raise click.UsageError("--example NAME takes the place of FILE and --resume")
        file = str(find_example(example))
    if file is None and resume is None:
        raise click.UsageError("give a spec FILE, --example NAME, or --resume RUN")
    if run_folder is not None and (file is None or resume is not None):
        raise click.UsageError("--run-folder RUN needs a spec FILE, and resumes the run without --resume")
    if sweeps and file is None:
        raise click.UsageError("--sweep needs a spec FILE; --resume RUN continues a sweep with the values that it has")
    group.check()
    first_aid.check(group, resume=resume, run_folder=run_folder, sweep=sweeps)
    if group.starts:
        return group.start()
    devices = devices or devices_of(mesh)
    given = given.with_settings(seed=seed, seeds=seeds, devices=devices, mesh=mesh, lowering=lowering)
    given = given.with_settings("data", folds=folds)
    continue_unread()
    with group.joined() as reports:
        reporter = Several() if not reports else JsonReporter() if as_json else make_reporter()
        options = {"reporter": first_aid.following(reporter, as_json), "save_seconds": save_every}
        spec = given.compilation(file) if file is not None else None
        if first_aid.option and spec is not None:
            return first_aid.run(spec, as_json)
        result: AnyResult | None
        try:
            if resume is not None:
                result = _resume(path_of_run(resume, Path(runs)), spec, given.overrides, **options)
            else:
                assert spec is not None
                if run_folder is not None:
                    result = _train_in(path_of_new_run(run_folder, Path(runs)), spec, sweeps, **options)
                else:
                    result = _train(spec, Path(runs), sweeps, **options)
        finally:
            if isinstance(reporter, LiveReporter):
                reporter.stop()
        return 0 if result is None else _finish(result, has_report, as_json, reports)


def _finish(result: AnyResult, has_report: bool, as_json: bool, reports: bool) -> int:
    """Report a training, in one process of several; the exit status."""
    if reports:
        print_members(result, as_json)
    if result.signal is not None:
        from netspec.training.loop.signals import status_of

        return status_of(result.signal)
    if reports and has_report and _write_report(result.run) and not as_json:
        click.echo(f"a short report is in {result.run / 'report.html'}")
        click.echo(f"`netspec report {result.run}` writes the full one, with the data and what the predictions show")
    if reports and not as_json:
        print_problems(problem for problem in result.problems if problem.is_error)
    return 1 if any(problem.is_error for problem in result.problems) or is_without_result(result) else 0


def _write_report(run: Path) -> bool:
    """Write a page about a finished run, and whether that succeeded; the run is complete in any case."""
    try:
        from netspec.analysis.pages.report import write_short_reports

        write_short_reports(run)
    except Exception as error:  # noqa: BLE001  # also a bug in it: hours of training must not end in a traceback
        reason = error.diagnostics[0].message if isinstance(error, CompileError) else f"{type(error).__name__}: {error}"
        click.echo(f"warning: the report of {run} was not written: {reason}", err=True)
        return False
    return True


def _train(spec: Compilation, runs: Path, sweeps: Sequence[str] = (), **options: Any) -> AnyResult:
    spec.check()
    from netspec.spec.experiment import load_init, prepare, train_prepared

    reports = peers().process == 0
    print_problems(spec.problems.warnings if reports else ())
    _keep_memory(spec)
    if sweeps:
        return _sweep(spec, runs, sweeps, **options)
    prepared = load_init(prepare(_as_tuned(spec)))
    print_once(prepared.warnings if reports else (), except_=spec.problems.warnings)
    if prepared.compilation.data.is_cross_validation:
        from netspec.runs.repeated.folds import train_folds

        return train_folds(prepared, runs, **options)
    if prepared.compilation.train.seeds > 1:
        from netspec.runs.repeated.seed_runs import train_seeds

        return train_seeds(prepared, runs, **options)
    return train_prepared(prepared, runs, **options)


def _sweep(spec: Compilation, runs: Path, sweeps: Sequence[str], **options: Any) -> SweepResult:
    _check_one_process()
    from netspec.search.sweeps.axes import parse_sweeps
    from netspec.search.sweeps.sweep import train_sweep
    from netspec.spec.experiment import prepare

    values = parse_sweeps(sweeps)
    prepared = prepare(_as_tuned(spec))
    print_once(prepared.warnings, except_=spec.problems.warnings)
    result = train_sweep(prepared, values, runs, tell=print_sweep_run, **options)
    found = [problem for problem in result.problems if not problem.is_error]
    print_once(found, except_=[*spec.problems.warnings, *prepared.warnings])
    return result


def _check_one_process() -> None:
    if peers().count > 1:
        raise click.UsageError("a sweep trains in one process; start one for each combination instead, with -D")


def _train_in(folder: Path, spec: Compilation, sweeps: Sequence[str] = (), **options: Any) -> AnyResult | None:
    """Start the training in a run folder with a name, or resume it; None where it is complete."""
    if not peers().first(folder.exists()):
        return _train(spec, folder.parent, sweeps, name=folder.name, **options)
    if sweeps:
        from netspec.search.sweeps.axes import parse_sweeps
        from netspec.search.sweeps.sweep import check_same_sweep

        check_same_sweep(folder, spec, parse_sweeps(sweeps))
        return _resume_members(folder, **options)
    from netspec.runs.resume import is_complete, resume_run

    if is_complete(folder, spec):
        if peers().process == 0:
            click.echo(f"{folder} is complete: nothing to do", err=True)
        return None
    if (members := _resume_members(folder, **options)) is not None:
        return members
    _keep_memory(spec)
    return resume_run(folder, spec=spec, **options)


def _resume_members(run: Path, **options: Any) -> SeedsResult | FoldsResult | SweepResult | None:
    """Complete a folder of several runs; None for a usual run."""
    from netspec.runs.repeated.folds import resume_folds
    from netspec.runs.repeated.seed_runs import resume_seeds
    from netspec.storage.run_files import repeated_by

    noun = repeated_by(run)
    if noun == "run":
        from netspec.search.sweeps.sweep import resume_sweep

        _check_one_process()
        return resume_sweep(run, tell=print_sweep_run, **options)
    return None if noun is None else resume_seeds(run, **options) if noun == "seed" else resume_folds(run, **options)


def _keep_memory(spec: Compilation) -> None:
    from netspec.training.feed.device import keep_freed_memory

    keep_freed_memory(step_bytes(spec.network, spec.train.batch))


def _as_tuned(spec: Compilation) -> Compilation:
    """The spec with the lowering that `netspec tune-speed` found for it, unless it sets one itself."""
    if "lowering" in spec.setting_spans("train"):
        return spec
    from netspec.analysis.tune_lowering import recall, with_lowering

    lowering = peers().first(recall(spec))  # the same for all processes
    return spec if lowering is None else with_lowering(spec, tuple(lowering))


def _resume(run: Path, spec: Compilation | None, overrides: dict[str, str], **options: Any) -> AnyResult:
    from netspec.runs.resume import resume_run
    from netspec.spec.saved import read_compilation
    from netspec.storage.run_files import repeated_by
    from netspec.storage.run_folder import read_run
    from netspec.storage.weights import is_intact

    if (noun := repeated_by(run)) is not None and (spec is not None or overrides):
        what = {"seed": "runs with several seeds", "fold": "the runs of several folds", "run": "the runs of a sweep"}
        raise click.ClickException(f"{run} holds {what[noun]}, which are resumed without FILE or -D")
    if (members := _resume_members(run, **options)) is not None:
        return members
    done = read_run(run).done
    if done is not None and spec is None and not overrides and is_intact(run):  # otherwise the weights are written anew
        epochs = done["epochs"]
        raise click.ClickException(f"{run} is complete ({epochs} epochs); to train for longer, add `-D train.epochs=N`")
    _keep_memory(spec or read_compilation(run))
    return resume_run(run, overrides=overrides if spec is None else None, spec=spec, **options)
