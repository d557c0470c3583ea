"""The metrics of several runs, such as those of several seeds, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netspec.display.metric_text import metric_parts, metric_text
from netspec.display.text import plural, table_lines
from netspec.runs.repeated.folds import FoldsResult, fold_metrics
from netspec.runs.repeated.seed_runs import SeedsResult, Spread
from netspec.runs.repeated.sweep_runs import SweepResult


def members_rows(noun: str, numbers: Iterable[object], spreads: Mapping[str, Spread]) -> list[list[str]]:
    """The headings, and a row for each metric: mean, standard deviation, smallest and largest value, and the value of
    each run, which `noun` tells apart."""
    rows = [["metric", "mean", "std", "min", "max", *(f"{noun} {number}" for number in numbers)]]
    for name, spread in spreads.items():
        values = (spread.mean, spread.std, spread.min, spread.max, *spread.values)
        rows.append([name, *(metric_text(name, value) for value in values)])
    return rows


def members_text(result: SeedsResult | FoldsResult | SweepResult) -> str:
    """The table of several runs for a terminal."""
    if isinstance(result, SweepResult):
        return str(result)
    return seeds_text(result) if isinstance(result, SeedsResult) else folds_text(result)


def seeds_text(result: SeedsResult) -> str:
    """The table of several seeds for a terminal."""
    count, total = len(result.metrics), plural(len(result.seeds), "seed")
    done = total if count == len(result.seeds) else f"{count} of {total}"
    rows = members_rows("seed", result.metrics, result.spreads)
    return "\n".join([f"{done}:", "", *table_lines(rows), "", f"one run per seed is in {result.run}"])


def folds_text(result: FoldsResult) -> str:
    """The table of a cross-validation for a terminal."""
    spreads = {name: result.spreads[name] for name in fold_metrics(result)}
    rows = members_rows("fold", result.metrics, spreads)
    lines = [f"{result.division}; test metrics are those of the held-out fold:", "", *table_lines(rows), ""]
    if result.ensemble is not None:
        shown = "  ".join(metric_parts(result.ensemble))
        lines.append(f"mean of all networks on the test split, which is in no fold: {shown}")
    if result.out_of_fold is not None:
        lines.append(f"a prediction for each example by the network not trained on it: {result.run}/out_of_fold.csv")
    lines.append(f"one run per fold is in {result.run}; `netspec predict {result.run} …` averages their predictions")
    return "\n".join(lines)
