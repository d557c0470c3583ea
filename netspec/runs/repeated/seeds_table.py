"""The metrics of runs with several seeds, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netspec.display.metric_text import metric_text
from netspec.display.text import plural, table_lines
from netspec.runs.repeated.seed_runs import SeedsResult, Spread


def seeds_rows(seeds: Iterable[object], spreads: Mapping[str, Spread]) -> list[list[str]]:
    """The headings, and a row for each metric: mean, standard deviation, smallest and largest value, and the value of
    each seed."""
    rows = [["metric", "mean", "std", "min", "max", *(f"seed {seed}" for seed in seeds)]]
    for name, spread in spreads.items():
        values = (spread.mean, spread.std, spread.min, spread.max, *spread.values)
        rows.append([name, *(metric_text(name, value) for value in values)])
    return rows


def seeds_text(result: SeedsResult) -> str:
    """The table for a terminal."""
    count, total = len(result.metrics), plural(len(result.seeds), "seed")
    done = total if count == len(result.seeds) else f"{count} of {total}"
    rows = seeds_rows(result.metrics, result.spreads)
    return "\n".join([f"{done}:", "", *table_lines(rows), "", f"one run per seed is in {result.run}"])
