"""The metrics of a run in a report."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.analysis.pages.read_run import ReadRun
from netspec.analysis.pages.summary import spread_text
from netspec.display.metric_text import SPLITS, best_value, metric_text, words_of
from netspec.display.page.elements import Cell, paragraph, table_html
from netspec.display.page.section import Section
from netspec.display.text import number_text


def results_section(run: ReadRun) -> Section:
    """All metrics of the best weights, with a column for each split."""
    body = metrics_html(run) or paragraph("There are no metrics yet.")
    return Section("results", "Results", body + _baselines_html(run) + _expectations_html(run))


def metrics_html(run: ReadRun) -> str:
    """The metrics as a table; nothing before the first epoch."""
    metrics = run.metrics
    splits = {"train": "", "val": "val_", "test": "test_"}
    names = list(dict.fromkeys(name.removeprefix("val_").removeprefix("test_") for name in metrics))
    shown = {split: sign for split, sign in splits.items() if any(f"{sign}{name}" in metrics for name in names)}
    rows = [[words_of(name), *(spread_text(run.info, f"{sign}{name}") for sign in shown.values())] for name in names]
    heads = [f"{SPLITS[split]} ({run.counts[split]:,})" if split in run.counts else SPLITS[split] for split in shown]
    epoch = f"epoch {run.info.best_epoch}" if run.info.best_epoch is not None else "the last epoch"
    whose = f"the weights of {epoch}"
    if run.info.members:
        whose = f"the best weights of each {run.info.noun} (mean ± standard deviation)"
    caption = f"Metrics of {whose} by split, with its number of examples"
    notes = [*_scale_notes(run)]
    if "train" in shown:
        notes.insert(0, "Metrics of training are means over the steps of that epoch, while the weights change.")
    note = paragraph(" ".join(notes), "muted") if notes else ""
    return table_html(caption, ["metric", *heads], rows) + note if rows else ""


def _scale_notes(run: ReadRun) -> Iterator[str]:
    """Which losses are not in the units of the targets."""
    for name, output in run.train.get("outputs", {}).items():
        std = (output.get("target_scale") or {}).get("std", [])
        if any(one != 1 for one in std):
            of = f" of {name}" if len(run.train["outputs"]) > 1 else ""
            size = f" ({number_text(std[0], digits=4)})" if len(std) == 1 else ""
            yield f"The loss{of} is that of normalized targets, in units of their standard deviation{size}."


def _baselines_html(run: ReadRun) -> str:
    """The metrics of the network beside those of what needs no network."""
    baselines = run.baselines
    names = [name for name in run.metrics if any(known.get(name) is not None for known in baselines.values())]
    rows: list[list[str | Cell]] = []
    for name in names:
        values = [run.metrics[name], *(known.get(name) for known in baselines.values())]
        best = best_value(name, [value for value in values if value is not None])
        cells = [Cell(_text(name, value), is_best=value is not None and value == best) for value in values]
        rows.append([words_of(name), *cells])
    caption = "Compared with baselines, which need no network; ★: the better value"
    return table_html(caption, ["metric", "network", *baselines], rows) if rows else ""


def _text(name: str, value: float | None) -> str:
    return metric_text(name, value) if value is not None else ""


def _expectations_html(run: ReadRun) -> str:
    """Whether a finished run meets what its spec expects."""
    rows: list[list[str | Cell]] = [
        [one.text, _text(one.name, one.value), "met" if one.is_met else Cell(html='<span class="unmet">not met</span>')]
        for one in run.expectations
    ]
    return table_html("What the spec expects", ["expectation", "value", "result"], rows, is_code=True) if rows else ""
