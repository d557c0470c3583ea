"""`netspec runs`"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click

from netspec.cli.options import json_option
from netspec.cli.output import print_json
from netspec.cli.usage import RUNS_NAMES
from netspec.language.corrections import squeeze, suggest
from netspec.language.files.paths import is_folder
from netspec.language.kinds import MAX_COUNT
from netspec.runs.catalog import RunInfo, find_run, list_runs, look_at, sort_runs
from netspec.runs.remove import choose_runs, remove_run
from netspec.storage.run_files import is_run


def folder_option(command: click.decorators.FC) -> click.decorators.FC:
    """`--runs`, as in `netspec train`."""
    return click.option(
        "--runs", "folder", default="runs", show_default=True, metavar="FOLDER", help="The folder of the run folders."
    )(command)


class _Commands(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in self.commands or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if is_run(Path(name)):
            raise click.UsageError(f"`{name}` is a run, not a command\n`netspec eval {name}` evaluates it", ctx)
        if is_folder(Path(name)):
            raise click.UsageError(f"`{name}` is a folder, not a command\nwrite `netspec runs --runs {name}`", ctx)
        hint = suggest(name, self.commands, what="commands", aliases=RUNS_NAMES)
        if squeeze(name) in ("list", "ls", "show"):
            hint = "`netspec runs` lists them"
        raise click.UsageError(f"unknown command `{name}`\n{hint}", ctx)


yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")


@click.group(cls=_Commands, invoke_without_command=True)
@folder_option
@click.option(
    "--sort", metavar="METRIC", help="Sort by a metric, best first, or name, started, epochs, seconds, parameters."
)
@click.option("--spec", metavar="NAME", help="Only runs of this spec.")
@click.option("--all", "every", is_flag=True, help="Show every metric, not only the most important ones.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, folder: str, sort: str | None, spec: str | None, every: bool, as_json: bool
) -> int | None:
    """List the runs of a folder with their progress and metrics; the best value of each metric is marked.

    A run is `finished`, `running` (a process is training it), `interrupted` (`netspec train --resume` resumes it,
    with the same result) or `broken` (it cannot be read, or failed).

    \b
    Example:
        netspec runs
        netspec runs --sort val_accuracy
        netspec runs compare digits-1 digits-2
        netspec runs rm digits-1
        netspec runs prune --unfinished --older-than 7d
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = folder
        return None
    runs = [run for run in list_runs(Path(folder)) if spec in (None, run.spec)]
    if sort is not None and runs:
        runs = sort_runs(runs, sort)
    if as_json:
        print_json({"runs": [run.as_json() for run in runs]})
        return 0
    if not runs:
        of = f" of {spec}" if spec is not None else ""
        click.echo(f"no runs{of} in {folder}; `netspec train FILE` creates one")
        return 0
    from netspec.cli.render.runs_comparison import settings_columns
    from netspec.cli.render.runs_table import print_runs

    print_runs(runs, settings_columns(runs), every=every, sort=sort)
    return 0


@command.command("compare")
@click.argument("names", nargs=-1, required=True, metavar="RUN RUN …")
@folder_option
@json_option
def compare_command(names: tuple[str, ...], folder: str, as_json: bool) -> int:
    """Compare runs side by side: metrics, and the settings that differ.

    \b
    Example:
        netspec runs compare digits-1 digits-2 digits-5
    """
    from netspec.cli.render.runs_comparison import differing_options, differing_settings, print_comparison

    if len(names) < 2:
        raise click.UsageError("give at least two runs")
    runs = [look_at(find_run(name, _folder(folder))) for name in names]
    options = differing_options(runs)
    if as_json:
        settings = differing_settings(runs)
        print_json({"runs": [run.as_json() for run in runs], "settings": settings, "options": options})
    else:
        print_comparison(runs, options)
    return 0


@command.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="RUN …")
@folder_option
@yes_option
def rm_command(names: tuple[str, ...], folder: str, yes: bool) -> int:
    """Remove runs with their weights and checkpoints, after confirmation. Other folders are never removed.

    \b
    Example:
        netspec runs rm digits-1 digits-2
        netspec runs rm runs/digits-3 --yes
    """
    runs = [look_at(path) for path in dict.fromkeys(find_run(name, _folder(folder)) for name in names)]
    return _remove(runs, yes)


@command.command("prune")
@folder_option
@click.option("--unfinished", is_flag=True, help="Remove only runs that are interrupted or broken.")
@click.option("--older-than", metavar="AGE", help="Remove only runs started longer ago than this: 12h, 7d, 4w.")
@click.option("--keep-best", type=click.IntRange(1, MAX_COUNT), metavar="N", help="Keep the N best runs of each spec.")
@click.option("--by", metavar="METRIC", help="The metric that ranks the runs (default: one on the validation split).")
@yes_option
@click.option("--dry-run", is_flag=True, help="Show what would be removed without removing it.")
def prune_command(
    folder: str, unfinished: bool, older_than: str | None, keep_best: int | None, by: str | None, yes: bool,
    dry_run: bool,
) -> int:  # fmt: skip
    """Remove the runs that meet all the given conditions, after confirmation. Runs in progress are never removed.

    \b
    Example:
        netspec runs prune --unfinished
        netspec runs prune --keep-best 3 --by val_accuracy
        netspec runs prune --older-than 30d --keep-best 1 --dry-run
    """
    if not (unfinished or older_than or keep_best):
        raise click.UsageError("give at least one of --unfinished, --older-than AGE and --keep-best N")
    if by is not None and keep_best is None:
        raise click.UsageError("--by ranks the runs for --keep-best N; give both")
    runs = list_runs(_folder(folder))
    age = parse_age(older_than) if older_than is not None else None
    chosen = choose_runs(runs, unfinished=unfinished, older_than=age, keep_best=keep_best, by=by)
    if not chosen:
        click.echo(f"nothing to remove: none of the {len(runs)} runs in {_folder(folder)} meets the conditions")
        return 0
    return _remove(chosen, yes, dry_run=dry_run)


def _folder(given: str) -> Path:
    """The folder of a command inside the group: its own option, or that of the group."""
    context = click.get_current_context()
    own = context.get_parameter_source("folder") != click.core.ParameterSource.DEFAULT
    return Path(given if own or not isinstance(context.obj, str) else context.obj)


def parse_age(text: str) -> timedelta:
    """`12h`, `7d`, `4w`

    Raises:
        click.UsageError: it is not an age.
    """
    match = re.fullmatch(r"(\d{1,6})\s*(h|d|w)", text.strip())
    if match is None:
        raise click.UsageError(
            f"--older-than takes a number of hours, days or weeks, such as 12h, 7d or 4w, not `{text}`"
        )
    return timedelta(hours=int(match[1]) * {"h": 1, "d": 24, "w": 168}[match[2]])


def _remove(runs: Sequence[RunInfo], yes: bool, *, dry_run: bool = False) -> int:
    """Show, ask, remove."""
    from netspec.cli.render.runs_table import print_runs, size_text

    print_runs(runs, with_size=True)
    sizes = {run.path: run.size for run in runs}
    what = f"{'1 run' if len(runs) == 1 else f'{len(runs)} runs'}, {size_text(sum(sizes.values()))}"
    if dry_run:
        click.echo(f"would remove {what}")
        return 0
    if not yes and not click.confirm(f"remove {what}, with weights and checkpoints?"):
        click.echo("nothing removed")
        return 1
    for run in runs:
        remove_run(run.path)
    click.echo(f"removed {what}")
    return 0
