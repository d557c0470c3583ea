"""The curves of runs in the terminal, for `netspec plot`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from netspec.cli.render.line_plot import dots_text
from netspec.display.charts.history import RunHistory, shown_metrics
from netspec.display.metric_text import metric_text
from netspec.display.text import plural

HEIGHT = 8
MAX_WIDTH = 64


def curves_text(runs: Sequence[RunHistory], metrics: Sequence[str], width: int) -> Iterator[str]:
    """A curve of dots for each metric of each run, on validation examples where there are some; losses on a logarithmic
    scale.

    Raises:
        CompileError: no run has such a metric (NS495).
    """
    for name in shown_metrics(runs, metrics):
        for run in runs:
            own = f"val_{name}" if f"val_{name}" in run.metrics else name
            values = run.values(own)
            finite = [value for value in values if math.isfinite(value)]
            if len(finite) < 2:
                continue
            ends = f"{metric_text(own, finite[0])} to {metric_text(own, finite[-1])}"
            best = f", {metric_text(own, values[run.best_epoch - 1])} at the best weights" if run.best_epoch else ""
            yield f"{own} of {run.name}: {ends} in {plural(len(values), 'epoch')}{best}"
            low, high = (metric_text(own, end) for end in (min(finite), max(finite)))
            if name.endswith("loss") and min(finite) > 0:  # decreases by factors
                values = [math.log(value) for value in values]
            yield from dots_text(values, (low, high), width=min(MAX_WIDTH, width - 14), height=HEIGHT)
            yield ""
