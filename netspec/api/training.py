"""Train a model, and resume a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from netspec.language.source import Source
from netspec.runs.arguments import (
    check_callbacks,
    check_choice,
    check_one_data,
    check_optional,
    check_params,
    check_type,
    kind_of,
    overrides_of,
    read_spec,
    run_folder,
)
from netspec.spec.compilation import Compilation
from netspec.training.distributed.mesh import devices_of

if TYPE_CHECKING:
    from netspec.display.python import Expect
    from netspec.runs.model import Model, Result
    from netspec.runs.repeated.folds import FoldsResult
    from netspec.runs.repeated.seed_runs import SeedsResult
    from netspec.runs.repeated.sweep_runs import SweepResult
    from netspec.spec.experiment import Result as CompiledResult
    from netspec.training.loop.callback import Callback

    AnyMembers = TypeVar("AnyMembers", SeedsResult, FoldsResult, SweepResult)


def train(
    model: Model | str | Path,
    data: Any = None,
    *others: Any,
    resume: str | Path | None = None,
    runs: str | Path = "runs",
    callbacks: Sequence[Callback] = (),
    params: Mapping[str, Any] | None = None,
    verbose: int = 1,
    expect: Expect = "warn",
    **settings: Any,
) -> Result:
    """Train a model. Afterwards it holds the trained weights, as `result.model` does.

    Progress and warnings are shown: a live display in a notebook, a live line on a terminal, a line for each epoch in a
    log. Warnings, and expectations (`expect { }`) that the run does not meet, are also in `result.problems`.

    Args:
        model: a model, or a spec to compile.
        data: `(x, y)` or `(x, y, x_test, y_test)` of arrays, examples first, channels last; or dicts of arrays by the
            names of inputs and outputs. Or an iterable of batches `(x, y)` that is read anew in each epoch (a PyTorch
            `DataLoader`, a Grain or Hugging Face data set, a function that returns an iterator, perhaps given the
            number of the epoch from 0), or one for each split: `(loader, val_loader)`, or a dict with `train`, `val`
            and `test`. None: the source that the spec names.
        resume: a run folder to resume, as `netspec.resume` does; `model` must be what the run was started with, and
            only `epochs`, `devices` and `mesh` may differ.
        runs: the folder in which the run folder is created.
        callbacks: called during training (see `netspec.Callback`).
        params: values for the `param` statements of the spec (`{"width": 64}`).
        verbose: 0: show nothing; 1: progress, of many epochs a selection; 2: a line for every epoch.
        expect: what happens if the run does not meet an expectation of the spec: "warn" (a Python warning), "raise" (a
            `CompileError` after the run is complete) or "ignore".
        settings: settings of the section `train`, such as `epochs=3` or `optimizer="sgd(0.1, momentum = 0.9)"`.

    Raises:
        CompileError: the spec, the data or a setting is wrong, or the loss became NaN or infinite.
        TypeError: an argument has a wrong type, or the spec sets several seeds (see `netspec.train_seeds`) or
            folds (see `netspec.cross_validate`).
    """
    check_one_data("netspec.train(…, ", others)
    from netspec.display.python import show_warnings, showing
    from netspec.runs.resume import resume_run
    from netspec.spec.experiment import load_init, prepare, train_prepared
    from netspec.spec.model import Model as Compiled

    spec, overrides = spec_of(model), training_arguments(runs, callbacks, params, verbose, expect, settings)
    if resume is not None:
        with showing(verbose, callbacks) as callback:
            result = resume_run(run_folder(resume, "resume"), callback, overrides, spec=spec, data=data)
    else:
        experiment = prepare(spec, data, overrides)
        if experiment.compilation.train.seeds > 1:
            raise TypeError("`netspec.train` trains one seed: set `seeds = 1`, or call `netspec.train_seeds`")
        if experiment.compilation.data.is_cross_validation:
            raise TypeError("`netspec.train` trains one run: leave `folds` out, or call `netspec.cross_validate`")
        experiment = load_init(experiment)
        show_warnings(verbose, experiment.compilation.problems.warnings, experiment.warnings)
        with showing(verbose, callbacks) as callback:
            result = train_prepared(experiment, Path(runs), callback)
    if isinstance(model, Compiled) and result.model.source == model.source:  # `width=64` makes another network
        model.adopt(result.model.module, result.model.preprocessing)
    return _finished(result, expect)


def train_seeds(
    model: Model | str | Path,
    data: Any = None,
    *others: Any,
    runs: str | Path = "runs",
    callbacks: Sequence[Callback] = (),
    params: Mapping[str, Any] | None = None,
    verbose: int = 1,
    expect: Expect = "warn",
    **settings: Any,
) -> SeedsResult:
    """Train a model once for each of `seeds` seeds, counted up from `seed`; the data are read once and the network is
    compiled once. Arguments and errors are those of `netspec.train`.

    Each run is the same as with its seed alone, and is loaded by `netspec.load(result.run / "seed-0")`; a `Model` that
    is given keeps its weights. The records of `callbacks` have the `seed`.

    Returns:
        The metrics of each seed, and their mean and spread.
    """
    check_one_data("netspec.train_seeds(…, ", others)
    from netspec.display.python import show_warnings, showing
    from netspec.runs.repeated import seed_runs
    from netspec.spec.experiment import load_init, prepare

    spec, overrides = spec_of(model), training_arguments(runs, callbacks, params, verbose, expect, settings)
    experiment = load_init(prepare(spec, data, overrides))
    show_warnings(verbose, experiment.compilation.problems.warnings, experiment.warnings)
    with showing(verbose, callbacks) as callback:
        return members_finished(seed_runs.train_seeds(experiment, Path(runs), callback), verbose, expect)


def spec_of(model: object) -> Compilation | Source:
    """The spec of a model, or that of a file or a text; raises TypeError for anything else."""
    from netspec.spec.model import Model as Compiled

    if not isinstance(model, Compiled | str | Path):
        wanted = "a spec is a file (str or Path) or a text (str)"
        raise TypeError(f"`model` is a Model or a spec; {wanted}, not {kind_of(model)}")
    return model.compilation if isinstance(model, Compiled) else read_spec(model)


def training_arguments(
    runs: object,
    callbacks: object,
    params: Mapping[str, Any] | None,
    verbose: object,
    expect: object,
    settings: Mapping[str, Any],
) -> dict[str, str]:
    """The overrides of a training; raises TypeError or ValueError for arguments that are not what they should be."""
    check_type("runs", runs, (str, Path), "a folder (str or Path)")
    check_shown(verbose, callbacks, expect)
    check_params(params)
    return overrides_of(params, settings)


def check_shown(verbose: object, callbacks: object, expect: object = "warn") -> None:
    """Raises TypeError or ValueError for arguments about what is shown that are not what they should be."""
    check_callbacks(callbacks)
    check_choice("verbose", int(verbose) if isinstance(verbose, bool) else verbose, (0, 1, 2))
    check_choice("expect", expect, ("warn", "raise", "ignore"))


def _finished(result: CompiledResult, expect: Expect = "warn") -> Result:
    """The result of a training for users; expectations that are not met are reported."""
    from netspec.display.python import report_unmet
    from netspec.runs.model import Result

    report_unmet(result.problems, expect, result.run)
    return Result.of(result)


def members_finished(result: AnyMembers, verbose: int, expect: Expect) -> AnyMembers:
    """The result of several runs for users: its table is shown, and expectations that are not met are reported, as by
    the caller's caller."""
    from netspec.display.python import report_unmet
    from netspec.runs.repeated.members_table import members_text

    if verbose and result.signal is None:
        click.echo(f"\n{members_text(result)}")
    report_unmet(result.problems, expect, result.run)
    return result


def resume(
    run: str | Path,
    data: Any = None,
    *others: Any,
    epochs: int | None = None,
    devices: int | None = None,
    mesh: str | None = None,
    callbacks: Sequence[Callback] = (),
    verbose: int = 1,
    expect: Expect = "warn",
) -> Result:
    """Resume a run: continue from its last checkpoint, to the same weights bit for bit as without the interruption.

    Args:
        run: the run folder.
        data: the arrays that the run was started with, for a run on arrays; None: the source that its spec names.
        epochs: the total number of epochs; None: as the run was started. More than that trains it for longer.
        devices: the number of devices to continue on, and
        mesh: what they split, such as `"data(4) -> fsdp(2)"`; None: as the run was started. On others the results are
            the same up to rounding.
        callbacks: called during training (see `netspec.Callback`).
        verbose: what is shown, as for `netspec.train`.
        expect: what happens if an expectation is not met, as for `netspec.train`.

    Raises:
        CompileError: there is no such run, it is damaged or is being trained, or the data have changed.
        TypeError: an argument has a wrong type, or the folder holds several runs.
    """
    check_one_data("netspec.resume(…, ", others)
    from netspec.display.python import showing
    from netspec.runs.resume import resume_run
    from netspec.storage.run_files import repeated_by

    if (noun := repeated_by(run_folder(run))) is not None:
        call, what = ("resume_seeds", "runs with several seeds")
        if noun == "fold":
            call, what = ("resume_cross_validation", "a cross-validation")
        if noun == "run":
            call, what = ("sweep(resume=…)", "the runs of a sweep")
        raise TypeError(f"{run} holds {what}: call `netspec.{call}`")
    check_optional("epochs", epochs, int, "an integer")
    check_shown(verbose, callbacks, expect)
    check_optional("devices", devices, int, "an integer")
    check_optional("mesh", mesh, str, 'a mesh (str), such as "data(4)"')
    given = {"train.epochs": epochs, "train.devices": devices or devices_of(mesh), "train.mesh": mesh}
    overrides = {key: str(value) for key, value in given.items() if value is not None}
    with showing(verbose, callbacks) as callback:
        return _finished(resume_run(run_folder(run), callback, overrides, data=data), expect)


def resume_seeds(
    run: str | Path,
    data: Any = None,
    *others: Any,
    callbacks: Sequence[Callback] = (),
    verbose: int = 1,
    expect: Expect = "warn",
) -> SeedsResult:
    """Complete the runs of `netspec.train_seeds` in the folder `run`: an interrupted run is resumed, missing ones are
    started. Arguments and errors are those of `netspec.resume`.
    """
    check_one_data("netspec.resume_seeds(…, ", others)
    from netspec.display.python import showing
    from netspec.runs.repeated import seed_runs

    check_shown(verbose, callbacks, expect)
    with showing(verbose, callbacks) as callback:
        return members_finished(seed_runs.resume_seeds(run_folder(run), callback, data), verbose, expect)
