"""How several runs of a command ended: those of several seeds, or of a cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netspec.cli.output import print_json

if TYPE_CHECKING:
    from netspec.runs.repeated.folds import FoldsResult
    from netspec.runs.repeated.seed_runs import SeedsResult
    from netspec.spec.experiment import Result


def print_members(result: Result | SeedsResult | FoldsResult, as_json: bool) -> None:
    """Print the metrics of several runs, or how to resume them; nothing for a single run."""
    from netspec.runs.repeated.folds import FoldsResult
    from netspec.runs.repeated.members_table import folds_text, seeds_text
    from netspec.runs.repeated.seed_runs import SeedsResult

    if not isinstance(result, SeedsResult | FoldsResult):
        return
    if result.signal is not None:
        if not as_json:
            noun = "seeds" if isinstance(result, SeedsResult) else "folds"
            click.echo(f"resume all {noun} with: netspec train --resume {result.run}")
    elif as_json:
        print_json(result.as_json())
    else:
        click.echo("\n" + (seeds_text(result) if isinstance(result, SeedsResult) else folds_text(result)))
