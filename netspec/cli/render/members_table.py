"""How several runs of a command ended: those of several seeds, of a cross-validation, or of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netspec.cli.output import is_json, print_json
from netspec.display.text import line_width
from netspec.language.text import wrap

if TYPE_CHECKING:
    from netspec.runs.repeated.folds import FoldsResult
    from netspec.runs.repeated.seed_runs import SeedsResult
    from netspec.runs.repeated.sweep_runs import SweepResult, SweepRun
    from netspec.spec.experiment import Result


def print_members(result: Result | SeedsResult | FoldsResult | SweepResult, as_json: bool) -> None:
    """Print the metrics of several runs, or how to resume them; nothing for a single run."""
    from netspec.runs.repeated.folds import FoldsResult
    from netspec.runs.repeated.members_table import members_text
    from netspec.runs.repeated.seed_runs import SeedsResult
    from netspec.runs.repeated.sweep_runs import SweepResult

    if not isinstance(result, SeedsResult | FoldsResult | SweepResult):
        return
    if as_json and (result.signal is None or isinstance(result, SweepResult)):
        print_json(result.as_json())
    elif result.signal is not None:
        if not as_json:
            nouns = {SeedsResult: "seeds", FoldsResult: "folds", SweepResult: "runs"}
            click.echo(f"resume all {nouns[type(result)]} with: netspec train --resume {result.run}")
    else:
        click.echo(f"\n{members_text(result)}")


def print_sweep_run(one: SweepRun, count: int) -> None:
    """Print the values of a run of a sweep before it is trained."""
    if is_json():
        print_json({"event": "run", "number": one.number, "of": count, "run": str(one.path), "values": one.values})
        return
    values = ", ".join(f"{name} {value}" for name, value in one.values.items())
    click.echo("\n".join(["", *wrap(f"run {one.number} of {count}: {values}", line_width(), "  ")]))


def is_without_result(result: Result | SeedsResult | FoldsResult | SweepResult) -> bool:
    """Whether every run of a sweep has failed."""
    from netspec.runs.repeated.sweep_runs import SweepResult

    return isinstance(result, SweepResult) and all(one.state == "failed" for one in result.runs)
