"""The metrics of runs with several seeds, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netspec.cli.output import plural, print_json, table_lines
from netspec.cli.render.progress import metric_text

if TYPE_CHECKING:
    from netspec.runs.seed_runs import SeedsResult
    from netspec.spec.experiment import Result


def print_seeds(result: Result | SeedsResult, as_json: bool) -> None:
    """Print the metrics of runs with several seeds, or how to resume them; nothing for a single run."""
    from netspec.runs.seed_runs import SeedsResult

    if not isinstance(result, SeedsResult):
        return
    if result.signal is not None:
        if not as_json:
            click.echo(f"resume all seeds with: netspec train --resume {result.run}")
    elif as_json:
        print_json(result.as_json())
    else:
        click.echo("\n" + seeds_text(result))


def seeds_text(result: SeedsResult) -> str:
    """A row for each metric: mean, standard deviation, smallest and largest value, and the value of each seed."""
    rows = [["metric", "mean", "std", "min", "max", *(f"seed {seed}" for seed in result.metrics)]]
    for name, spread in result.spreads.items():
        values = (spread.mean, spread.std, spread.min, spread.max, *spread.values)
        rows.append([name, *(metric_text(name, value) for value in values)])
    count, total = len(result.metrics), plural(len(result.seeds), "seed")
    done = total if count == len(result.seeds) else f"{count} of {total}"
    return "\n".join([f"{done}:", "", *table_lines(rows), "", f"one run per seed is in {result.run}"])
