"""How a training went, in a report: curves of the metrics, the learning rate, gradients and speed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any

from netspec.analysis.pages.read_run import ReadRun
from netspec.display.charts.history import RunHistory, history_panels
from netspec.display.charts.lines import Curve, Panel, panel_svg, swatch_svg
from netspec.display.metric_text import metric_text
from netspec.display.page.elements import Cell, folded_html, paragraph, table_html
from netspec.display.page.section import Section
from netspec.display.text import plural
from netspec.language.values import is_plain_number
from netspec.runs.diff import text_of
from netspec.training.schedules import find_plateau, rates_of

MAX_ROWS = 100
"""Epochs in the table; of a longer training, some at equal distances."""
COMPILES = 4
"""An epoch that takes this times longer than all others has no place in their chart."""


_rates = lru_cache(maxsize=64)(rates_of)
"""Compiled once for a run, not again in every epoch in which a page shows it."""


def training_section(run: ReadRun) -> Section:
    """The curves of a run."""
    if not run.record.history:
        return Section("training", "Training", paragraph("No epoch has ended yet."))
    more = [*_rate_panels(run), *_gradient_panels(run), *_speed_panels(run)]
    charts = charts_html([run.history], more)
    return Section("training", "Training", paragraph(_method(run)) + charts + _epochs_html(run))


def _method(run: ReadRun) -> str:
    """The loss, the optimizer and the size of the batches in a sentence."""
    outputs = run.train.get("outputs", {})
    losses = {name: one["loss"].partition("(")[0] for name, one in outputs.items()}
    texts = [f"{loss} ({name})" if len(losses) > 1 else loss for name, loss in losses.items()]
    parts = [f"loss {', '.join(texts)}"] if texts else []
    known = {name: text_of(value) for name, value in run.meaning.train.items() if name in ("optimizer", "schedule")}
    parts += [f"{name} {text}" for name, text in known.items() if text != "constant"]
    parts += [f"batches of {plural(run.compilation.train.batch, 'example')}"]
    text = ", ".join(parts)
    text = f"{text[0].upper()}{text[1:]}."
    for word in run.compilation.train.loss or ():
        if (units := getattr(word, "parts", 1)) > 1:  # such as mean and spread
            text += (
                f" For each target of {word.word} the network gives {units} numbers, which describe its distribution."
            )
    return text


def charts_html(runs: Sequence[RunHistory], more: Sequence[Panel] = ()) -> str:
    """The curves of the loss and of the most important metrics with their legend, and other panels after them."""
    panels, key = history_panels(runs)
    epochs = max(len(run.records) for run in runs)
    items = "".join(f"<li>{swatch_svg(curve)}{escape(curve.name)}</li>" for curve in key)
    legend = f'<ul class="legend" aria-label="Legend">{items}</ul>' if items else ""
    charts = "".join(panel_svg(panel, epochs) for panel in (*panels, *more))
    return f'{legend}<div class="charts">{charts}</div>'


def _rate_panels(run: ReadRun) -> Iterator[Panel]:
    """The learning rate where it changes: as recorded, or else as the schedule has it at the end of each epoch."""
    train, history = run.compilation.train, run.record.history
    rates = run.history.values("rate")
    if not any(map(math.isfinite, rates)):
        steps = math.ceil(run.counts.get("train", 0) / train.batch)
        rate = next((word.rate for word in train.optimizer if word.has_rate), None)  # type: ignore[attr-defined]
        if not (train.schedule and steps and rate) or find_plateau(train.schedule) is not None:
            return
        every = _rates(rate, train.schedule, steps, max(train.epochs, len(history)))
        rates = [float(rate) for rate in every[steps - 1 :: steps][: len(history)]]
    if len({*rates}) > 1:
        yield Panel("learning rate (end of epoch)", [Curve("learning rate", rates, color=2)])


def _gradient_panels(run: ReadRun) -> Iterator[Panel]:
    """The norms of the gradient and of the update, where they were monitored."""
    totals = [record.get("gradients", {}).get("total", {}) for record in run.record.history]
    if any(totals):
        for key, title in (("gradient_norm", "gradient norm (mean of the steps)"), ("update_norm", "update norm")):
            yield Panel(title, [Curve(title, [_number(total, key) for total in totals], color=3)], may_be_log=True)


def _speed_panels(run: ReadRun) -> Iterator[Panel]:
    history = run.record.history
    seconds = [_number(record, "seconds") for record in history]
    title, hidden = "time per epoch (s)", 0
    if len(history) > 2 and seconds[0] > COMPILES * max(seconds[1:]):  # beside which all others would be a flat line
        title, hidden = f"{title}, the first took {seconds[0]:.3g} s", 1
    yield Panel(title, [Curve("time", [math.nan] * hidden + seconds[hidden:], color=7)])
    steps = [_number(record, "train_seconds") for record in history]
    count = run.counts.get("train", 0)
    if count and any(map(math.isfinite, steps)):
        speed = [count / time if time > 0 else math.nan for time in steps]
        title = "training examples per second" + (", validation apart" if run.counts.get("val") else "")
        yield Panel(title, [Curve("throughput", [math.nan] * hidden + speed[hidden:], color=7)])


def _number(record: Mapping[str, Any], key: str) -> float:
    value = record.get(key)
    return float(value) if is_plain_number(value) else math.nan


def _epochs_html(run: ReadRun) -> str:
    """The numbers of the curves, for reading."""
    history, best = run.history, run.best_epoch
    names = [name for name in history.metrics if name != "rate"]
    columns = [history.values(name) for name in names]
    step = math.ceil(len(history.records) / MAX_ROWS)
    shown = [i for i in range(len(history.records)) if (i + 1) % step == 0 or i + 1 in (1, best)]
    rows: list[list[str | Cell]] = [
        [
            f"{i + 1} (best)" if i + 1 == best else str(i + 1),
            *(metric_text(n, c[i]) if math.isfinite(c[i]) else "" for n, c in zip(names, columns, strict=True)),
        ]
        for i in shown
    ]
    return folded_html("All epochs as a table", table_html("Metrics of the epochs", ["epoch", *names], rows))
