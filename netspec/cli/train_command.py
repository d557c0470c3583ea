"""`netspec train`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netspec.cli.options import compilation, json_option, parse_defines, spec_options
from netspec.cli.output import print_problems
from netspec.cli.progress import LiveReporter, make_reporter

if TYPE_CHECKING:
    from netspec.train.reporting import Reporter
    from netspec.training import Result


def device_option(command: click.decorators.FC) -> click.decorators.FC:
    """`--device`, for the commands that compute."""
    return click.option(
        "--device",
        type=click.Choice(["cpu", "gpu", "tpu"]),
        help="Where to compute; the default is what JAX finds.",
    )(command)


def choose_device(device: str | None) -> None:
    """Let JAX use one kind of device only; before JAX is imported.

    Raises:
        click.UsageError: there is none of that kind.
    """
    if device is None:
        return
    os.environ["JAX_PLATFORMS"] = {"gpu": "cuda"}.get(device, device)
    from netspec.train.device import find_devices

    problem = find_devices()
    if problem is not None:
        raise click.UsageError(f"there is no {device} here ({problem}); leave --device out to use what JAX finds")


@click.command()
@click.argument("file", required=False)
@click.option("--resume", metavar="RUN", help="Go on with a run where it stopped.")
@click.option("--runs", default="runs", show_default=True, metavar="FOLDER", help="Where run folders are made.")
@click.option("--seed", type=click.IntRange(0), help="Short for -D train.seed=…")
@device_option
@spec_options
@json_option
def command(
    file: str | None,
    resume: str | None,
    runs: str,
    seed: int | None,
    device: str | None,
    defines: tuple[str, ...],
    input_shape: str | None,
    data: str | None,
    as_json: bool,
) -> int:
    """Train the network of a spec FILE on the data that it names.

    Everything goes into a new run folder. Ctrl-C saves and leaves; `--resume RUN` goes on, to the same weights bit for
    bit as if nothing had happened. The exit status is 1 when an expectation of the spec is not met, and 130 after
    Ctrl-C.

    \b
    Example:
        netspec train specs/digits.net
        netspec train net.net --data mnist -D train.epochs=3
        netspec train --resume runs/digits-1
    """
    if (file is None) == (resume is None):
        raise click.UsageError("give a spec FILE, or --resume RUN" + (", not both" if file else ""))
    choose_device(device)
    reporter = make_reporter(as_json)
    try:
        if resume is not None:
            result = _resume(resume, defines, data, reporter)
        else:
            assert file is not None
            result = _train(file, runs, seed, defines, input_shape, data, reporter)
    finally:
        if isinstance(reporter, LiveReporter):
            reporter.stop()
    if result.interrupted:
        return 130
    if not as_json:
        print_problems(problem for problem in result.problems if problem.is_error)
    return 1 if any(problem.is_error for problem in result.problems) else 0


def _train(
    file: str,
    runs: str,
    seed: int | None,
    defines: tuple[str, ...],
    input_shape: str | None,
    data: str | None,
    reporter: Reporter,
) -> Result:
    if seed is not None:
        defines = (*defines, f"train.seed={seed}")
    spec = compilation(file, defines, input_shape, data)
    spec.check()
    print_problems(spec.problems.warnings)
    from netspec.training import prepare, train_prepared

    prepared = prepare(spec)
    told = {(warning.code, warning.message) for warning in spec.problems.warnings}
    print_problems(w for w in prepared.warnings if (w.code, w.message) not in told)
    return train_prepared(prepared, Path(runs), reporter)


def _resume(path: str, defines: tuple[str, ...], data: str | None, reporter: Reporter) -> Result:
    from netspec.train.run import read_run
    from netspec.training import resume_run

    done = read_run(Path(path)).done
    if done is not None and not any(text.startswith("train.epochs=") for text in defines):
        epochs = done["epochs"]
        raise click.ClickException(f"{path} is finished, after {epochs} epochs; `-D train.epochs=N` goes on for longer")
    return resume_run(Path(path), reporter, parse_defines(defines, data))
