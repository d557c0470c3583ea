"""Cross-validation: a run for each fold of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.api.training import check_shown, members_finished, spec_of, training_arguments
from netspec.runs.arguments import check_one_data, check_optional, run_folder

if TYPE_CHECKING:
    from netspec.data.dataset.dataset import Dataset
    from netspec.display.python import Expect
    from netspec.runs.model import Model
    from netspec.runs.repeated.folds import FoldsResult
    from netspec.training.loop.callback import Callback


def cross_validate(
    model: Model | str | Path,
    data: Any = None,
    *others: Any,
    folds: int | str | None = None,
    groups: Any = None,
    runs: str | Path = "runs",
    callbacks: Sequence[Callback] = (),
    params: Mapping[str, Any] | None = None,
    verbose: int = 1,
    expect: Expect = "warn",
    **settings: Any,
) -> FoldsResult:
    """Train a model once for each fold of the data, on the examples of the others, and evaluate it on the fold. Other
    arguments, and errors, are those of `netspec.train`; a `Model` that is given keeps its weights.

    What is learned from data, such as the statistics of `normalize`, is learned from the training examples of each
    fold. A test split (`test` in the section `data`, `x_test` of arrays, that of a source) is in no fold; without one,
    every example is in a fold. `netspec.load(result.run)` is the ensemble of all networks.

    Args:
        folds: the number of folds, or how examples are divided as in a spec: `5`, `"stratified(5)"`, `"plain(5)"`,
            `"grouped(5, by = patient)"`, `"by_time(5)"`. None: as the spec says. A number stands for `stratified` where
            there is one target with classes, for `grouped` where there are `groups`, otherwise for `plain`.
        groups: the group of each example of arrays, all of which are in one fold: numbers or strings, of shape
            (examples,).

    Returns:
        `metrics` of each fold, whose names begin with `test_` for the examples that are held out, their `spreads`
        (mean, std and more), and `out_of_fold`: the prediction for each example by the network that was not trained on
        it, with its `folds` and `index`.

    Raises:
        CompileError: the spec, the data or a setting is wrong, the examples cannot be divided in this way (NS600,
        NS601),
            or the loss became NaN or infinite.
        TypeError: an argument has a wrong type, or neither `folds` nor the spec says how many folds there are.
        ValueError: `groups` has another length than the data.
    """
    check_one_data("netspec.cross_validate(…, ", others)
    check_optional("folds", folds, (int, str), 'a number of folds such as 5, or how they are divided: "by_time(5)"')
    from netspec.display.python import show_warnings, showing
    from netspec.runs.repeated import folds as fold_runs
    from netspec.spec.experiment import load_init, prepare

    spec, overrides = spec_of(model), training_arguments(runs, callbacks, params, verbose, expect, settings)
    if folds is not None:
        is_number = isinstance(folds, int) and groups is not None
        overrides = {**overrides, "data.folds": f"grouped({folds})" if is_number else str(folds)}
    experiment = load_init(prepare(spec, with_groups(data, groups), overrides))
    if not experiment.compilation.data.is_cross_validation:
        raise TypeError("`folds` is missing: the number of folds, such as `folds=5`")
    show_warnings(verbose, experiment.compilation.problems.warnings, experiment.warnings)
    with showing(verbose, callbacks) as callback:
        return members_finished(fold_runs.train_folds(experiment, Path(runs), callback), verbose, expect)


def resume_cross_validation(
    run: str | Path,
    data: Any = None,
    *others: Any,
    groups: Any = None,
    callbacks: Sequence[Callback] = (),
    verbose: int = 1,
    expect: Expect = "warn",
) -> FoldsResult:
    """Complete the folds of `netspec.cross_validate` in the folder `run`: an interrupted fold is resumed, missing ones
    are started. `groups` are those that it was started with; other arguments and errors are those of `netspec.resume`.
    """
    check_one_data("netspec.resume_cross_validation(…, ", others)
    from netspec.display.python import showing
    from netspec.runs.repeated import folds as fold_runs
    from netspec.runs.repeated.ensemble import is_folds_run

    check_shown(verbose, callbacks, expect)
    if not is_folds_run(run_folder(run)):
        raise TypeError(f"{run} is not a cross-validation: call `netspec.resume`")
    with showing(verbose, callbacks) as callback:
        found = fold_runs.resume_folds(run_folder(run), callback, with_groups(data, groups))
    return members_finished(found, verbose, expect)


def with_groups(data: Any, groups: Any) -> Dataset | Any:
    """Arrays with the group of each example, where these are given.

    Raises:
        CompileError: the arrays are not what they should be.
        TypeError: there are groups, but no arrays.
        ValueError: there are more or fewer groups than examples.
    """
    if groups is None:
        return data
    from netspec.spec.experiment import as_dataset

    dataset = as_dataset(data)
    if dataset is None:
        raise TypeError(
            "`groups` are those of arrays; a table has them in a column: `folds = grouped(5, by = patient)`"
        )
    values = groups.tolist() if hasattr(groups, "tolist") else list(groups)
    if len(values) != len(dataset.train) and not dataset.passes:
        raise ValueError(f"`groups` has {len(values)} values for {len(dataset.train)} examples")
    return replace(dataset, divided_by=values)
