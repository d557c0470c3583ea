"""The metrics of runs with several seeds, as a table."""

from __future__ import annotations

from netspec.report.metric_text import metric_text
from netspec.report.text import plural, table_lines
from netspec.runs.seed_runs import SeedsResult


def seeds_text(result: SeedsResult) -> str:
    """A row for each metric: mean, standard deviation, smallest and largest value, and the value of each seed."""
    rows = [["metric", "mean", "std", "min", "max", *(f"seed {seed}" for seed in result.metrics)]]
    for name, spread in result.spreads.items():
        values = (spread.mean, spread.std, spread.min, spread.max, *spread.values)
        rows.append([name, *(metric_text(name, value) for value in values)])
    count, total = len(result.metrics), plural(len(result.seeds), "seed")
    done = total if count == len(result.seeds) else f"{count} of {total}"
    return "\n".join([f"{done}:", "", *table_lines(rows), "", f"one run per seed is in {result.run}"])
