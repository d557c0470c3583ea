"""`netspec tune`"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.options import SpecOptions, device_option, json_option, spec_options
from netspec.cli.output import print_json, print_once
from netspec.cli.render.json_progress import JsonReporter
from netspec.cli.streams import continue_unread
from netspec.compiler.ir.cost import step_bytes
from netspec.display.metric_text import by_split, metric_parts
from netspec.display.text import duration_text, line_width, wrapped
from netspec.language.kinds import MAX_SEED
from netspec.search.settings import PRUNERS, SAMPLERS
from netspec.storage.run_files import is_run, path_of_new_run, path_of_run
from netspec.training.loop.callback import Callback, Record

if TYPE_CHECKING:
    from netspec.search.best.result import SearchResult
    from netspec.search.folder import Search
    from netspec.spec.compilation import Compilation

TIME_HELP = "Same as -D tune.time=…: no trial goes on after this time: 90s, 10m, 2h."
UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


@click.command()
@click.argument("file", required=False)
@click.option("--trials", type=click.IntRange(1, 100_000), help="Same as -D tune.trials=…: the number of trials.")
@click.option("--time", "time", metavar="TIME", help=TIME_HELP)
@click.option("--sampler", type=click.Choice(SAMPLERS), help="Same as -D tune.sampler=…: how values are chosen.")
@click.option("--pruner", type=click.Choice(PRUNERS), help="Same as -D tune.pruner=…: how trials end early.")
@click.option("--seed", type=click.IntRange(0, MAX_SEED), help="Same as -D tune.seed=…: the seed of the sampler.")
@click.option(
    "--seeds", type=click.IntRange(0, 10_000), help="Same as -D tune.seeds=…: runs of the best spec; 0: none."
)
@click.option("--workers", type=click.IntRange(1, 1000), default=1, show_default=True, help="Processes that do trials.")
@click.option("--resume", metavar="RUN", help="Continue a search, or take part in one.")
@click.option(
    "--run-folder",
    metavar="RUN",
    help="Search in this folder: it is started, continued, or taken part in, as by the tasks of a job array.",
)
@click.option("--runs", default="runs", show_default=True, metavar="FOLDER", help="The folder for run folders.")
@click.option("--worker", "is_worker", is_flag=True, hidden=True, help="Do trials, and nothing after them.")
@device_option
@spec_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    file: str | None,
    trials: int | None,
    time: str | None,
    sampler: str | None,
    pruner: str | None,
    seed: int | None,
    seeds: int | None,
    workers: int,
    resume: str | None,
    run_folder: str | None,
    runs: str,
    is_worker: bool,
    given: SpecOptions,
    as_json: bool,
) -> int:
    """Search for the best values of the ranges in the section `tune` of a spec FILE.

    Every trial is kept in a new folder as soon as it ends. Ctrl-C, a kill or a power failure lose the trials under way,
    which `--resume RUN` does again; with `--trials N` it does more. At the end the best spec is written as `best.net`
    and trained with several seeds, and `report.html` shows what matters.

    \b
    Example:
        netspec tune net.net
        netspec tune net.net --trials 100 --time 30m --workers 2
        netspec tune --resume runs/net-tune-1
    """
    if (file is None) == (resume is None):
        raise click.UsageError("give a spec FILE, or --resume RUN")
    if run_folder is not None and file is None:
        raise click.UsageError("--run-folder RUN needs a spec FILE, and continues the search without --resume")
    options = {"trials": trials, "time": time_source(time), "sampler": sampler, "pruner": pruner, "seed": seed}
    given = given.with_settings("tune", **options, seeds=seeds)
    continue_unread()
    if file is None:
        search = _open(path_of_run(resume or "", Path(runs)), given.overrides, None)
    else:
        folder = path_of_new_run(run_folder, Path(runs)) if run_folder is not None else None
        search = _begin(given.compilation(file), given, Path(runs), folder)
    return _run(search, workers, is_worker, context, as_json)


def time_source(text: str | None) -> str | None:
    """A time as it is written in a spec; what is not one is left as it is, for the message about it."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh])(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?)?\s*", text)
    return f"{found[1]} {UNITS[found[2]]}" if found is not None else text


def _open(folder: Path, overrides: Mapping[str, str], spec: Compilation | None) -> Search:
    from netspec.search.folder import open_search

    return open_search(folder, overrides, spec=spec)


def _begin(spec: Compilation, given: SpecOptions, runs: Path, folder: Path | None) -> Search:
    """A new search; in a folder that exists, or that another process has just made, the search in it."""
    from netspec.search.folder import begin_search

    tune = {name: text for name, text in given.overrides.items() if name in ("tune.trials", "tune.time", "tune.seeds")}
    if folder is not None and is_run(folder):
        return _open(folder, tune, spec)
    spec.check()
    print_once(spec.problems.warnings)
    try:
        search = begin_search(spec, runs, folder=folder)
    except Exception:
        if folder is not None and is_run(folder):
            return _open(folder, tune, spec)
        raise
    print_once(search.warnings, except_=spec.problems.warnings)
    return search


def _run(search: Search, workers: int, is_worker: bool, context: click.Context, as_json: bool) -> int:
    from netspec.search.search import finish, work
    from netspec.search.workers import work_together
    from netspec.training.feed.device import keep_freed_memory
    from netspec.training.loop.signals import status_of

    keep_freed_memory(step_bytes(search.experiment.compilation.network, search.experiment.recipe.batch))
    _print_start(search, as_json)
    tell = _printer(as_json)
    signal = None
    if workers > 1:
        modules = (context.parent.params.get("modules") if context.parent is not None else None) or ()
        signal = work_together(search, workers, modules, tell)
    signal = signal or work(search, tell)
    if is_worker:
        return 0
    result = finish(search, JsonReporter() if as_json else _SeedLines(), signal)
    _print_result(search, result, as_json)
    return status_of(result.signal) if result.signal is not None else 0


def _print_start(search: Search, as_json: bool) -> None:
    plan = search.plan
    names = [goal.name for goal in plan.goals]
    if as_json:
        record = {"event": "search", "run": str(search.folder), "sampler": plan.sampler, "pruner": plan.pruner}
        print_json({**record, "goals": names, "trials": plan.trials, "done": search.record.done})
        return
    how = f"{plan.sampler}{f', pruner {plan.pruner}' if plan.pruner else ''}"
    click.echo(f"{plan.trials} trials for {' and '.join(names)}, sampler {how}")
    click.echo(f"run: {search.folder}")


class _SeedLines(Callback):
    """Prints a line for each seed of the best trial."""

    def __init__(self) -> None:
        self.seed: object = None

    def start(self, record: Record) -> None:
        if self.seed is None:
            click.echo("training the best trial with several seeds")
        self.seed = record["seed"]

    def done(self, record: Record) -> None:
        metrics = {name: record["metrics"][name] for name in by_split(record["metrics"])}
        shown = [part for part in metric_parts(metrics) if part.startswith(("test_", "val_"))]
        parts = [f"seed {self.seed}", *shown, duration_text(record["seconds"])]
        click.echo("\n".join(wrapped(parts, line_width())))


def _printer(as_json: bool) -> Any:
    def tell(record: Mapping[str, Any]) -> None:
        if as_json:
            print_json({name: value for name, value in record.items() if name != "line"} | {"line": record["line"]})
        else:
            click.echo(record["line"])

    return tell


def _print_result(search: Search, result: SearchResult, as_json: bool) -> None:
    if as_json:
        print_json(result.as_json())
        return
    click.echo(f"\n{result}")
    if result.signal is not None or result.spec is None:
        is_waiting = result.signal is None and len([t for t in result.trials if t.is_over]) >= search.plan.trials
        others = "other processes do the last trials; " if is_waiting else ""
        click.echo(f"\n{others}continue with: netspec tune --resume {result.run}")
        return
    if result.seeds is not None:
        from netspec.runs.repeated.members_table import seeds_text

        click.echo(f"\nthe best trial, trained with {seeds_text(result.seeds)}")
    click.echo(f"\nthe best spec is {result.spec}")
    click.echo(f"the search is shown in {result.run / 'report.html'}")
