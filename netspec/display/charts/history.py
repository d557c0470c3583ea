"""Which curves show how runs went: the loss and the main metrics over the epochs.

Input: the records of the epochs of one run, or of several. Output: an SVG, or its numbers as a table.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.display.charts.lines import Curve, Panel, panels_svg
from netspec.display.metric_text import plain_metrics, words_of
from netspec.display.text import plural
from netspec.language.corrections import suggest
from netspec.language.diagnostics import fail
from netspec.language.values import is_plain_number
from netspec.storage.errors import NoSuchMetric
from netspec.training.metrics import metric_of

MAX_METRICS = 3
"""Metrics that are shown beside the loss where none is named."""
PREFIX = "val_"


@dataclass(frozen=True)
class RunHistory:
    """The name of a run, a record for each of its epochs, the epoch of its best weights, and the folder of several
    seeds that it is in, if it is, which are drawn in one color."""

    name: str
    records: Sequence[Mapping[str, Any]]
    best_epoch: int | None = None
    group: str = ""

    def values(self, metric: str) -> list[float]:
        """A metric over the epochs; NaN where it is not known."""
        found = [record.get(metric, record.get("metrics", {}).get(metric)) for record in self.records]
        return [float(value) if is_plain_number(value) else math.nan for value in found]

    @property
    def metrics(self) -> list[str]:
        """The names of all metrics that are single numbers."""
        names = dict.fromkeys(name for record in self.records for name in record.get("metrics", {}))
        more = [name for name in ("rate",) if any(name in record for record in self.records)]
        return ["loss", *(name for name in names if any(map(math.isfinite, self.values(name)))), *more]


def history_svg(runs: Sequence[RunHistory], metrics: Sequence[str] = ()) -> str:
    """The curves of runs: of each metric a panel, in it a run on training examples dashed, on validation examples
    solid, and the epoch of its best weights marked.

    Args:
        runs: at least one.
        metrics: their names, without `val_` for both; none: the loss and the most important ones.

    Raises:
        CompileError: no run has such a metric (NS495).
    """
    panels, key = history_panels(runs, metrics)
    names = ", ".join(run.name for run in runs) if len(runs) <= 3 else f"{len(runs)} runs"
    return panels_svg(names, panels, key)


def history_csv(runs: Sequence[RunHistory], metrics: Sequence[str] = ()) -> str:
    """The numbers as a table in CSV: a row for each epoch, with the name of the run where there are several; empty
    where a metric is not known. `epoch` counts from 1.

    Args:
        runs: at least one.
        metrics: their names, without `val_` for both; none: all of them.

    Raises:
        CompileError: no run has such a metric (NS495).
    """
    known = list(dict.fromkeys(name for run in runs for name in run.metrics))
    named = shown_metrics(runs, metrics) if metrics else known
    columns = list(dict.fromkeys(own for name in named for own in (name, f"{PREFIX}{name}") if own in known))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    front = ["run"] if len(runs) > 1 else []
    table.writerow([*front, "epoch", *columns])
    for run in runs:
        values = [run.values(name) for name in columns]
        for number, record in enumerate(run.records):
            cells = ["" if math.isnan(column[number]) else repr(column[number]) for column in values]
            table.writerow([*[run.name for _ in front], record.get("epoch", number + 1), *cells])
    return text.getvalue()


def history_panels(runs: Sequence[RunHistory], metrics: Sequence[str] = ()) -> tuple[list[Panel], list[Curve]]:
    """The panels of `history_svg`, and the curves that its key explains; arguments and errors are the same."""
    panels = [_panel(name, runs) for name in shown_metrics(runs, metrics)]
    return panels, _key(runs, panels)


def shown_metrics(runs: Sequence[RunHistory], metrics: Sequence[str] = ()) -> list[str]:
    """The names of the metrics that are shown, each once; arguments and errors are those of `history_svg`."""
    known = list(dict.fromkeys(name for run in runs for name in run.metrics))
    for name in metrics:
        if name not in known and f"{PREFIX}{name}" not in known:
            raise fail(NoSuchMetric(metric=name, advice=suggest(name, known, what="metrics")))
    usual = ["loss", *plain_metrics(name for name in known if name != "rate")[:MAX_METRICS]]
    return list(dict.fromkeys(metrics or usual))


def _panel(name: str, runs: Sequence[RunHistory]) -> Panel:
    curves: list[Curve] = []
    for color, run in zip(_colors(runs), runs, strict=True):
        for own in (name, f"{PREFIX}{name}"):
            if own in run.metrics:
                is_dashed = not own.startswith(PREFIX) and f"{PREFIX}{name}" in run.metrics
                curves.append(_curve(run, own, color, is_dashed=is_dashed))
    metric = metric_of(name)
    is_loss = name.rpartition("_")[2] in ("loss", "mse", "rate")
    in_percent, has_pairs = metric is not None and metric.in_percent, any(curve.is_dashed for curve in curves)
    return Panel(words_of(name), curves, in_percent, has_pairs, may_be_log=is_loss)


def _curve(run: RunHistory, metric: str, color: int, *, is_dashed: bool) -> Curve:
    best = None if is_dashed else run.best_epoch
    return Curve(run.name, run.values(metric), color, is_dashed, best)


def _key(runs: Sequence[RunHistory], panels: Sequence[Panel]) -> list[Curve]:
    """What the colors and the dashes are."""
    shown = [curve for panel in panels for curve in panel.curves]
    key: list[Curve] = []
    color = 0 if len(runs) == 1 else None
    if any(curve.is_dashed for curve in shown):
        key += [Curve("training", (), color, is_dashed=True), Curve("validation", (), color)]
    elif any(curve.values for curve in shown):
        has_validation = any(name.startswith(PREFIX) for run in runs for name in run.metrics)
        key.append(Curve("validation" if has_validation else "training", (), color))
    if any(curve.best is not None for curve in shown):
        key.append(Curve("best weights", (), color, best=1))
    if len(runs) > 1:
        for number, run in dict(zip(_colors(runs), runs, strict=True)).items():
            members = sum(other.group == run.group for other in runs)
            noun = run.name.rpartition("/")[2].partition("-")[0]
            name = f"{Path(run.group).name} ({plural(members, noun)})" if run.group else run.name
            key.append(Curve(name, (), number))
    return key


def _colors(runs: Sequence[RunHistory]) -> list[int]:
    """The color of each run: runs in one folder of seeds have the same."""
    keys = [run.group or number for number, run in enumerate(runs)]
    return [list(dict.fromkeys(keys)).index(key) for key in keys]
