"""Search for the best hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.compiler.names.given import ParamsText
from netspec.language.source import Source
from netspec.runs.arguments import (
    check_choice,
    check_one_data,
    check_optional,
    check_params,
    check_type,
    overrides_of,
    read_spec,
    run_folder,
    source_of,
)
from netspec.search.settings import PRUNERS, SAMPLERS

if TYPE_CHECKING:
    from netspec.search.best.result import SearchResult


def tune(
    spec: str | Path | None = None,
    data: Any = None,
    *others: Any,
    resume: str | Path | None = None,
    trials: int | None = None,
    time: str | None = None,
    goal: str | list[str] | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    seed: int | None = None,
    seeds: int | None = None,
    runs: str | Path = "runs",
    params: Mapping[str, Any] | None = None,
    verbose: int = 1,
    **settings: Any,
) -> SearchResult:
    """Search for the best values of the ranges in the section `tune` of a spec, and train the best of them with several
    seeds. Each trial is kept in a new folder as soon as it ends.

    Args:
        spec: a file or a text with a section `tune`.
        data: arrays, as for `netspec.train`; None: the source that the spec names.
        resume: the folder of a search, to continue it: instead of `spec`, with more `trials` if they are given.
        trials: the number of trials.
        time: when to stop before the last trial, such as `"10 minutes"`.
        goal: a metric on the validation split, `"params"` or `"macs"`; or a list of them, for a Pareto front.
        sampler: "random", "grid", "tpe", "gp", "cmaes" or "nsga2"; all but the first two are Optuna's.
        pruner: "halving", "median" or "hyperband": trials that will not be good end early.
        seed: of the sampler.
        seeds: with how many seeds the best trial is trained at the end; 0: not at all.
        runs: the folder in which that of the search is created.
        params: values for `param` statements without a range.
        verbose: 0: show nothing; 1: a line for each trial, and the result.
        settings: settings of the section `train` without a range, such as `epochs=3`.

    Raises:
        CompileError: the spec, its section `tune`, the data or a setting is wrong (NS590 to NS597), or every trial has
            failed (NS598).
        TypeError: an argument has a wrong type.
    """
    check_one_data("netspec.tune(…, ", others)
    check_type("runs", runs, (str, Path), "a folder (str or Path)")
    check_choice("verbose", int(verbose) if isinstance(verbose, bool) else verbose, (0, 1))
    check_params(params)
    for name, given, choices in (("sampler", sampler, SAMPLERS), ("pruner", pruner, PRUNERS)):
        if given is not None:
            check_choice(name, given, choices)
    if (spec is None) == (resume is None):
        raise TypeError("give a spec, or the folder of a search as `resume`")
    check_optional("time", time, str, 'a duration as it is written in a spec (a str such as "10 minutes")')
    named = {"trials": trials, "time": time, "goal": goal, "sampler": sampler, "pruner": pruner, "seed": seed}
    overrides = {**overrides_of(params, settings), **_of_section({**named, "seeds": seeds})}
    from netspec.search.folder import begin_search, open_search
    from netspec.search.search import finish, work

    if resume is not None:
        search = open_search(run_folder(resume, "resume"), overrides, data)
    else:
        search = begin_search(_compilation(spec, overrides, data), Path(runs), data)
    signal = work(search, lambda record: click.echo(record["line"]) if verbose else None)
    result = finish(search, signal=signal)
    if verbose:
        click.echo(f"\n{result}")
    return result


def _of_section(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings of `tune` by their full names, as they are written in a spec; names in a list are bare words."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        if value is not None:
            is_list = isinstance(value, list | tuple)
            text = f"[{', '.join(map(str, value))}]" if is_list else source_of(f"tune.{name}", value)
            found[f"tune.{name}"] = ParamsText(text)
    return found


def _compilation(spec: object, overrides: Mapping[str, str], data: Any) -> Any:
    from netspec.spec.experiment import as_dataset, with_overrides

    check_type("spec", spec, (str, Path), "a spec: a file (str or Path) or a text (str)")
    assert isinstance(spec, str | Path)
    source: Source = read_spec(spec)
    return with_overrides(source, overrides, as_dataset(data, source))
