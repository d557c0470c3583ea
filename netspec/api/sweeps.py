"""Train every combination of given values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.api.training import check_shown, members_finished, spec_of, training_arguments
from netspec.runs.arguments import check_one_data, check_type, run_folder, source_of

if TYPE_CHECKING:
    from netspec.display.python import Expect
    from netspec.runs.model import Model
    from netspec.runs.repeated.sweep_runs import SweepResult, SweepRun
    from netspec.training.loop.callback import Callback


def sweep(
    model: Model | str | Path | None = None,
    data: Any = None,
    values: Mapping[str, Sequence[Any]] | None = None,
    *others: Any,
    resume: str | Path | None = None,
    runs: str | Path = "runs",
    callbacks: Sequence[Callback] = (),
    params: Mapping[str, Any] | None = None,
    verbose: int = 1,
    expect: Expect = "warn",
    **settings: Any,
) -> SweepResult:
    """Train a model once for each combination of values; the data are read once, and runs that differ in their learning
    rate or seed alone share compiled programs. Everything is checked before the first run. Other arguments, and errors,
    are those of `netspec.train`; a `Model` that is given keeps its weights.

    Args:
        model: a model, or a spec to compile.
        data: arrays, as for `netspec.train`; None: the source that the spec names.
        values: a list of values for each name: a `param` of the spec, a setting of `train` or `data`, an option of the
            optimizer, the schedule or the loss, or a full name such as `"train.optimizer.rate"`:
            `{"rate": [1e-4, 1e-3], "optimizer": ["adam", "sgd(momentum = 0.9)"]}`.
        resume: the folder of a sweep, to complete it: instead of `model` and `values`.

    Returns:
        `runs`, each a run folder with its `values` and `metrics`; `best`, the one with the best `metric`; and `table`,
        columns for `pandas.DataFrame(table)`. A run whose loss becomes NaN has the state "failed", and its reason.

    Raises:
        CompileError: a name or a value is wrong, a combination has an error, there are more than 1000 of them (NS599),
            or the data have changed since the sweep was begun (NS478).
        TypeError: an argument has a wrong type.
    """
    check_one_data("netspec.sweep(…, ", others)
    if (model is None) == (resume is None):
        raise TypeError("give a model or a spec, or the folder of a sweep as `resume`")
    from netspec.display.python import show_warnings, showing
    from netspec.search.sweeps.sweep import resume_sweep, train_sweep
    from netspec.spec.experiment import prepare

    tell = _tell if verbose else None
    if resume is not None:
        if values is not None or settings or params:
            raise TypeError("a sweep is resumed with its own values: give `resume` and `data` alone")
        check_shown(verbose, callbacks, expect)
        with showing(verbose, callbacks) as callback:
            result = resume_sweep(run_folder(resume, "resume"), callback, data, tell=tell)
        return members_finished(result, verbose, expect)
    texts = _texts(values)
    spec, overrides = spec_of(model), training_arguments(runs, callbacks, params, verbose, expect, settings)
    experiment = prepare(spec, data, overrides)
    show_warnings(verbose, experiment.compilation.problems.warnings, experiment.warnings)
    with showing(verbose, callbacks) as callback:
        result = train_sweep(experiment, texts, Path(runs), callback, tell=tell)
    return members_finished(result, verbose, expect)


def _texts(values: object) -> dict[str, tuple[str, ...]]:
    """Values as they are written in a spec; raises TypeError for others."""
    check_type("values", values, Mapping, 'a dict of lists, such as {"rate": [1e-4, 1e-3]}')
    assert isinstance(values, Mapping)
    texts: dict[str, tuple[str, ...]] = {}
    for name, given in values.items():
        check_type("a key of values", name, str, "a str")
        listed = given.tolist() if hasattr(given, "tolist") else given
        check_type(f'values["{name}"]', listed, (list, tuple, range), "a list of values")
        texts[name] = tuple(source_of(name, value) for value in listed)
    return texts


def _tell(one: SweepRun, count: int) -> None:
    click.echo(f"\nrun {one.number} of {count}: {', '.join(f'{name} {value}' for name, value in one.values.items())}")
