"""How the runs with several seeds of a command ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netspec.cli.output import print_json

if TYPE_CHECKING:
    from netspec.runs.repeated.seed_runs import SeedsResult
    from netspec.spec.experiment import Result


def print_seeds(result: Result | SeedsResult, as_json: bool) -> None:
    """Print the metrics of runs with several seeds, or how to resume them; nothing for a single run."""
    from netspec.runs.repeated.seed_runs import SeedsResult
    from netspec.runs.repeated.seeds_table import seeds_text

    if not isinstance(result, SeedsResult):
        return
    if result.signal is not None:
        if not as_json:
            click.echo(f"resume all seeds with: netspec train --resume {result.run}")
    elif as_json:
        print_json(result.as_json())
    else:
        click.echo("\n" + seeds_text(result))
